"""What connectors ask of an engine."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Protocol

from olist_segments.loading.engine import RawFiles
from olist_segments.loading.load import header_text

FORMATS = ("csv", "txt", "parquet", "json", "xlsx", "duckdb", "sqlite")
"""The endings of files that can be read; Spark reads the first three."""


@dataclass(frozen=True)
class InputFile:
    """A file of a shop; `columns` are those of a text file without a header, `table` that of a database."""

    path: str
    delimiter: str = ","
    encoding: str = "utf-8"
    columns: tuple[str, ...] = ()
    table: str | None = None

    @property
    def name(self) -> str:
        """Its name as a sentence says it."""
        return PurePath(self.path).name

    @property
    def format(self) -> str:
        """Its ending, one of FORMATS."""
        return self.name.rpartition(".")[2].lower()


class Inputs(Protocol):
    """An engine that reads a shop's files into relations, and runs the SQL of connectors.

    Relations end with the session and are stored in no database: what they hold may name people. Where a file can't be
    read, a method raises RefusedInput.
    """

    @property
    def files(self) -> RawFiles:
        """The engine's way with the nine files."""

    @property
    def rowid(self) -> str:
        """What a select of a raw table adds to have a `rowid`; empty where every table has one."""

    def list_files(self, folder: str) -> list[str]:
        """The paths of the files in a folder, in the order of their names; none where there is no folder."""

    def columns_of(self, file: InputFile) -> list[str]:
        """The columns of a file, as it names them."""

    def read(self, file: InputFile, columns: Mapping[str, str | None], relation: str) -> None:
        """Put a file into a relation of texts with `rowid`: name → column of the file; null where that is None."""

    def keep(self, relation: str, query: str) -> None:
        """Keep the rows of a query as a relation."""

    def keep_secret(self, relation: str, column: str, value: str) -> None:
        """A relation of one row and column, of which no log tells the value."""

    def drop(self, relation: str) -> None:
        """Drop a relation, where it is there."""

    def types_of(self, query: str) -> dict[str, str]:
        """The columns of a query, each with its type in capitals."""

    def sha256(self, text: str) -> str:
        """SQL of the hex digits of SHA-256 of a text."""


def header_of(file: InputFile, first_line: str) -> list[str]:
    """The columns that the first line of a text file names."""
    header = header_text(file.name, first_line)
    if file.delimiter == "whitespace":
        return header.split()
    return [name.strip() for name in next(csv.reader([header], delimiter=file.delimiter))]


def refused_format(file: InputFile, engine: str, kinds: tuple[str, ...]) -> str:
    """The sentence that refuses a file which the engine can't read."""
    listed = ", ".join(f".{kind}" for kind in kinds)
    return f"{file.name} can't be read on {engine}, which reads {listed}: export it in one of these."
