"""Every row of a file is loaded and no other, however large the file is and whatever its folder is called."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from faults import CATEGORIES, FILES, ORDERS, REVIEWS, SELLERS, Project, RunnerOf, read_rows
from olist_segments.loading import csv_files
from olist_segments.loading.declared import RawColumn, RawTable
from olist_segments.loading.duckdb_files import DuckDBFiles
from olist_segments.loading.engine import RawFile, Rows
from olist_segments.loading.refusals import RefusedInput
from olist_segments.loading.spark_files import SparkFiles

REVIEWS_STAGED = "stg_olist__order_reviews"
# Where a reader that shares a file among threads divides it, and where a buffer of one that doesn't ends.
BOUNDARIES = (8_000_000, 16_000_000, 24_000_000, 32_000_000)
PLAIN = "nada do que pedi chegou:\nfaca, garfo, prato, copo, colher, panela, tampa\nquero o dinheiro de volta"
HOSTILE = "veja:\nx1,o1,1,,,2018-08-08 00:00:00,2018-08-08 18:37:50\nx2,o2,1,,,2018-08-08 00:00:00,2018-08-08 18:37:50"


def reviews_with_comments_at_boundaries(comment: str) -> Iterator[bytes]:
    """The reviews, and thousands of long ones more; at every boundary stands the first line of a comment of several."""
    yield FILES[REVIEWS].encode()
    position = len(FILES[REVIEWS].encode())
    number = 0
    for boundary in (*BOUNDARIES, BOUNDARIES[-1] + 100_000):
        while position < boundary - 5_000:
            row = f'm{number},o1,5,,"{"muito bom " * 200}",2018-08-08 00:00:00,2018-08-08 18:37:50\n'.encode()
            number += 1
            position += len(row)
            yield row
        begin = f'b{boundary},o1,1,,"'.encode()
        padding = b"a" * (boundary - position - len(begin) + 10)
        end = b' ""' + comment.encode() + b'""",2018-08-08 00:00:00,2018-08-08 18:37:50\n'
        position += len(begin) + len(padding) + len(end)
        yield begin + padding + end


@pytest.mark.parametrize("comment", [PLAIN, HOSTILE], ids=["plain", "like reviews"])
def test_comments_where_the_file_would_be_divided_stay_comments(project: Project, comment: str) -> None:
    project.write(REVIEWS, b"".join(reviews_with_comments_at_boundaries(comment)))

    run = project.run(REVIEWS_STAGED)

    assert run.success, run.log
    in_file = [(row["review_id"], row["review_comment_message"] or None) for row in read_rows(project.path(REVIEWS))]
    assert len(in_file) > 15_000
    loaded = project.query(f"select review_id, review_comment_message from raw.{REVIEWS} order by rowid")
    assert loaded == in_file


def test_rows_that_the_reader_loses_are_noticed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = csv_files.count_records
    monkeypatch.setattr(csv_files, "count_records", lambda path, expected: counted(path, expected) + (ORDERS in path))

    run = project.run()

    assert run.sentences == [
        f"{ORDERS}.csv holds 3 rows and 2 were read: export it again, as CSV with every value in double quotes, or as "
        "Parquet."
    ]
    assert project.tables() == {}


TABLE = RawTable(schema="raw", name=SELLERS, columns={"seller_id": RawColumn(name="seller_id", data_type="text")})


def test_tables_that_can_not_change_places_are_all_as_before() -> None:
    other = RawTable(schema="raw", name=ORDERS, columns={})
    with duckdb.connect() as connection:
        connection.execute(f"create schema raw; create table {TABLE.in_use} as select 'good' as seller_id")
        connection.execute(f"create table {TABLE.incoming} as select 'new' as seller_id")
        engine = DuckDBFiles(lambda statement: connection.execute(statement).fetchall())

        with pytest.raises(duckdb.Error, match=f"{ORDERS}__incoming"):
            engine.put_in_use([TABLE, other])

        assert connection.execute(f"from {TABLE.in_use}").fetchall() == [("good",)]


def test_spark_tells_the_row_that_has_not_the_fields_of_the_header() -> None:
    asked: list[str] = []

    def rows_of(statement: str) -> Rows:
        asked.append(statement)
        return [(17, "s1,two\nlines")] if "unreadable_row is not null" in statement else []

    with pytest.raises(RefusedInput) as told:
        SparkFiles(rows_of, lambda _: []).load_csv(
            RawFile("s3://b/it's.csv", SELLERS, "csv"), TABLE, ["seller_id", "", "note"]
        )

    assert str(told.value) == (
        f"{SELLERS}.csv, row 18: the row has not the 3 fields of the header ('s1,two lines'): fix the row, or export "
        "the file again."
    )
    assert "`seller_id` string, `column2` string, `note` string, unreadable_row string" in asked[0]
    assert "path 's3://b/it\\'s.csv'" in asked[0]


def test_a_declaration_with_a_limit_that_nobody_reads_is_no_declaration() -> None:
    with pytest.raises(ValueError, match="requird"):
        RawColumn.model_validate({"name": "seller_id", "data_type": "text", "meta": {"requird": True}})


