"""Reading raw files on Spark.

A path may be whatever the cluster reads. The text is taken as UTF-8; a place is told by row, not by line. Spark has no
transactions: a run that is killed while the tables change places is to be run again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from olist_segments.loading.declared import RawTable
from olist_segments.loading.engine import RawFile, RowsOf, columns_or_nulls, make_incoming, selected_texts
from olist_segments.loading.refusals import RefusedInput


class SparkFiles:
    """Files where the cluster reads them, loaded through its session; see `engine.RawFiles`."""

    def __init__(self, rows_of: RowsOf, find: Callable[[str], list[str]]) -> None:
        self.rows_of = rows_of
        self._find = find

    def begin(self) -> None:
        """Nothing to prepare: Parquet tables compress as they are written."""

    def end(self) -> None:
        """Nothing was prepared."""

    def find(self, path: str) -> list[str]:
        """See RawFiles."""
        return self._find(path)

    def first_line(self, file: RawFile) -> str:
        """See RawFiles."""
        rows = self.rows_of(f"select value from text.{self.name(file.path)} limit 1")
        return str(rows[0][0]) if rows else ""

    def load_csv(self, file: RawFile, table: RawTable, header: Sequence[str]) -> None:
        """See RawFiles."""
        columns = "".join(f"{self.name(name or f'column{i}')} string, " for i, name in enumerate(header, 1))
        self.rows_of(f"""
            create or replace temporary view raw_csv_file ({columns}unreadable_row string)
            using csv
            options (
                path {self.text(file.path)}, header 'true', multiLine 'true', quote '"', escape '"', nullValue '',
                emptyValue '', maxCharsPerColumn '-1', mode 'PERMISSIVE', columnNameOfCorruptRecord 'unreadable_row'
            )
        """)
        # A file whose values hold line breaks is read by one task: its rows are numbered from 0 without a gap.
        make_incoming(
            self.rows_of,
            table,
            f"select {columns_or_nulls(self, table, header, 'string')}, unreadable_row, "
            "monotonically_increasing_id() as rowid from raw_csv_file",
        )
        self.rows_of("drop view raw_csv_file")
        unreadable = self.rows_of(
            f"select rowid, left(unreadable_row, 120) from {table.incoming} where unreadable_row is not null "
            "order by rowid limit 1"
        )
        for position, text in unreadable:
            row = text.replace("\n", " ")
            raise RefusedInput(
                f"{file.name}, {self.place_of_row(file, position)}: the row has not the {len(header)} fields of the "
                f"header ('{row}'): fix the row, or export the file again."
            )

    def parquet_types(self, file: RawFile) -> dict[str, str]:
        """See RawFiles."""
        described = self.rows_of(f"describe query select * from parquet.{self.name(file.path)}")
        return {name: kind.upper() for name, kind, *_ in described}

    def load_parquet(self, file: RawFile, table: RawTable, types: dict[str, str]) -> None:
        """See RawFiles."""
        texts = selected_texts(self, table, types, "string")
        make_incoming(
            self.rows_of, table, f"select {texts}, _metadata.row_index as rowid from parquet.{self.name(file.path)}"
        )

    def count_rows(self, file: RawFile, loaded: int) -> int:
        """One task reads a file from its beginning, wherever it lies: nothing else there counts its rows."""
        return loaded

    def place_of_row(self, file: RawFile, position: int) -> str:
        """The row, its header and blank lines left out."""
        return f"row {position + 1}"

    def put_in_use(self, tables: Sequence[RawTable]) -> None:
        """One after the other."""
        for table in tables:
            self.rows_of(f"drop table if exists {table.in_use}")
            self.rows_of(f"alter table {table.incoming} rename to {table.in_use}")

    def name(self, name: str) -> str:
        """See RawFiles."""
        return f"`{name}`"

    def text(self, value: str) -> str:
        """Spark reads a backslash as the beginning of an escape."""
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"

    def matches(self, text: str, pattern: str) -> str:
        """See RawFiles."""
        whole = self.text(f"\\A(?:{pattern})\\z")
        return f"({text} rlike {whole})"
