"""Campaign lists as workbooks and with decimal commas: the same people and figures as in a plain CSV file."""

from __future__ import annotations

import csv
import datetime as dt
import shutil
import stat
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from olist_segments.cli import main
from olist_segments.serving.audience import COLUMNS, to_csv
from olist_segments.serving.list_files import ListFormat, read_list
from openpyxl import load_workbook
from warehouses import Warehouse

LOYAL = "loyal_repeaters"
COMMA = ListFormat(has_decimal_comma=True)


@pytest.fixture
def tables(built: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the published tables that the commands read and a test may change."""
    folder = tmp_path / "serving"
    folder.mkdir()
    shutil.copy(built.serving / "segments.duckdb", folder)
    (folder / "segments.duckdb").chmod(0o644)
    monkeypatch.setenv("OLIST_WAREHOUSE", str(tmp_path / "none.duckdb"))
    monkeypatch.setenv("OLIST_SERVING_DIR", str(folder))
    return folder / "segments.duckdb"


def write(file: Path, *options: str, code: int = 0, segment: str = LOYAL) -> Path:
    assert main(["audience", segment, "--out", str(file), *options]) == code
    return file


def sheet_of(file: Path) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    header, *rows = load_workbook(file).worksheets[0].iter_rows(values_only=True)
    return tuple(str(name) for name in header), rows


def test_a_workbook_holds_what_the_csv_file_holds(tables: Path, tmp_path: Path) -> None:
    write(tmp_path / "list.xlsx")
    with duckdb.connect(str(tables), read_only=True) as connection:
        columns = [f"{'forecasts' if name in COLUMNS[-3:] else 'segments'}.{name}" for name in COLUMNS]
        members = connection.execute(
            f"select {', '.join(columns)} from customer_segments as segments "
            "left join customer_forecasts as forecasts using (customer_unique_id) "
            "where segments.segment_key = ? order by segments.total_spend desc, customer_unique_id",
            [LOYAL],
        ).fetchall()
    header, rows = sheet_of(tmp_path / "list.xlsx")
    assert header == COLUMNS
    assert len(rows) == len(members) > 10
    for row, member in zip(rows, members, strict=True):
        for value, wanted in zip(row, member, strict=True):
            if isinstance(wanted, dt.date):
                assert value.date() == wanted
            elif isinstance(wanted, float | Decimal):
                assert value == pytest.approx(float(wanted), rel=1e-15)
            else:
                assert value == wanted
    assert stat.S_IMODE((tmp_path / "list.xlsx").stat().st_mode) == 0o600
    page = load_workbook(tmp_path / "list.xlsx").worksheets[0]
    formats = {cell.value: page.cell(2, cell.column).number_format for cell in page[1]}
    assert (formats["total_spend"], formats["as_of_date"]) == ("[$BRL] #,##0.00", "yyyy-mm-dd")
    assert (formats["customer_unique_id"], formats["segment_probability"]) == ("@", "0.00%")


def test_ids_with_leading_zeros_and_hostile_ones_stay_as_they_are(tables: Path, tmp_path: Path) -> None:
    with duckdb.connect(str(tables)) as connection:
        ids = [
            key
            for (key,) in connection.execute(
                "select customer_unique_id from customer_segments where segment_key = ? order by 1 limit 4", [LOYAL]
            ).fetchall()
        ]
        for old, new in zip(ids, ("000123", "1e5", "=1+1", "12345678901234567890"), strict=True):
            for table in ("customer_segments", "customer_forecasts"):
                connection.execute(
                    f"update {table} set customer_unique_id = ? where customer_unique_id = ?", [new, old]
                )
    file = write(tmp_path / "list.xlsx")
    cells = {cell.value: cell.data_type for cell in load_workbook(file).worksheets[0]["A"]}
    assert {key: cells[key] for key in ("000123", "1e5", "=1+1", "12345678901234567890")} == dict.fromkeys(
        ("000123", "1e5", "=1+1", "12345678901234567890"), "s"
    )
    # Read again as they were written: nobody entered or left.
    write(file, "--since-last")
    changes = sheet_of(tmp_path / "list.changes.xlsx")
    assert {row[0] for row in changes[1]} == {"stayed"}
    assert {row[2] for row in changes[1]} == set(cells) - {"customer_unique_id"}


def test_a_decimal_comma_brings_semicolons_and_the_same_figures(tables: Path, tmp_path: Path) -> None:
    write(tmp_path / "point.csv")
    write(tmp_path / "comma.csv", "--decimal-comma")
    with (tmp_path / "point.csv").open(encoding="utf-8-sig", newline="") as stream:
        point = list(csv.reader(stream))
    with (tmp_path / "comma.csv").open(encoding="utf-8-sig", newline="") as stream:
        comma = list(csv.reader(stream, delimiter=";"))
    numbers = ("segment_probability", "total_spend", "avg_review_score", *COLUMNS[-3:])
    assert len(comma) == len(point) > 10
    for row, other in zip(point[1:], comma[1:], strict=True):
        for name, value, same in zip(COLUMNS, row, other, strict=True):
            assert same == (value.replace(".", ",") if name in numbers else value)
    assert any("," in cell for cell in comma[1])


@pytest.mark.parametrize("text", ["=1+1", "a;=1", "a;b", "a,5", 'a"b', "-1"])
def test_a_text_among_decimal_commas_is_no_formula_and_no_other_cell(text: str) -> None:
    content, _ = to_csv([(text, 0.5, Decimal("1.50"), 3, "1.5")], ("a", "b", "c", "d", "e"), COMMA)
    ((first, *rest),) = list(csv.reader(content.splitlines()[1:], delimiter=";"))
    assert rest == ["0,5000", "1,50", "3", "1.5"]
    assert first.replace("'", "") == text
    assert not first.startswith(("=", "-"))
    assert ";=" not in first


@pytest.mark.parametrize(("name", "options"), [("list.xlsx", []), ("list.csv", ["--decimal-comma"])])
def test_the_changes_since_the_last_list_are_found_in_every_format(
    tables: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, options: list[str]
) -> None:
    # The list of before had no condition: those who are not sure enough leave it.
    spenders = "satisfied_big_spenders"
    write(tmp_path / name, *options, segment=spenders)
    everybody = len(read_list(tmp_path / name)[1])
    capsys.readouterr()
    write(tmp_path / name, *options, "--min-probability", "0.9", "--since-last", segment=spenders)
    told = capsys.readouterr().out
    sure = len(read_list(tmp_path / name)[1])
    assert 0 < sure < everybody
    assert f"{sure} stayed." in told
    assert f"{everybody - sure} left ({everybody - sure} left out by another condition)." in told
    header, lines = read_list(tmp_path / name.replace("list.", "list.changes."))
    assert header[:2] == ["change", "reason"]
    assert len(lines) == everybody


def test_a_list_with_points_is_replaced_by_one_with_commas(
    tables: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "list.csv")
    write(file, "--decimal-comma", "--since-last")
    assert "0 entered.\n0 left." in capsys.readouterr().out
    assert file.read_bytes().startswith(b"\xef\xbb\xbfcustomer_unique_id;")


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("list.csv", ["--format", "xlsx"], "is no name of a workbook: give one that ends with .xlsx."),
        ("list.xlsx", ["--format", "csv"], "is no name of a CSV file: leave out --format csv, or the ending .xlsx."),
        ("list.xlsx", ["--decimal-comma"], "--decimal-comma is for CSV: leave it out"),
        ("list.xlsx", ["--since-last"], "there is no list at"),
    ],
)
def test_a_format_that_does_not_fit_is_refused(
    tables: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, options: list[str], sentence: str
) -> None:
    write(tmp_path / name, *options, code=2)
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"customer_unique_id,segment_key"])
def test_another_file_called_like_a_workbook_is_not_replaced(
    tables: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    file = tmp_path / "list.xlsx"
    file.write_bytes(content)
    write(file, code=2)
    assert "is there already and is no campaign list" in capsys.readouterr().err
    assert file.read_bytes() == content


def test_a_workbook_that_is_no_list_or_was_damaged_is_refused(
    tables: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "book.xlsx"
    assert main(["excel", "--out", str(file)]) == 0
    before = file.read_bytes()
    write(file, code=2)
    assert "is no campaign list" in capsys.readouterr().err
    assert file.read_bytes() == before
    book = load_workbook(write(tmp_path / "list.xlsx"))
    book.worksheets[0]["E3"] = "two"
    book.save(tmp_path / "list.xlsx")
    write(tmp_path / "list.xlsx", "--since-last", code=2)
    assert "line 3: it is not as it was written" in capsys.readouterr().err
