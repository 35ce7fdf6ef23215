"""The workbook: every figure that of its table, every text a text, and the same bytes for the same tables."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.contracts.graph.manifest import Manifest
from olist_segments.cli import main
from olist_segments.errors import UserError
from olist_segments.serving import workbook
from olist_segments.serving.excel import _SUMMARY, SHEETS, Shown, excel
from olist_segments.serving.workbook import Column, Sheet, kind_of, write_workbook
from openpyxl import Workbook, load_workbook
from openpyxl.worksheet.worksheet import Worksheet
from warehouses import PROJECT, Warehouse

AS_OF = dt.date(2018, 8, 31)
HOSTILE = [
    *("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1+1", "0012", "1e5", "TRUE", "http://example.org", "{=1}"),
    *("a\x00b\x1b[2J", "_x000D_", "\ufffe", "line\nbreak", "'quoted", ""),
]


@pytest.fixture(scope="module")
def book(built: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbook]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OLIST_SERVING_DIR", str(built.serving))
        file = tmp_path_factory.mktemp("excel") / "segments.xlsx"
        assert main(["excel", "--out", str(file)]) == 0
        yield load_workbook(file)


def as_read(value: object) -> object:
    """A value of a table as openpyxl gives it back."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return dt.datetime(value.year, value.month, value.day)
    return value


def rows_of(page: Worksheet) -> list[tuple[Any, ...]]:
    return list(page.iter_rows(min_row=2, values_only=True))


@pytest.mark.parametrize("shown", SHEETS, ids=lambda shown: shown.sheet)
def test_every_figure_is_that_of_its_table(book: Workbook, built: Warehouse, shown: Shown) -> None:
    with duckdb.connect(str(built.serving / "segments.duckdb"), read_only=True) as connection:
        expected = connection.execute(shown.query).fetchall()
    if shown.sheet in ("Alerts", "Campaigns"):
        # Nothing asks for anybody on the sample, and no campaign was launched: see the tampered ones.
        assert expected == []
    else:
        assert len(expected) > 2
    if shown.optional and not expected:
        assert shown.sheet not in book.sheetnames
        return
    page = book[shown.sheet]
    assert tuple(cell.value for cell in page[1]) == shown.columns
    found = rows_of(page)
    assert len(found) == len(expected)
    for row, wanted in zip(found, expected, strict=True):
        for name, value, right in zip(shown.columns, row, map(as_read, wanted), strict=True):
            if isinstance(right, float):
                assert value == pytest.approx(right, rel=1e-15), name
            else:
                assert value == right, name


def test_the_sheets_come_in_a_fixed_order_with_the_summary_first_and_the_definitions_last(book: Workbook) -> None:
    wanted = ["Summary", *(shown.sheet for shown in SHEETS if shown.sheet != "Campaigns"), "Definitions"]
    assert book.sheetnames == wanted
    told = dict(rows_of(book["Summary"]))
    assert told["As of"] == dt.datetime(2018, 8, 31)
    assert told["Customers"] == sum(row[3] for row in rows_of(book["Segments"]))
    assert told["Segments"] == len(rows_of(book["Segments"]))
    assert told["Spend so far"] == pytest.approx(sum(row[5] for row in rows_of(book["Segments"])))
    assert told["Things that need a person"] == 0
    assert set(wanted[1:]) == {name.removeprefix("Sheet ") for name in told if name.startswith("Sheet ")}


def test_a_definition_is_the_comment_of_its_column(book: Workbook, built: Warehouse) -> None:
    with duckdb.connect(str(built.serving / "segments.duckdb"), read_only=True) as connection:
        comments = {
            (table, column): " ".join(comment.split())
            for table, column, comment in connection.execute(
                "select table_name, column_name, comment from duckdb_columns() where comment is not null"
            ).fetchall()
        }
    defined = rows_of(book["Definitions"])
    columns = [(name, cell.value) for name in book.sheetnames[1:-1] for cell in book[name][1]]
    assert [(sheet, column) for sheet, column, *_ in defined] == columns
    for _, column, table, meaning in defined:
        assert meaning == comments[table, column]


