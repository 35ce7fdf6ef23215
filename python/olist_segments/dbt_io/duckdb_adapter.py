"""The dbt adapter for DuckDB: see `dbt_olist_segments`, which hands it to dbt."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import pandas as pd
from dbt.adapters.base.column import Column as BaseColumn
from dbt.adapters.base.meta import available
from dbt.adapters.base.relation import BaseRelation
from dbt.adapters.contracts.connection import AdapterResponse, Connection
from dbt.adapters.contracts.relation import Policy
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.adapters.duckdb.impl import DuckDBAdapter as DuckDBAdapterOfDbt
from dbt.adapters.duckdb.relation import DuckDBRelation
from dbt_common.exceptions import DbtRuntimeError

from olist_segments.connectors.duckdb_inputs import DuckDBInputs
from olist_segments.connectors.engine import Inputs
from olist_segments.dbt_io.project_adapter import ProjectAdapter
from olist_segments.errors import UserError
from olist_segments.loading import duckdb_files
from olist_segments.loading.duckdb_files import DuckDBFiles
from olist_segments.loading.engine import Rows
from olist_segments.serving.reader import opening_fault, sql_text


class Connections(DuckDBConnectionManager):
    """dbt-duckdb's connections, which tell in one sentence why the warehouse can't be opened."""

    @classmethod
    def open(cls, connection: Connection) -> Connection:
        """Open `connection`; DbtRuntimeError where the warehouse is in use, or the set-up is wrong."""
        credentials = connection.credentials
        for attached in credentials.attach or []:
            # What stands before a colon in a relative path would be the name of an extension to install.
            attached.path = os.path.abspath(attached.path)
        try:
            # Not by super(): what is open is kept on the class that dbt-duckdb itself asks for it.
            return DuckDBConnectionManager.open(connection)
        except duckdb.Error as error:
            path = credentials.attach[0].path if credentials.attach else credentials.path
            raise DbtRuntimeError(_opening_fault(Path(path), credentials.config_options or {}, str(error))) from error


@dataclass(frozen=True, eq=False, repr=False)
class Relation(DuckDBRelation):
    """A relation without its database in SQL: views hold under whatever name a reader opens the file."""

    include_policy: Policy = field(default_factory=lambda: Policy(database=False))


class DuckDBTables:
    """Source tables of campaigns; see `campaigns.load.SourceTables`. SQL goes by dbt's log, which keeps no ids."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self._registered: list[str] = []

    def relation(self, name: str, columns: Mapping[str, str], rows: str | Rows) -> str:
        """See SourceTables."""
        if isinstance(rows, str):
            return f"({rows})"
        self._registered.append(name)
        self._cursor.register(name, pd.DataFrame(rows, columns=list(columns), dtype="object"))
        shown = ", ".join(f"cast({column} as {kind}) as {column}" for column, kind in columns.items())
        return f"(select {shown} from {name})"

    def make(self, tables: Mapping[str, str]) -> None:
        """All of them in one transaction."""
        self._cursor.execute("begin transaction")
        try:
            for table, query in tables.items():
                self._cursor.execute(f"create or replace table {table} as {query}")
            self._cursor.execute("commit")
        except BaseException:
            self._cursor.execute("rollback")
            raise
        finally:
            for name in self._registered:
                self._cursor.unregister(name)


