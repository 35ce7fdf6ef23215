"""Reading the warehouse that dbt builds."""

from __future__ import annotations

import os
from pathlib import Path

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
        raise UserError(f"there is no warehouse at '{path}': run dbt build first, or set OLIST_WAREHOUSE.")
    try:
        return duckdb.connect(str(path), read_only=True)
    except duckdb.IOException as error:
        if "lock" in str(error).lower():
            raise UserError(f"'{path}' is in use by a build: wait for it to end and try again.") from error
        raise UserError(
            f"'{path}' is not a DuckDB warehouse of this version: run dbt build to make it anew."
        ) from error
