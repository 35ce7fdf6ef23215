"""Which tables a command reads: those that were published, or the warehouse while nothing is."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from olist_segments.errors import UserError
from olist_segments.serving.folder import published_tables, serving_path
from olist_segments.serving.reader import open_warehouse, warehouse_path

SOURCES = ("published", "warehouse")


def add_source_option(parser: argparse.ArgumentParser) -> None:
    """Add `--source`: the published tables or the warehouse."""
    parser.add_argument(
        "--source",
        choices=SOURCES,
        help="the published tables or the warehouse; default: the published tables, if there are any",
    )


def choose_source(kind: str | None) -> Path:
    """The file to read: that of `kind` (one of SOURCES), or without one the published tables if there are any.

    The published tables come first: they are from a complete build whose tests passed, they are what everybody else
    reads, and no build locks them. UserError if there is nothing to read.
    """
    published = None if kind == "warehouse" else published_tables()
    if published is not None:
        return published
    if kind == "published":
        raise UserError(
            f"nothing is published in '{serving_path()}': run dbt build and olist-segments publish first, "
            "or set OLIST_SERVING_DIR."
        )
    if not warehouse_path().is_file():
        raise UserError(
            f"there are no tables to read, neither published in '{serving_path()}' nor in a warehouse at "
            f"'{warehouse_path()}': run dbt build first, or set OLIST_SERVING_DIR or OLIST_WAREHOUSE."
        )
    return warehouse_path()


@contextmanager
def open_tables(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to the tables in `path`; UserError if a table or column that is asked for is missing."""
    with open_warehouse(path) as connection:
        try:
            yield connection
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            missing = str(error).splitlines()[0].rstrip("!.").rpartition(" Error: ")[2]
            missing = missing[:1].lower() + missing[1:]
            raise UserError(
                f"'{path}' does not hold all tables that this command reads ({missing}): run dbt build to its end, "
                "and olist-segments publish if the published tables are read."
            ) from error


@dataclass(frozen=True)
class Described:
    """What a table says of itself: its comment, and of each column its name, type and comment; None for no comment."""

    comment: str | None
    columns: list[tuple[str, str, str | None]]


def described(connection: duckdb.DuckDBPyConnection, table: str) -> Described | None:
    """The descriptions of a table that a model made, which are those in its YAML; None where there is no such table."""
    of_table = "where database_name = current_database() and schema_name = 'main' and table_name = ?"
    found = connection.execute(f"select comment from duckdb_tables() {of_table}", [table]).fetchall()
    if not found:
        return None
    columns = connection.execute(
        f"select column_name, data_type, comment from duckdb_columns() {of_table} order by column_index", [table]
    ).fetchall()
    return Described(found[0][0], columns)


def present_tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """The names of the tables that models made; those of an earlier release lack some."""
    found = connection.sql("select table_name from information_schema.tables where table_schema = 'main'").fetchall()
    return {name for (name,) in found}
