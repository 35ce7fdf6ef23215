"""Reading raw files on DuckDB."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Sequence

import duckdb
from dbt_common.exceptions import DbtRuntimeError

from olist_segments.loading import csv_files
from olist_segments.loading.declared import RawTable
from olist_segments.loading.engine import RawFile, RowsOf, columns_or_nulls, selected_texts
from olist_segments.loading.load import columns_of_header
from olist_segments.loading.refusals import RefusedInput
from olist_segments.serving.reader import sql_text


class DuckDBFiles:
    """Files beside this process, loaded through one connection; see `engine.RawFiles`."""

    def __init__(self, rows_of: RowsOf) -> None:
        self.rows_of = rows_of

    def begin(self) -> None:
        """The next run replaces the raw tables: to compress them takes longer than all else."""
        self.rows_of("set force_compression = 'uncompressed'")

    def end(self) -> None:
        """See RawFiles."""
        self.rows_of("reset force_compression")

    def find(self, path: str) -> list[str]:
        """See RawFiles."""
        return files_at(path)

    def first_line(self, file: RawFile) -> str:
        """See RawFiles."""
        check_reading(file.path, file.name)
        return csv_files.first_line(file.path)

    def load_csv(self, file: RawFile, table: RawTable, header: Sequence[str]) -> None:
        """See RawFiles. The dialect is declared: UTF-8, comma, double quote, one header line."""
        names = (name if name in table.columns else f"not_read_{i}" for i, name in enumerate(header, 1))
        # A reader that begins in the middle of a file can begin inside a comment and take it for rows; a folder named
        # like column=value would give the column that value.
        self._load(
            file,
            f"""
            create or replace table {table.incoming} as
            select {columns_or_nulls(self, table, header, "varchar")}
            from
                read_csv(
                    {path_literal(file.path)},
                    columns = {{{", ".join(f"{self.text(name)}: 'varchar'" for name in names)}}},
                    auto_detect = false, header = true, delim = ',', quote = '"', escape = '"', nullstr = '',
                    parallel = false, hive_partitioning = false,
                    store_rejects = true, rejects_table = 'raw_rejects', rejects_scan = 'raw_reject_scans',
                    rejects_limit = 1000
                )
            """,
        )
        rejects = self.rows_of(
            "select line_byte_position, column_idx, error_type, left(csv_line, 120), left(error_message, 200) "
            "from raw_rejects order by line, column_idx limit 1"
        )
        for byte, column, kind, text, message in rejects:
            meaning = {
                "MISSING COLUMNS": f"the row has fewer fields than the {len(header)} of the header",
                "TOO MANY COLUMNS": f"the row has more fields than the {len(header)} of the header",
                "UNQUOTED VALUE": "a quoted value goes on behind its closing quote",
                "INVALID ENCODING": "the text is not UTF-8",
                "LINE SIZE OVER MAXIMUM": "the row is longer than two million bytes",
            }.get(kind, message)
            is_about_a_value = kind in ("UNQUOTED VALUE", "INVALID ENCODING")
            blamed = header[int(column or 1) - 1] if is_about_a_value else None
            raise _refused_row(file, csv_files.line_of_byte(file.path, int(byte)), blamed, str(meaning), text or "")

    def parquet_types(self, file: RawFile) -> dict[str, str]:
        """See RawFiles."""
        check_reading(file.path, file.name)
        described = self._load(file, f"describe select * from {parquet_rows(file.path)}")
        return {str(name): str(kind) for name, kind, *_ in described}

    def load_parquet(self, file: RawFile, table: RawTable, types: dict[str, str]) -> None:
        """See RawFiles."""
        texts = selected_texts(self, table, types, "varchar")
        self._load(file, f"create or replace table {table.incoming} as select {texts} from {parquet_rows(file.path)}")

    def count_rows(self, file: RawFile, loaded: int) -> int:
        """See RawFiles."""
        if file.format == "parquet":
            ((counted,),) = self.rows_of(f"select sum(num_rows) from parquet_file_metadata({path_literal(file.path)})")
            return int(counted)
        counted = csv_files.count_records(file.path, loaded)
        # A last row that ends inside quotes is dropped without a word.
        if counted != loaded and (last := csv_files.open_quote(file.path)):
            header = columns_of_header(file, csv_files.first_line(file.path))
            raise _refused_row(
                file, last["line"], header[last["column"] - 1], "a quoted value never ends", last["text"]
            )
        return counted

    def place_of_row(self, file: RawFile, position: int) -> str:
        """The line on which the row begins, as an editor counts lines: rows hold line breaks inside quotes."""
        return f"line {csv_files.line_of_record(file.path, position)}"

    def put_in_use(self, tables: Sequence[RawTable]) -> None:
        """All of them in one transaction."""
        swaps = (
            f"drop table if exists {table.in_use}; alter table {table.incoming} rename to {table.name};"
            for table in tables
        )
        try:
            self.rows_of(f"begin transaction; {' '.join(swaps)} commit;")
        except BaseException:
            with contextlib.suppress(Exception):
                self.rows_of("rollback")
            raise

    def name(self, name: str) -> str:
        """See RawFiles."""
        return f'"{name}"'

    def text(self, value: str) -> str:
        """See RawFiles."""
        return sql_text(value)

    def matches(self, text: str, pattern: str) -> str:
        """See RawFiles."""
        return f"regexp_full_match({text}, {sql_text(pattern)})"

    def _load(self, file: RawFile, statement: str) -> list[tuple[object, ...]]:
        try:
            return self.rows_of(statement)
        except (DbtRuntimeError, duckdb.Error) as error:
            raise self._refused_file(file, " ".join(str(error).split())) from error

    def _refused_file(self, file: RawFile, said: str) -> RefusedInput:
        """What DuckDB said of a file that it gave up on, in the words of whoever has to fix it."""
        check_reading(file.path, file.name)
        if "No files found" in said:
            return RefusedInput(
                f"DuckDB can't open '{file.path}', whose path has a backslash beside one of [ * ?: rename the folder, "
                "or move the files to another."
            )
        if file.format == "csv" and (fault := csv_files.line_end_fault(file.path)):
            return RefusedInput(f"{file.name}{fault}")
        if file.format == "parquet":
            return RefusedInput(
                f"{file.name} is not a whole Parquet file: write it again, or put the CSV file in its place."
            )
        return RefusedInput(f"{file.name} can't be read ({said[:200]}): export it again.")


def check_reading(path: str, name: str) -> None:
    """Refuse a file, called `name`, that this process may not read."""
    if said := csv_files.reading_error(path):
        raise RefusedInput(f"{name} can't be read ({said}): let the user that runs dbt read it.")


def files_at(path: str) -> list[str]:
    """The file at `path`, absolute, as a list of one; none where there is no file."""
    return [os.path.abspath(path)] if os.path.isfile(path) else []


def path_literal(path: str) -> str:
    """A path as a SQL text literal that DuckDB takes for that file and for no pattern."""
    return sql_text(without_patterns(path))


def without_patterns(path: str) -> str:
    """The absolute path with the marks of DuckDB's patterns each in brackets, where they stand for themselves."""
    return re.sub(r"[\[*?]", r"[\g<0>]", os.path.abspath(path))


def parquet_rows(path: str) -> str:
    """The rows of one Parquet file as a relation of SQL, without columns that its folder is named after."""
    return f"read_parquet({path_literal(path)}, hive_partitioning = false)"


def _refused_row(file: RawFile, line: int, column: str | None, meaning: str, text: str) -> RefusedInput:
    where = f", column {column}" if column else ""
    row = text[:120].replace("\r", "").strip("\n").replace("\n", " ")
    return RefusedInput(f"{file.name}, line {line}{where}: {meaning} ('{row}'): fix the row, or export the file again.")
