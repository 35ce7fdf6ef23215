"""Shops' files read by Spark into temporary views, which end with the session and are stored nowhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from olist_segments.connectors.engine import InputFile, header_of, refused_format
from olist_segments.loading.engine import FLOATS, text_of_float
from olist_segments.loading.refusals import RefusedInput
from olist_segments.loading.spark_files import SparkFiles

READABLE = ("csv", "txt", "parquet")


class SparkInputs:
    """See `engine.Inputs`; `keep_value` makes a view of one row and column of a value, past every log."""

    def __init__(
        self, files: SparkFiles, list_files: Callable[[str], list[str]], keep_value: Callable[[str, str, str], None]
    ) -> None:
        self.files = files
        self._list_files = list_files
        self._keep_value = keep_value

    @property
    def rowid(self) -> str:
        """See Inputs."""
        return ", monotonically_increasing_id() as rowid"

    def list_files(self, folder: str) -> list[str]:
        """See Inputs."""
        return self._list_files(folder)

    def columns_of(self, file: InputFile) -> list[str]:
        """See Inputs."""
        if file.format not in READABLE:
            raise RefusedInput(refused_format(file, "Spark", READABLE))
        if file.format == "parquet":
            return list(self.types_of(f"select * from parquet.{self.files.name(file.path)}"))
        if file.columns:
            return list(file.columns)
        rows = self.files.rows_of(f"select value from text.{self.files.name(file.path)} limit 1")
        return header_of(file, str(rows[0][0]) if rows else "")

    def read(self, file: InputFile, columns: Mapping[str, str | None], relation: str) -> None:
        """See Inputs."""
        name = self.files.name
        if file.format == "parquet":
            types = self.types_of(f"select * from parquet.{name(file.path)}")
            selected = ", ".join(f"{_text_of(name, column, types)} as {name(sql)}" for sql, column in columns.items())
            rows = f"select {selected}, _metadata.row_index as rowid from parquet.{name(file.path)}"
        elif file.delimiter == "whitespace":
            header = self.columns_of(file)
            fields = "split(trim(translate(value, '\t', ' ')), ' +')"
            self._check_fields(file, header, fields)
            selected = ", ".join(
                f"{'cast(null as string)' if column is None else f'{fields}[{header.index(column)}]'} as {name(sql)}"
                for sql, column in columns.items()
            )
            first = 0 if file.columns else 1
            rows = (
                f"select {selected}, line - {first} as rowid "
                f"from (select value, monotonically_increasing_id() as line from text.{name(file.path)}) as lines "
                f"where line >= {first}"
            )
        else:
            rows = self._csv_rows(file, columns, relation)
        self.files.rows_of(f"create or replace temporary view {relation} as {rows}")

    def keep(self, relation: str, query: str) -> None:
        """See Inputs."""
        self.files.rows_of(f"create or replace temporary view {relation} as {query}")

    def keep_secret(self, relation: str, column: str, value: str) -> None:
        """See Inputs."""
        self._keep_value(relation, column, value)

    def drop(self, relation: str) -> None:
        """See Inputs."""
        self.files.rows_of(f"drop view if exists {relation}")
        self.files.rows_of(f"drop view if exists {relation}_file")

    def types_of(self, query: str) -> dict[str, str]:
        """See Inputs."""
        described = self.files.rows_of(f"describe query {query}")
        return {str(name): str(kind).upper() for name, kind, *_ in described}

    def sha256(self, text: str) -> str:
        """See Inputs."""
        return f"sha2({text}, 256)"

    def _csv_rows(self, file: InputFile, columns: Mapping[str, str | None], relation: str) -> str:
        header = self.columns_of(file)
        fields = "".join(f"field_{i} string, " for i in range(len(header)))
        self.files.rows_of(f"""
            create or replace temporary view {relation}_file ({fields}unreadable_row string)
            using csv
            options (
                path {self.files.text(file.path)}, header '{str(not file.columns).lower()}',
                sep {self.files.text(file.delimiter)}, multiLine 'true', quote '"', escape '"', nullValue '',
                emptyValue '', maxCharsPerColumn '-1', encoding {self.files.text(file.encoding)}, mode 'PERMISSIVE',
                columnNameOfCorruptRecord 'unreadable_row'
            )
        """)
        # All columns are asked for: of columns that nobody reads Spark does not notice that they are missing.
        everything = ", ".join(f"field_{i}" for i in range(len(header)))
        unreadable = self.files.rows_of(
            f"select line, left(unreadable_row, 120), {everything} "
            f"from (select *, monotonically_increasing_id() as line from {relation}_file) as rows_of_file "
            "where unreadable_row is not null order by line limit 1"
        )
        for line, text, *_ in unreadable:
            row = str(text).replace("\n", " ")
            raise RefusedInput(
                f"{file.name}, row {int(line) + 1}: the row has not the {len(header)} fields of the header ('{row}'): "
                "fix the row, or export the file again."
            )
        selected = ", ".join(
            f"{'cast(null as string)' if column is None else f'field_{header.index(column)}'} as {self.files.name(sql)}"
            for sql, column in columns.items()
        )
        # A file whose values hold line breaks is read by one task: its rows are numbered from 0 without a gap.
        return f"select {selected}, monotonically_increasing_id() as rowid from {relation}_file"

    def _check_fields(self, file: InputFile, header: list[str], fields: str) -> None:
        odd = self.files.rows_of(
            f"select line, count_of_fields from (select monotonically_increasing_id() as line, size({fields}) as "
            f"count_of_fields from text.{self.files.name(file.path)}) as lines "
            f"where count_of_fields <> {len(header)} order by line limit 1"
        )
        for line, count in odd:
            raise RefusedInput(
                f"{file.name}, line {int(line) + 1}: the row has {count} fields and not {len(header)} "
                f"({', '.join(header)}): fix the row, or export the file again."
            )


def _text_of(name: Callable[[str], str], column: str | None, types: Mapping[str, str]) -> str:
    if column is None:
        return "cast(null as string)"
    quoted = name(column.replace("`", "``"))
    if types[column] in FLOATS:
        return text_of_float(quoted, "string")
    return f"nullif(cast({quoted} as string), '')"