class DuckDBAdapter(ProjectAdapter, DuckDBAdapterOfDbt):
    """dbt-duckdb's adapter with these connections, and what macros need of files; dbt goes by the class's name."""

    ConnectionManager = Connections
    Relation = Relation
    # What DuckDB calls a type that is written as it is in YAML.
    _names_of_types: ClassVar[dict[str, str]] = {}

    def raw_files(self) -> DuckDBFiles:
        """See ProjectAdapter."""
        return DuckDBFiles(self.rows_of)

    def inputs(self, *, is_logged: bool) -> Inputs:
        """See ProjectAdapter."""
        cursor = self.connections.get_thread_connection().handle.cursor()
        files = self.raw_files() if is_logged else DuckDBFiles(lambda sql: cursor.execute(sql).fetchall())
        return DuckDBInputs(files, cursor)

    def source_tables(self) -> DuckDBTables:
        """See ProjectAdapter."""
        return DuckDBTables(self.connections.get_thread_connection().handle.cursor())

    @available
    def find_files(self, path: str) -> list[str]:
        """See `duckdb_files.files_at`."""
        return duckdb_files.files_at(path)

    @available
    def sql_path(self, path: str) -> str:
        """See `duckdb_files.path_literal`."""
        return duckdb_files.path_literal(path)

    @available
    def parquet_rows(self, path: str) -> str:
        """See `duckdb_files.parquet_rows`."""
        return duckdb_files.parquet_rows(path)

    @available
    def get_seed_file_path(self, model: dict[str, Any]) -> str:
        """The path of a seed's file as dbt-duckdb puts it between quotes of SQL."""
        return duckdb_files.path_literal(super().get_seed_file_path(model))[1:-1]

    # What dbt does around every query of a model, as its macros have it but in Python and without a line in the log: to
    # run a macro from Python dbt gathers all macros anew, and every statement is four events.

    def rename_relation(self, from_relation: BaseRelation, to_relation: BaseRelation) -> None:
        """Rename a table or view."""
        self.cache_renamed(from_relation, to_relation)
        name = self.quote_as_configured(to_relation.identifier, "identifier")
        if not self.connections.get_thread_connection().transaction_open:
            self.connections.begin()  # type: ignore[no-untyped-call]
        self._run(f"alter {to_relation.type} {from_relation} rename to {name}")

    def drop_relation(self, relation: BaseRelation) -> None:
        """Drop a table or view, and the views on it."""
        self.cache_dropped(relation)
        self._run(f"drop {relation.type} if exists {relation} cascade")

    def get_columns_in_relation(self, relation: BaseRelation) -> list[BaseColumn]:
        """The columns of a table or view in their order; none of one that does not exist."""
        try:
            return [self.Column(name, kind) for name, kind, *_ in self._run(f"describe {relation}")]
        except DbtRuntimeError as error:
            if "does not exist" in str(error):
                return []
            raise

    @available
    def comment_on(
        self, relation: BaseRelation, description: str | None, columns: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Give a table or view its description, and its `columns` those of dbt's graph."""
        comments = [] if description is None else [(f"{relation.type} {relation}", description)]
        for name, column in columns.items():
            quoted = f'"{name}"' if column.get("quote") else name
            comments.append((f"column {relation}.{quoted}", column["description"]))
        if comments:
            self._run(";\n".join(f"comment on {named} is {sql_text(text)}" for named, text in comments))

    @available
    def is_contract_kept(self, query: str, columns: Mapping[str, Mapping[str, Any]]) -> bool:
        """Whether `query` gives these columns of dbt's graph, each of its type, in whatever order."""
        for kind in {column["data_type"] for column in columns.values()} - self._names_of_types.keys():
            self._names_of_types[kind] = self._run(f"describe select cast(null as {kind})")[0][1]
        promised = {name.lower(): self._names_of_types[column["data_type"]] for name, column in columns.items()}
        given = [(name.lower(), kind) for name, kind, *_ in self._run(f"describe {query}")]
        return len(given) == len(promised) and dict(given) == promised

    def _run(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows of a statement in the connection that dbt holds; DbtRuntimeError."""
        with self.connections.exception_handler(statement):
            cursor = self.connections.get_thread_connection().handle.cursor()
            return list(cursor.execute(statement).fetchall())

    def submit_python_job(self, parsed_model: dict[str, Any], compiled_code: str) -> AdapterResponse:
        """Run a Python model; DbtRuntimeError with its sentence alone where it ends in a UserError."""
        try:
            return super().submit_python_job(parsed_model, compiled_code)
        except DbtRuntimeError as error:
            if isinstance(error.__context__, UserError):
                raise DbtRuntimeError(str(error.__context__)) from None
            raise


def _opening_fault(path: Path, options: Mapping[str, Any], said: str) -> str:
    """Why the warehouse at `path` could not be opened with these options, and what to do."""
    holder = re.search(r"PID \d+", said)
    if "Could not set lock" in said:
        return (
            f"'{path}' is in use by another program{f' ({holder[0]})' if holder else ''}, a build or a reader: wait "
            "for it to end and run dbt again. Nothing was changed."
        )
    if re.search("memory|percentage", said, re.IGNORECASE) and "IO Error" not in said:
        limit = options.get("memory_limit")
        return f"OLIST_MEMORY_LIMIT is '{limit}', which DuckDB can't work with: write it like 4GB or 80%."
    return opening_fault(path, said)
