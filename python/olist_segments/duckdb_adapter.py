"""The dbt adapter for DuckDB: see `dbt_olist_segments`, which hands it to dbt."""

from __future__ import annotations

import re
from typing import Any

import duckdb
from dbt.adapters.base.meta import available
from dbt.adapters.contracts.connection import AdapterResponse, Connection
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.adapters.duckdb.impl import DuckDBAdapter as DuckDBAdapterOfDbt
from dbt_common.exceptions import DbtRuntimeError

from olist_segments.errors import UserError


class Connections(DuckDBConnectionManager):
    """dbt-duckdb's connections, which tell in one sentence that the warehouse is in use."""

    @classmethod
    def open(cls, connection: Connection) -> Connection:
        """Open `connection`; DbtRuntimeError where another process holds the warehouse."""
        try:
            # Not by super(): what is open is kept on the class that dbt-duckdb itself asks for it.
            return DuckDBConnectionManager.open(connection)
        except duckdb.IOException as error:
            if "Could not set lock" not in str(error):
                raise
            holder = re.search(r"PID \d+", str(error))
            raise DbtRuntimeError(
                f"'{connection.credentials.path}' is in use by another program{f' ({holder[0]})' if holder else ''}, a "
                "build or a reader: wait for it to end and run dbt again. Nothing was changed."
            ) from error


class DuckDBAdapter(DuckDBAdapterOfDbt):
    """dbt-duckdb's adapter with these connections, and one sentence of a Python model; dbt goes by the class's name."""

    ConnectionManager = Connections

    @available
    def error_of(self, query: str) -> str | None:
        """Run a query, and give the beginning of what DuckDB says against it; None where it went well."""
        try:
            self.execute(query)
        except DbtRuntimeError as error:
            return " ".join(str(error).split())[:300]
        return None

    def submit_python_job(self, parsed_model: dict[str, Any], compiled_code: str) -> AdapterResponse:
        """Run a Python model; DbtRuntimeError with its sentence alone where it ends in a UserError."""
        try:
            return super().submit_python_job(parsed_model, compiled_code)
        except DbtRuntimeError as error:
            if isinstance(error.__context__, UserError):
                raise DbtRuntimeError(str(error.__context__)) from None
            raise
