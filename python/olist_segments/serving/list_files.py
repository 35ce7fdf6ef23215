"""The files that campaign lists are kept in: CSV with a decimal point or comma, or an Excel workbook of one sheet."""

from __future__ import annotations

import csv
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from xml.etree.ElementTree import ParseError

from olist_segments.errors import UserError

FORMATS = ("csv", "xlsx")

# What openpyxl raises of a file that is none, or damaged.
_NOT_A_WORKBOOK = (
    *(zipfile.BadZipFile, zlib.error, EOFError, ParseError),
    *(AttributeError, IndexError, KeyError, StopIteration, TypeError, ValueError),
)


@dataclass(frozen=True)
class ListFormat:
    """How a list is written; a decimal comma brings semicolons between columns, as Excel reads it there.

    `name`: one of FORMATS.
    """

    name: str = "csv"
    has_decimal_comma: bool = False

    @property
    def is_workbook(self) -> bool:
        """True for an Excel workbook."""
        return self.name == "xlsx"

    @property
    def delimiter(self) -> str:
        """What parts the columns of a CSV file."""
        return ";" if self.has_decimal_comma else ","


CSV = ListFormat()


def list_format(file: Path, name: str | None, *, has_decimal_comma: bool) -> ListFormat:
    """The format asked for by `name`, or where that is None by the ending of `file`; UserError where they disagree."""
    is_called_workbook = file.suffix.lower() == ".xlsx"
    name = name or ("xlsx" if is_called_workbook else "csv")
    if (name == "xlsx") != is_called_workbook:
        ending = "give one that ends with .xlsx" if name == "xlsx" else "leave out --format csv, or the ending .xlsx"
        raise UserError(f"'{file}' is no name of {'a workbook' if name == 'xlsx' else 'a CSV file'}: {ending}.")
    if has_decimal_comma and name == "xlsx":
        raise UserError(
            "--decimal-comma is for CSV: leave it out, Excel shows a workbook's numbers as its user's country does."
        )
    return ListFormat(name, has_decimal_comma)


def read_list(file: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header of a list and its rows with the numbers of their lines; UserError where it can't be read."""
    try:
        if file.suffix.lower() == ".xlsx":
            rows = list(_workbook_rows(file))
            return rows[0], [*enumerate(rows[1:], start=2)]
        with file.open(encoding="utf-8-sig", newline="") as stream:
            delimiter = ";" if ";" in stream.readline() else ","
            stream.seek(0)
            lines = csv.reader(stream, strict=True, delimiter=delimiter)
            header = next(lines, [])
            return header, [(lines.line_num, row) for row in lines]
    except FileNotFoundError as error:
        raise UserError(f"there is no list at '{file}' yet: write it once without --since-last.") from error
    except (OSError, UnicodeDecodeError, csv.Error, *_NOT_A_WORKBOOK) as error:
        kind = "Excel workbook" if file.suffix.lower() == ".xlsx" else "CSV file in UTF-8"
        why = error.strerror if isinstance(error, OSError) else f"it is no {kind}"
        raise UserError(f"'{file}' can't be read ({why}): name the list that was written last.") from error


def starts_with(file: Path, columns: tuple[str, ...]) -> bool:
    """Whether `file`, which is there, begins with a header of `columns`; OSError where it can't be read."""
    if file.suffix.lower() == ".xlsx":
        try:
            return tuple(next(_workbook_rows(file))[: len(columns)]) == columns
        except _NOT_A_WORKBOOK:
            return False
    headers = {delimiter.join(columns).encode("utf-8-sig") for delimiter in ",;"}
    with file.open("rb") as content:
        start = content.read(max(map(len, headers)))
    return start in headers


def _workbook_rows(file: Path) -> Iterator[list[str]]:
    """The rows of the first sheet as texts, as CSV would hold them."""
    # Takes a third of a second to load.
    from openpyxl import load_workbook

    book = load_workbook(file, read_only=True)
    try:
        for row in book.worksheets[0].iter_rows(values_only=True):
            yield [_text(value) for value in row]
    finally:
        book.close()


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.date().isoformat()
    return "" if value is None else str(value)
