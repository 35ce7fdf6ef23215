"""Where the report reads: the tables that were published, or the warehouse while nothing is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb

from olist_segments.errors import UserError
from olist_segments.serving.folder import published_tables, serving_path
from olist_segments.serving.reader import open_warehouse, warehouse_path

Row = dict[str, Any]
SOURCES = ("published", "warehouse")


@dataclass(frozen=True)
class Answer:
    """What a query gave: its name, its SQL, the tables it reads, its columns and its rows."""

    name: str
    sql: str
    tables: tuple[str, ...]
    columns: tuple[str, ...]
    rows: list[Row]


def choose_source(kind: str | None) -> Path:
    """The file to read: that of `kind` (one of SOURCES), or without one the published tables where there are any.

    The published tables come first: they are those of a whole build whose tests passed, they are what everybody else
    reads, and no build locks them. UserError where there is nothing to read.
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
            f"there are no tables to report on, neither published in '{serving_path()}' nor in a warehouse at "
            f"'{warehouse_path()}': run dbt build first, or set OLIST_SERVING_DIR or OLIST_WAREHOUSE."
        )
    return warehouse_path()


@contextmanager
def reading(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to the tables in `path`; UserError where it lacks a table or column the report reads."""
    with open_warehouse(path) as connection:
        try:
            yield connection
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            missing = str(error).splitlines()[0].rstrip("!.")
            raise UserError(
                f"'{path}' does not hold all tables of the report ({missing}): run dbt build to its end, and "
                "olist-segments publish where the report reads the published tables."
            ) from error


def ask(connection: duckdb.DuckDBPyConnection, name: str) -> Answer:
    """The answer to the query in queries/`name`.sql; amounts are floats, dates stay dates."""
    sql = files("olist_segments.report").joinpath("queries", f"{name}.sql").read_text(encoding="utf-8").strip()
    relation = connection.sql(sql)
    columns = tuple(relation.columns)
    rows = [{column: _value(value) for column, value in zip(columns, row, strict=True)} for row in relation.fetchall()]
    return Answer(name, sql, tuple(sorted(connection.get_table_names(sql))), columns, rows)


def _value(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, float) and value != value:
        return None
    if isinstance(value, datetime):
        return value.date()
    return value


def newest(rows: list[Row], column: str = "as_of_date") -> date | None:
    """The newest date of a column; None where there is none."""
    return max((row[column] for row in rows if row[column] is not None), default=None)
