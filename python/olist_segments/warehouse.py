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
    """A read-only connection; UserError when there is no warehouse, or a build holds it."""
    path = path or warehouse_path()
    if not path.is_file():
        raise _missing(path)
    try:
        return duckdb.connect(str(path), read_only=True)
    except duckdb.IOException as error:
        raise _not_openable(path, error) from error


def attach_warehouse(connection: duckdb.DuckDBPyConnection, path: Path | None = None) -> None:
    """Attach the warehouse to `connection`, read-only and named `warehouse`; UserError as `open_warehouse`."""
    path = path or warehouse_path()
    if not path.is_file():
        raise _missing(path)
    try:
        connection.execute(f"attach {sql_text(path)} as warehouse (read_only)")
    except duckdb.IOException as error:
        raise _not_openable(path, error) from error


def query_rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    """The rows of a query, each by the names of its columns."""
    relation = connection.sql(query)
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


def sql_text(value: object) -> str:
    """A SQL text literal."""
    return "'" + str(value).replace("'", "''") + "'"


def _missing(path: Path) -> UserError:
    return UserError(f"there is no warehouse at '{path}': run dbt build first, or set OLIST_WAREHOUSE.")


def _not_openable(path: Path, error: duckdb.IOException) -> UserError:
    if "lock" in str(error).lower():
        return UserError(f"'{path}' is in use by a build: wait for it to end and try again.")
    return UserError(f"'{path}' is not a DuckDB warehouse of this version: run dbt build to make it anew.")
