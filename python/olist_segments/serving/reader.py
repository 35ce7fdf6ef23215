"""Reading the warehouse that dbt builds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import duckdb

from olist_segments.errors import UserError

DEFAULT_WAREHOUSE = "warehouse.duckdb"


def warehouse_path() -> Path:
    """Where the warehouse is: `OLIST_WAREHOUSE`, or warehouse.duckdb in the working directory."""
    return Path(os.environ.get("OLIST_WAREHOUSE") or DEFAULT_WAREHOUSE)


def open_warehouse(path: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A read-only connection, whatever the file is called; UserError without a warehouse, or when a build holds it."""
    connection = duckdb.connect()
    try:
        attach_warehouse(connection, path)
        connection.execute("use warehouse")
    except BaseException:
        connection.close()
        raise
    return connection


def attach_warehouse(
    connection: duckdb.DuckDBPyConnection, path: Path | None = None, *, read_only: bool = True
) -> None:
    """Attach the warehouse to `connection`, named `warehouse`; UserError as `open_warehouse`."""
    path = path or warehouse_path()
    if not path.is_file():
        raise UserError(f"there is no warehouse at '{path}': run dbt build first, or set OLIST_WAREHOUSE.")
    try:
        # A relative path may begin like the name of an extension, and the ending may be that of another format.
        options = "type duckdb, read_only" if read_only else "type duckdb"
        connection.execute(f"attach {sql_text(path.absolute())} as warehouse ({options})")
    except duckdb.Error as error:
        if "lock" in str(error).lower():
            raise UserError(f"'{path}' is in use by a build: wait for it to end and try again.") from error
        raise UserError(opening_fault(path, str(error))) from error


def opening_fault(path: Path, said: str) -> str:
    """Why the warehouse at `path` can't be opened, when DuckDB `said` so, and what to do."""
    other = "set OLIST_WAREHOUSE to another file."
    if path.is_dir():
        return f"'{path}' is a folder: set OLIST_WAREHOUSE to a file in it."
    if not path.parent.is_dir():
        return f"the folder '{path.parent}' does not exist: make it, or {other}"
    if "not a valid DuckDB database file" in said:
        return f"'{path}' is not a DuckDB database: move it away to have dbt build make it anew, or {other}"
    # DuckDB names the file once more; the reason stands behind it.
    reason = said.strip().splitlines()[0].rpartition('": ')[2].rstrip(".!").removeprefix("IO Error: ")
    return (
        f"'{path}' can't be opened ({reason[:1].lower()}{reason[1:]}): let the user that runs this read it, or {other}"
    )


def query_rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    """The rows of a query, each by the names of its columns."""
    relation = connection.sql(query)
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


def sql_text(value: object) -> str:
    """A SQL text literal."""
    return "'" + str(value).replace("'", "''") + "'"
