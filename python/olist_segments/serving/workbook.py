"""Excel workbooks: tables as sheets that are ready to filter and to print, equal to the byte for equal rows.

Every text is written as text, whatever it begins with: no value can become a formula, a number or a link.
"""

from __future__ import annotations

import io
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb

from olist_segments.errors import UserError
from olist_segments.serving.tables import described

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

TEXT, WHOLE, NUMBER, SHARE, MONEY, DATE, MOMENT, TRUTH, MIXED = (
    *("text", "whole", "number", "share", "money", "date", "moment", "truth"),
    "mixed",
)
"""Kinds of columns; of a mixed one each cell is of the kind of its value."""

MOST_ROWS = 1_048_575
"""Rows that a sheet can hold below its header."""

_LONGEST_TEXT = 32_767
_NARROWEST, _WIDEST = 9, 60
_A4 = 9
_FIRST_YEAR = 1900
_IN_CURRENCY = "in the shop's currency"
_SHARE_WORDS = ("share", "probability")
_KINDS = {
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"), WHOLE),
    **dict.fromkeys(("DOUBLE", "FLOAT"), NUMBER),
    **{"DATE": DATE, "TIMESTAMP": MOMENT, "BOOLEAN": TRUTH},
}

# In this order: for Python a truth is a whole number, and a moment is a date.
_KINDS_OF_VALUES = (
    *((bool, TRUTH), (int, WHOLE), (float, NUMBER), (Decimal, MONEY)),
    *((datetime, MOMENT), (date, DATE)),
)


@dataclass(frozen=True)
class Column:
    """A column of a sheet: its name, the kind of its values, and what they mean."""

    name: str
    kind: str = TEXT
    meaning: str = ""


@dataclass(frozen=True)
class Sheet:
    """A table of a workbook; its first columns, so many as `kept_in_view`, stay where they are when one scrolls."""

    name: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    kept_in_view: int = 1


def described_columns(
    connection: duckdb.DuckDBPyConnection, tables: Collection[str], names: Sequence[str]
) -> list[Column]:
    """The columns called `names` of the first of `tables` that has them, as their types and comments tell them.

    A column that none of them has is a text without a meaning.
    """
    found: dict[str, Column] = {}
    for table in tables:
        of_table = described(connection, table)
        for name, data_type, comment in of_table.columns if of_table else ():
            meaning = comment or ""
            found.setdefault(name, Column(name, kind_of(name, data_type, meaning), " ".join(meaning.split())))
    return [found.get(name, Column(name)) for name in names]


def kind_of(name: str, data_type: str, comment: str) -> str:
    """The kind of a column by its type and, for a number, by its name and by what its comment says of the unit."""
    kind = MONEY if data_type.startswith("DECIMAL") else _KINDS.get(data_type, TEXT)
    if kind == NUMBER and _IN_CURRENCY in comment:
        return MONEY
    if kind == NUMBER and any(word in name.split("_") for word in _SHARE_WORDS):
        return SHARE
    return kind


def write_workbook(sheets: Sequence[Sheet], title: str, as_of: date, currency: str | None) -> bytes:
    """The sheets as a workbook dated `as_of`, amounts in `currency`; UserError where a sheet has too many rows."""
    # The other commands need not wait for the library.
    import xlsxwriter

    for sheet in sheets:
        if len(sheet.rows) > MOST_ROWS:
            raise UserError(
                f"the sheet {sheet.name} would have {len(sheet.rows):,} rows, and Excel takes no more than "
                f"{MOST_ROWS:,}: write it as CSV, or fewer rows."
            )
    content = io.BytesIO()
    # In memory: the files that it would write otherwise carry the time, and customers.
    book = xlsxwriter.Workbook(content, {"in_memory": True})
    book.set_properties({"title": title, "author": "olist-segments", "created": datetime(*as_of.timetuple()[:3])})
    formats = _formats(book, currency)
    for sheet in sheets:
        _write_sheet(book.add_worksheet(sheet.name), sheet, formats, f"{title}, {as_of}")
    book.close()
    return content.getvalue()


def _formats(book: Any, currency: str | None) -> dict[str, Format]:
    """How the cells of each kind look, and the header."""
    amount = "#,##0.00"
    numbers = {
        TEXT: "@",
        WHOLE: "#,##0",
        NUMBER: amount,
        SHARE: "0.00%",
        MONEY: f"[${currency}] {amount}" if currency else amount,
        DATE: "yyyy-mm-dd",
        MOMENT: "yyyy-mm-dd hh:mm",
        TRUTH: "General",
    }
    cells = {kind: book.add_format({"num_format": number, "valign": "top"}) for kind, number in numbers.items()}
    cells["long"] = book.add_format({"num_format": "@", "valign": "top", "text_wrap": True})
    cells["header"] = book.add_format(
        {"bold": True, "bottom": 1, "bg_color": "#E8ECF1", "valign": "top", "text_wrap": True}
    )
    return cells


def _write_sheet(page: Worksheet, sheet: Sheet, formats: dict[str, Format], footer: str) -> None:
    last_row, last_column = len(sheet.rows), len(sheet.columns) - 1
    widths = [len(column.name) for column in sheet.columns]
    for number, column in enumerate(sheet.columns):
        page.write_string(0, number, column.name, formats["header"])
    for number, row in enumerate(sheet.rows, start=1):
        for place, (column, value) in enumerate(zip(sheet.columns, row, strict=True)):
            widths[place] = max(widths[place], _write_cell(page, number, place, value, column.kind, formats))
    for place, width in enumerate(widths):
        # The button of the filter takes two characters.
        page.set_column(place, place, min(max(width + 2, _NARROWEST), _WIDEST))
    page.freeze_panes(1, sheet.kept_in_view)
    page.autofilter(0, 0, last_row, last_column)
    # Ids that look like numbers are text on purpose.
    page.ignore_errors({"number_stored_as_text": f"A1:XFD{last_row + 1}"})
    page.set_landscape()
    page.set_paper(_A4)
    page.fit_to_pages(1, 0)
    page.repeat_rows(0)
    page.set_header("&L" + sheet.name.replace("&", "&&"))
    page.set_footer("&L" + footer.replace("&", "&&") + "&R&P / &N")


def _write_cell(page: Worksheet, row: int, place: int, value: Any, kind: str, formats: dict[str, Format]) -> int:
    """Write a value; about how many characters wide it stands there."""
    if value is None:
        return 0
    if kind == MIXED:
        kind = _kind_of_value(value)
    if kind == TRUTH:
        page.write_boolean(row, place, value, formats[TRUTH])
        return 5
    if kind in (DATE, MOMENT) and value.year >= _FIRST_YEAR:
        page.write_datetime(row, place, value, formats[kind])
        return 10 if kind == DATE else 16
    if kind in (WHOLE, NUMBER, SHARE, MONEY) and math.isfinite(value):
        page.write_number(row, place, value, formats[kind])
        return len(f"{value:,.2f}") + (4 if kind == MONEY else 0)
    text = str(value)
    if len(text) > _LONGEST_TEXT:
        text = text[: _LONGEST_TEXT - 1] + "…"
    page.write_string(row, place, text, formats["long" if len(text) > _WIDEST else TEXT])
    return len(text)


def _kind_of_value(value: object) -> str:
    for types, kind in _KINDS_OF_VALUES:
        if isinstance(value, types):
            return kind
    return TEXT