@pytest.mark.parametrize(
    ("sheet", "column", "number_format"),
    [
        ("Segments", "total_spend", "[$BRL] #,##0.00"),
        ("Segments", "avg_total_spend", "[$BRL] #,##0.00"),
        ("Segments", "next_spend_per_customer", "[$BRL] #,##0.00"),
        ("Segments", "customer_count", "#,##0"),
        ("Segments", "customer_share", "0.00%"),
        ("Segments", "avg_segment_probability", "0.00%"),
        ("Segments", "avg_review_score", "#,##0.00"),
        ("Segments", "as_of_date", "yyyy-mm-dd"),
        ("Segments", "segment_name", "@"),
        ("Contract", "due_date", "yyyy-mm-dd"),
        ("Moves of kind", "spend_since_previous", "[$BRL] #,##0.00"),
        ("Data quality", "affected_share", "0.00%"),
    ],
)
def test_a_cell_looks_like_what_it_is(book: Workbook, sheet: str, column: str, number_format: str) -> None:
    page = book[sheet]
    place = [cell.value for cell in page[1]].index(column) + 1
    formats = {page.cell(row, place).number_format for row in range(2, page.max_row + 1)}
    assert formats - {"General"} == {number_format}


def test_every_sheet_is_ready_to_filter_and_to_print(book: Workbook) -> None:
    for page in book:
        assert page.freeze_panes in ("B2", "C2")
        assert page.auto_filter.ref == page.dimensions
        assert page.page_setup.orientation == "landscape"
        assert page.sheet_properties.pageSetUpPr.fitToPage
        # One page wide, which is the default of the format, and as many long as it takes.
        assert page.page_setup.fitToWidth in (None, 1)
        assert page.page_setup.fitToHeight == 0
        assert page.print_title_rows == "$1:$1"
        widths = [dimension.width for dimension in page.column_dimensions.values()]
        assert widths
        assert all(9 <= width <= 61 for width in widths)


def test_no_cell_is_a_formula_and_no_customer_is_named(book: Workbook, built: Warehouse) -> None:
    customers = set(built.query("from customers")["customer_unique_id"])
    assert customers
    texts = [cell.value for page in book for row in page for cell in row if isinstance(cell.value, str)]
    assert not customers & {word for text in texts for word in re.findall(r"\w+", text)}
    assert all(cell.data_type != "f" for page in book for row in page for cell in row)