@pytest.mark.parametrize(
    ("text", "records"),
    [
        ("a,b\n1,2\n3,4\n", 2),
        ("a,b\n1,2\n3,4", 2),
        ("a,b\r\n1,2\r\n", 1),
        ("a,b\r1,2\r3,4\r", 2),
        ("a,b\n\n1,2\n\n\n", 1),
        ('a,b\n1,"2\n\n3"\n4,"""\n"\n', 2),
        ('a,b\n5",2\n6,7\n', 2),
        ('a,b\n1, "2\n3"\n', 1),
        ('a,b\n1,2\n"3,4\n', 2),
        ('a,b\n1,"2\n3,4\n5,6', 1),
        ("a,b\n", 0),
        ("a,b", 0),
    ],
)
def test_records_are_counted_whether_they_are_as_expected_or_not(tmp_path: Path, text: str, records: int) -> None:
    file = tmp_path / "file.csv"
    file.write_bytes(text.encode())

    assert csv_files.count_records(str(file), records) == records
    assert csv_files.count_records(str(file), 99) == records


def test_records_are_counted_across_the_pieces_in_which_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "file.csv"
    # Quoted line feeds, and an odd length, so that pieces of a power of two end at every place of a row.
    rows = [[str(number), "x\n" * (number % 7), "é" * (number % 11)] for number in range(200_000)]
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([["a", "b", "c"], *rows])
    assert file.stat().st_size > 4 << 20

    assert csv_files.count_records(str(file), len(rows)) == len(rows)
    assert csv_files.count_records(str(file), len(rows) - 1) == len(rows)


def test_places_are_lines_as_an_editor_counts_them(tmp_path: Path) -> None:
    file = tmp_path / "file.csv"
    file.write_bytes(b'a,b\r\n"1\n\n",2\r\n\r\n3,4\r\n')

    assert [csv_files.line_of_record(str(file), number) for number in (0, 1)] == [2, 6]
    assert [csv_files.line_of_byte(str(file), byte) for byte in (1, 5, 6, 10, 18)] == [1, 1, 2, 4, 6]


NAMES = [
    "olist[1]",
    "*",
    "?",
    "a*b",
    "**",
    "{a,b}",
    "[!a]",
    'o\'brien "x"',
    "são paulo; --",
    "~",
    "a:b",
    "$HOME",
    "%41",
]


def decoys_beside(folder: Path) -> None:
    """Folders that each pattern among NAMES would match, with other data in them."""
    for name in ("olist1", "x", "axb", "a", "b", "!"):
        decoy = folder.with_name(name)
        if not decoy.exists():
            decoy.mkdir()
            for file, text in FILES.items():
                (decoy / f"{file}.csv").write_text(text.replace("o2", "other"), encoding="utf-8")


@pytest.mark.parametrize("kind", ["csv", pytest.param("parquet", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", NAMES)
def test_a_folder_is_read_by_its_name_and_never_by_a_pattern(project: Project, name: str, kind: str) -> None:
    if kind == "parquet":
        for file in FILES:
            project.to_parquet(file)
    project.folder = project.folder.rename(project.folder.with_name(name))
    decoys_beside(project.folder)

    run = project.run()

    assert run.success, run.log
    assert project.query(f"select order_id from raw.{ORDERS} order by all") == [("o1",), ("o2",)]


@pytest.mark.parametrize("kind", ["csv", pytest.param("parquet", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["seller_state=RJ", "order_status=canceled", "year=2017"])
def test_a_folder_named_like_a_partition_gives_no_column(project: Project, name: str, kind: str) -> None:
    if kind == "parquet":
        for file in FILES:
            project.to_parquet(file)
    project.folder = project.folder.rename(project.folder.with_name(name))

    run = project.run()

    assert run.success, run.log
    assert run.warnings == []
    assert project.query(f"select seller_state from raw.{SELLERS}") == [("SP",)]
    assert project.query(f"select order_status from raw.{ORDERS} order by all") == [("delivered",), ("shipped",)]


def test_a_name_that_duckdb_can_only_take_for_a_pattern_is_refused(project: Project) -> None:
    project.folder = project.folder.rename(project.folder.with_name("a\\b[1]"))

    run = project.run()

    assert run.sentences == [
        f"DuckDB can't open '{project.path(ORDERS)}', whose path has a backslash beside one of [ * ?: rename the "
        "folder, or move the files to another."
    ]


def test_a_missing_file_is_not_looked_for_elsewhere(project: Project) -> None:
    """The folder that a pattern would match has it."""
    project.folder = project.folder.rename(project.folder.with_name("olist[1]"))
    decoys_beside(project.folder)
    project.path(CATEGORIES).unlink()

    run = project.run()

    assert run.sentences == [
        f"Neither {CATEGORIES}.csv nor {CATEGORIES}.parquet is in the folder '{project.folder}': put the file there, "
        "or set OLIST_DATA_DIR to the folder that holds all nine."
    ]


def test_a_relative_folder_is_that_of_the_working_directory(
    project: Project, runner_of: RunnerOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    relative = Path("target", "olist[2]")
    shutil.rmtree(relative, ignore_errors=True)
    shutil.copytree(project.folder, relative)
    project.folder = relative
    try:
        run = project.run()
    finally:
        shutil.rmtree(relative)

    assert run.success, run.log
    assert project.query(f"select count(*) from raw.{ORDERS}") == [(2,)]
