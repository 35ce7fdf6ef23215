"""What loading asks of an engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from olist_segments.loading.declared import RawTable

FLOATS = ("DOUBLE", "FLOAT")
Rows = list[tuple[Any, ...]]
RowsOf = Callable[[str], Rows]
"""Runs a SQL statement and gives its rows."""


@dataclass(frozen=True)
class RawFile:
    """A raw file where it was found: a path as the engine reads it."""

    path: str
    table_name: str
    format: Literal["csv", "parquet"]

    @property
    def name(self) -> str:
        """Its name as a sentence says it."""
        return f"{self.table_name}.{self.format}"


class RawFiles(Protocol):
    """An engine that reads raw files into tables of text.

    A loaded table has the declared columns, and `rowid`: the row of its file, counted from 0. Where a file can't be
    read, a method raises RefusedInput.
    """

    rows_of: RowsOf

    def begin(self) -> None:
        """Called before the first file."""

    def end(self) -> None:
        """Called when all is done, or a file was refused."""

    def find(self, path: str) -> list[str]:
        """The file at `path` as the engine reads it, a list of one or none; no part of a path is a pattern."""

    def first_line(self, file: RawFile) -> str:
        """The first line of a CSV file, empty where there is none."""

    def load_csv(self, file: RawFile, table: RawTable, header: Sequence[str]) -> None:
        """Load a CSV file with these columns into the incoming table; a row that can't be read is refused."""

    def parquet_types(self, file: RawFile) -> dict[str, str]:
        """The columns of a Parquet file, each with its type in capitals."""

    def load_parquet(self, file: RawFile, table: RawTable, types: dict[str, str]) -> None:
        """Load a Parquet file as the text that the CSV export would hold."""

    def count_rows(self, file: RawFile, loaded: int) -> int:
        """The rows of a file by a count that owes nothing to the loading: `loaded` where it says the same."""

    def place_of_row(self, file: RawFile, position: int) -> str:
        """Where a row of a CSV file, counted from 0, is to be looked for."""

    def put_in_use(self, tables: Sequence[RawTable]) -> None:
        """Put the incoming tables in the place of those in use."""

    def name(self, name: str) -> str:
        """A name as SQL."""

    def text(self, value: str) -> str:
        """A text literal of SQL."""

    def matches(self, text: str, pattern: str) -> str:
        """SQL that is true where a whole text matches a regular expression that RE2 and Java read alike."""


def text_of_float(name: str, text_type: str) -> str:
    """A column of floats as texts, whole numbers without a fraction: pandas makes floats of those that have gaps."""
    whole = f"cast(try_cast({name} as decimal(18, 0)) as {text_type})"
    return f"coalesce(case when {name} = floor({name}) then {whole} end, cast({name} as {text_type}))"


def no_rows(columns: Mapping[str, str]) -> str:
    """The query of a relation without rows: name → type."""
    nulls = ", ".join(f"cast(null as {kind}) as {name}" for name, kind in columns.items())
    return f"select {nulls} from (select 1 as one) as nothing where one = 0"


def make_incoming(rows_of: RowsOf, table: RawTable, query: str) -> None:
    """Put the rows of a query into the incoming table, in the place of what an earlier run may have left."""
    rows_of(f"drop table if exists {table.incoming}")
    rows_of(f"create table {table.incoming} as {query}")


def columns_or_nulls(engine: RawFiles, table: RawTable, header: Sequence[str], text_type: str) -> str:
    """The declared columns for a select of a file with this header; an optional one that it lacks is null."""
    return ", ".join(
        engine.name(name) if name in header else f"cast(null as {text_type}) as {engine.name(name)}"
        for name in table.columns
    )


def selected_texts(engine: RawFiles, table: RawTable, types: dict[str, str], text_type: str) -> str:
    """The columns of a Parquet file as texts, for a select: whole numbers that are floats without a fraction."""
    selected = []
    for column in table.columns.values():
        name = engine.name(column.name)
        if column.name not in types:
            text = f"cast(null as {text_type})"
        elif column.data_type == "integer" and types[column.name] in FLOATS:
            text = text_of_float(name, text_type)
        else:
            text = f"nullif(cast({name} as {text_type}), '')"
        selected.append(f"{text} as {name}")
    return ", ".join(selected)