def test_two_writes_of_the_same_tables_are_equal_to_the_byte(
    environment: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    excel(tmp_path / "one.xlsx")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    excel(tmp_path / "two.xlsx")
    assert (tmp_path / "one.xlsx").read_bytes() == (tmp_path / "two.xlsx").read_bytes()
    assert load_workbook(tmp_path / "one.xlsx").properties.created == dt.datetime(2018, 8, 31)


def test_hostile_names_and_what_asks_for_somebody_stand_as_texts(
    tampered: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    with tampered as connection:
        connection.execute("update segment_profiles set segment_name = '=HYPERLINK(\"http://example.org\")'")
        connection.execute(
            "insert into alerts values ('unexpected_rows', '@t', '2018-08-31', '2018-08-01', 3, '=1+1', '+1')"
        )
    excel(tmp_path / "book.xlsx")
    book = load_workbook(tmp_path / "book.xlsx")
    assert {row[0] for row in rows_of(book["Segments"])} == {'=HYPERLINK("http://example.org")'}
    assert {cell.data_type for cell in book["Segments"]["A"]} == {"s"}
    (alert,) = rows_of(book["Alerts"])
    assert alert[1:] == ("@t", dt.datetime(2018, 8, 31), dt.datetime(2018, 8, 1), 3, "=1+1", "+1")
    assert dict(rows_of(book["Summary"]))["Things that need a person"] == 1


def test_another_currency_and_none_are_written(tampered: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    with tampered as connection:
        connection.execute("update shop set currency = 'EUR'")
    excel(tmp_path / "euro.xlsx")
    assert load_workbook(tmp_path / "euro.xlsx")["Segments"]["F2"].number_format == "[$EUR] #,##0.00"
    with duckdb.connect(str(tmp_path / "serving" / "segments.duckdb")) as connection:
        connection.execute("update shop set currency = null")
    excel(tmp_path / "bare.xlsx")
    assert load_workbook(tmp_path / "bare.xlsx")["Segments"]["F2"].number_format == "#,##0.00"


def test_a_campaign_brings_its_sheet(tampered: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    with tampered as connection:
        connection.execute(
            "insert into campaigns by name select 'spring' as campaign, date '2018-05-31' as as_of_date, "
            "timestamp '2018-06-01 10:30:00' as launched_at, 120.5 as revenue, 'It worked.' as finding"
        )
    excel(tmp_path / "book.xlsx")
    page = load_workbook(tmp_path / "book.xlsx")["Campaigns"]
    (row,) = rows_of(page)
    told = dict(zip((cell.value for cell in page[1]), row, strict=True))
    assert (told["campaign"], told["launched_at"]) == ("spring", dt.datetime(2018, 6, 1, 10, 30))
    assert (told["revenue"], told["finding"]) == (120.5, "It worked.")
    assert page["C2"].number_format == "yyyy-mm-dd hh:mm"


def test_a_text_is_a_text_whatever_it_begins_with() -> None:
    content = write_workbook([Sheet("a", [Column("x")], [(text,) for text in HOSTILE])], "t", AS_OF, None)
    cells = [load_workbook(BytesIO(content))["a"].cell(row, 1) for row in range(2, len(HOSTILE) + 2)]
    for cell, text in zip(cells, HOSTILE, strict=True):
        assert cell.data_type == "s"
        assert cell.hyperlink is None
        if text.isprintable():
            assert (cell.value or "") == text


def test_what_excel_cannot_hold_is_written_as_text_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(float("inf"), dt.date(1812, 1, 1)), (float("nan"), dt.date(1900, 3, 1)), (None, None)]
    columns = [Column("number", workbook.NUMBER), Column("day", workbook.DATE)]
    page = load_workbook(BytesIO(write_workbook([Sheet("a", columns, rows)], "t", AS_OF, None)))["a"]
    assert rows_of(page)[:2] == [("inf", "1812-01-01"), ("nan", dt.datetime(1900, 3, 1))]
    assert page["A4"].value is page["B4"].value is None
    long = load_workbook(BytesIO(write_workbook([Sheet("a", [Column("x")], [("y" * 40_000,)])], "t", AS_OF, None)))
    assert long["a"]["A2"].value == "y" * 32_766 + "…"
    monkeypatch.setattr(workbook, "MOST_ROWS", 2)
    with pytest.raises(UserError, match=r"the sheet a would have 3 rows, and Excel takes no more than 2"):
        write_workbook([Sheet("a", columns, rows)], "t", AS_OF, None)


@pytest.mark.parametrize(
    ("name", "data_type", "comment", "kind"),
    [
        ("total_spend", "DECIMAL(18,2)", "", workbook.MONEY),
        ("mean", "DOUBLE", "Mean spend, in the shop's currency.", workbook.MONEY),
        ("customer_share", "DOUBLE", "", workbook.SHARE),
        ("share_of_reviewed", "DOUBLE", "", workbook.SHARE),
        ("shareholders", "DOUBLE", "", workbook.NUMBER),
        ("is_segment_share_drifting", "BOOLEAN", "", workbook.TRUTH),
        ("customer_count", "BIGINT", "", workbook.WHOLE),
        ("fitted_at", "TIMESTAMP", "", workbook.MOMENT),
        ("served", "VARCHAR[]", "", workbook.TEXT),
    ],
)
def test_the_kind_of_a_column_follows_type_name_and_unit(name: str, data_type: str, comment: str, kind: str) -> None:
    assert kind_of(name, data_type, comment) == kind


def test_a_file_of_another_kind_and_missing_tables_are_refused_in_a_sentence(
    environment: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["excel", "--out", str(tmp_path / "book.csv")]) == 2
    assert "give one that ends with .xlsx" in capsys.readouterr().err
    assert main(["excel", "--out", str(tmp_path / "absent" / "book.xlsx")]) == 2
    assert "could not be written" in capsys.readouterr().err
    monkeypatch.setenv("OLIST_WAREHOUSE", str(tmp_path / "none.duckdb"))
    monkeypatch.setenv("OLIST_SERVING_DIR", str(tmp_path / "none"))
    assert main(["excel", "--out", str(tmp_path / "book.xlsx")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_the_page_tells_every_sheet() -> None:
    page = (PROJECT / "docs" / "bi.md").read_text(encoding="utf-8")
    table = page[page.index("| sheet | what it shows |") :].partition("\n\n")[0]
    told = {name for cell in re.findall(r"^\| (.+?) \|", table, flags=re.MULTILINE)[1:] for name in cell.split(", ")}
    assert told == {"Summary", "Definitions", *(shown.sheet for shown in SHEETS)}


def test_its_exposure_names_exactly_the_tables_that_it_reads(manifest: Manifest, built: Warehouse) -> None:
    exposure = manifest.exposures["exposure.olist_segments.excel_workbook"]
    with duckdb.connect(str(built.path), read_only=True) as connection:
        queries = [_SUMMARY, *(shown.query for shown in SHEETS), "from shop"]
        read = {name for query in queries for name in connection.get_table_names(query)}
    assert {node.rsplit(".", 1)[-1] for node in exposure.depends_on.nodes} == read
