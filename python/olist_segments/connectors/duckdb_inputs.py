"""Shops' files read by DuckDB into temporary tables, which go with the connection."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import duckdb
import pandas as pd
from dbt_common.exceptions import DbtRuntimeError

from olist_segments.connectors.engine import InputFile, header_of
from olist_segments.loading import csv_files
from olist_segments.loading.duckdb_files import DuckDBFiles, check_reading, parquet_rows, path_literal
from olist_segments.loading.engine import FLOATS, text_of_float
from olist_segments.loading.refusals import RefusedInput

Execute = Callable[..., Any]
"""Runs SQL, with values for its parameters, and logs nothing."""

_NO_CHARACTER = "\x01"
"""Stands in no text: a line is one value."""


class DuckDBInputs:
    """See `engine.Inputs`; `cursor` is a cursor of the connection that `files` uses."""

    def __init__(self, files: DuckDBFiles, cursor: Any) -> None:
        self.files = files
        self._cursor = cursor

    @property
    def rowid(self) -> str:
        """See Inputs."""
        return ""

    def list_files(self, folder: str) -> list[str]:
        """See Inputs."""
        try:
            with os.scandir(folder) as entries:
                return sorted(os.path.abspath(entry.path) for entry in entries if entry.is_file())
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            said = (error.strerror or str(error)).lower()
            raise RefusedInput(f"The folder '{folder}' can't be read ({said}).") from error

    def columns_of(self, file: InputFile) -> list[str]:
        """See Inputs."""
        check_reading(file.path, file.name)
        if file.format in ("csv", "txt"):
            return list(file.columns) or self._header(file)
        with self._opened(file) as rows:
            return [str(name) for name, *_ in self._run(file, f"describe select * from {rows}")]

    def read(self, file: InputFile, columns: Mapping[str, str | None], relation: str) -> None:
        """See Inputs."""
        if file.format in ("csv", "txt") and file.delimiter == "whitespace":
            self._read_spaced_text(file, columns, relation)
        elif file.format in ("csv", "txt"):
            self._read_csv(file, columns, relation)
        else:
            with self._opened(file) as rows:
                types = {str(name): str(kind) for name, kind, *_ in self._run(file, f"describe select * from {rows}")}
                selected = ", ".join(
                    f"{self._text_of(column, types)} as {self.files.name(name)}" for name, column in columns.items()
                )
                self._run(file, f"create or replace temp table {relation} as select {selected} from {rows}")

    def keep(self, relation: str, query: str) -> None:
        """See Inputs."""
        self.files.rows_of(f"create or replace temp table {relation} as {query}")

    def keep_secret(self, relation: str, column: str, value: str) -> None:
        """See Inputs."""
        self._cursor.execute(f"create or replace temp table {relation} as select ? as {column}", [value])

    def drop(self, relation: str) -> None:
        """See Inputs."""
        self.files.rows_of(f"drop table if exists temp.{relation}")

    def types_of(self, query: str) -> dict[str, str]:
        """See Inputs."""
        return {str(name): str(kind).upper() for name, kind, *_ in self.files.rows_of(f"describe {query}")}

    def sha256(self, text: str) -> str:
        """See Inputs."""
        return f"sha256({text})"

    def _header(self, file: InputFile) -> list[str]:
        return header_of(file, csv_files.first_line(file.path, file.encoding))

    def _read_csv(self, file: InputFile, columns: Mapping[str, str | None], relation: str) -> None:
        header = list(file.columns) or self._header(file)
        # By position: a name may stand twice in a header.
        fields = [f"field_{i}" for i in range(len(header))]
        selected = ", ".join(
            f"{'cast(null as varchar)' if column is None else fields[header.index(column)]} as {self.files.name(name)}"
            for name, column in columns.items()
        )
        self._run(
            file,
            f"""
            create or replace temp table {relation} as
            select {selected}
            from
                read_csv(
                    {path_literal(file.path)},
                    columns = {{{", ".join(f"{field}: 'varchar'" for field in fields)}}},
                    auto_detect = false, header = {str(not file.columns).lower()},
                    delim = {self.files.text(file.delimiter)}, quote = '"', escape = '"', nullstr = '',
                    encoding = '{file.encoding}', parallel = false, hive_partitioning = false
                )
            """,
        )
        ((loaded,),) = self.files.rows_of(f"select count(*) from {relation}")
        counted = csv_files.count_records(file.path, loaded - bool(file.columns)) + bool(file.columns)
        if counted != loaded:
            raise RefusedInput(
                f"{file.name} holds {counted} rows and {loaded} were read: export it again, every value in quotes."
            )

    def _read_spaced_text(self, file: InputFile, columns: Mapping[str, str | None], relation: str) -> None:
        names = list(file.columns) or self._header(file)
        places = {name: None if column is None else names.index(column) + 1 for name, column in columns.items()}
        selected = ", ".join(
            f"{'cast(null as varchar)' if place is None else f'fields[{place}]'} as {self.files.name(name)}"
            for name, place in places.items()
        )
        lines = f"""
            select row_number() over () as line_number, regexp_split_to_array(trim(line, ' \t'), '[ \t]+') as fields
            from
                read_csv(
                    {path_literal(file.path)}, columns = {{line: 'varchar'}}, auto_detect = false,
                    header = {str(not file.columns).lower()}, delim = '{_NO_CHARACTER}', quote = '', escape = '',
                    encoding = '{file.encoding}', parallel = false, hive_partitioning = false
                )
        """
        odd = self._run(
            file, f"select line_number, len(fields) from ({lines}) where len(fields) <> {len(names)} limit 1"
        )
        for line, count in odd:
            raise RefusedInput(
                f"{file.name}, line {int(line) + (not file.columns)}: the row has {count} fields and not "
                f"{len(names)} ({', '.join(names)}): fix the row, or export the file again."
            )
        self._run(file, f"create or replace temp table {relation} as select {selected} from ({lines})")

    def _text_of(self, column: str | None, types: Mapping[str, str]) -> str:
        if column is None:
            return "cast(null as varchar)"
        name = self.files.name(column.replace('"', '""'))
        if types[column] in FLOATS:
            return text_of_float(name, "varchar")
        return f"nullif(cast({name} as varchar), '')"

    def _opened(self, file: InputFile) -> _Opened:
        return _Opened(self._cursor, file)

    def _run(self, file: InputFile, statement: str) -> list[tuple[Any, ...]]:
        try:
            return self.files.rows_of(statement)
        except (DbtRuntimeError, duckdb.Error) as error:
            raise _refused(file, " ".join(str(error).split())) from error


def _refused(file: InputFile, said: str) -> RefusedInput:
    """What DuckDB said of a file, without the line that it quotes, which may name a person."""
    line = re.search(r"on Line: (\d+)", said, re.IGNORECASE)
    where = f"{file.name}, line {line[1]}" if line else file.name
    if re.search("utf-8|unicode", said, re.IGNORECASE):
        return RefusedInput(
            f"{where}: the text is not UTF-8: export it again as UTF-8, or write encoding: latin-1 into connector.yml."
        )
    if file.format in ("csv", "txt"):
        return RefusedInput(
            f"{where}: the row has more or fewer fields than the header, or a quote in it never ends: fix the row, or "
            "export the file again."
        )
    return RefusedInput(f"{file.name} can't be read: it is not a whole .{file.format} file; export it again.")


class _Opened:
    """The rows of a file as a relation of SQL, for as long as the context lasts."""

    def __init__(self, cursor: Any, file: InputFile) -> None:
        self._cursor = cursor
        self._file = file

    def __enter__(self) -> str:
        file = self._file
        try:
            if file.format == "parquet":
                return parquet_rows(file.path)
            if file.format == "json":
                return f"read_json({path_literal(file.path)}, hive_partitioning = false)"
            if file.format == "duckdb":
                self._cursor.execute(f"attach {path_literal(file.path)} as connector_shop (read_only)")
                return f'connector_shop."{file.table}"'
            frame = _sqlite_rows(file) if file.format == "sqlite" else _sheet_rows(file)
            self._cursor.register("connector_rows", frame)
            return "connector_rows"
        except (duckdb.Error, sqlite3.Error, BadZipFile, KeyError, ValueError, OSError) as error:
            what = f"holds no table or sheet '{file.table}'" if file.table else "has no first sheet"
            raise RefusedInput(
                f"{file.name} can't be read: it is not a whole .{file.format} file, or {what}; export it again."
            ) from error

    def __exit__(self, *_: object) -> None:
        if self._file.format == "duckdb":
            self._cursor.execute("detach connector_shop")
        elif self._file.format in ("sqlite", "xlsx"):
            self._cursor.unregister("connector_rows")


def _sqlite_rows(file: InputFile) -> pd.DataFrame:
    with closing(sqlite3.connect(f"{Path(file.path).as_uri()}?mode=ro", uri=True)) as connection:
        table = str(file.table).replace('"', '""')
        rows = connection.execute(f'select * from "{table}"')
        names = [name for name, *_ in rows.description]
        return _texts(rows.fetchall(), names)


def _sheet_rows(file: InputFile) -> pd.DataFrame:
    sheets = pd.read_excel(file.path, sheet_name=file.table or 0, dtype=object, engine="openpyxl")
    return _texts(sheets.itertuples(index=False, name=None), [str(name).strip() for name in sheets.columns])


def _texts(rows: Any, names: list[str]) -> pd.DataFrame:
    """A frame of texts: moments as ISO writes them, whole numbers without a fraction, nothing where a cell is empty."""
    texts = [[None if _is_empty(value) else _text(value) for value in row] for row in rows]
    return pd.DataFrame(texts, columns=names, dtype="string")


def _is_empty(value: Any) -> bool:
    return value is None or value == "" or bool(pd.isna(value))


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
