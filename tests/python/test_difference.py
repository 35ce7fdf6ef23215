"""Who entered a campaign list and who left it: the changes lead from the list before to today's, and say why."""

from __future__ import annotations

import csv
import datetime as dt
import itertools
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from olist_segments.cli import main
from olist_segments.errors import UserError
from olist_segments.serving import audience as lists
from olist_segments.serving.atomic import replace_file
from olist_segments.serving.audience import COLUMNS, Since, Wanted, audience
from test_audience import FORMULA, HOSTILE
from warehouses import Warehouse

ANY = float("inf")
# The tables as a build on an earlier as-of date would have left them, as far as lists read them.
EARLIER = """
    update as_of_dates set is_newest = as_of_date = $date;
    create or replace table customer_segments as
    select
        kinds.customer_unique_id, kinds.as_of_date, kinds.segment_key, kinds.segment_name,
        kinds.as_of_date as in_segment_since, null::varchar as previous_segment_key,
        stages.stage_key, stages.stage_name,
        kinds.as_of_date as in_stage_since,
        kinds.segment_probability, kinds.model_version, features.recency_days, features.purchase_day_count,
        features.order_count, features.total_spend, features.avg_review_score, 'SP' as state
    from customer_segments_monthly as kinds
    inner join lifecycle_stages_monthly as stages using (customer_unique_id, as_of_date)
    inner join customer_features_monthly as features using (customer_unique_id, as_of_date)
    where kinds.as_of_date = $date;
    create or replace table customer_forecasts as
    select * from customer_forecasts_monthly where as_of_date = $date;
"""
# Options of a list: the kind, then what read_audience takes.
ASKED = [
    ("satisfied_big_spenders", 0.0, False, None, Wanted()),
    ("satisfied_small_baskets", 0.0, False, "cooling", Wanted()),
    ("dissatisfied", 0.9, True, "lapsed", Wanted()),
    ("loyal_repeaters", 0.0, True, None, Wanted(by="expected_orders")),
    ("satisfied_big_spenders", 0.8, True, "dormant", Wanted(0.001, 25)),
]


@pytest.fixture
def folder(built: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the published tables, which the commands read, and nobody suppressed."""
    folder = tmp_path / "serving"
    folder.mkdir()
    shutil.copy(built.serving / "segments.duckdb", folder)
    (folder / "segments.duckdb").chmod(0o644)
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("OLIST_WAREHOUSE", str(tmp_path / "none.duckdb"))
    monkeypatch.setenv("OLIST_SERVING_DIR", str(folder))
    monkeypatch.setenv("OLIST_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("OLIST_CAMPAIGN_DIR", str(tmp_path / "campaigns"))
    return folder


@pytest.fixture
def tables(folder: Path) -> Callable[..., list[tuple[Any, ...]]]:
    """Run a query on the tables that the commands read."""

    def run(sql: str, **values: object) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(folder / "segments.duckdb")) as connection:
            return connection.execute(sql, values or None).fetchall()

    return run


def move_to(folder: Path, day: object) -> None:
    """Make the tables those of an earlier date."""
    with duckdb.connect(str(folder / "segments.duckdb")) as connection:
        for statement in EARLIER.split(";")[:-1]:
            connection.execute(statement, {"date": day} if "$date" in statement else None)


def read(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as content:
        return list(csv.DictReader(content))


def ids(file: Path) -> list[str]:
    return [row["customer_unique_id"] for row in read(file)]


def suppress(tmp_path: Path, *rows: str) -> None:
    (tmp_path / "data" / "suppressed_customers.csv").write_text(
        "\n".join(["customer_unique_id,reason,since", *rows]) + "\n", encoding="utf-8"
    )


@pytest.mark.slow
def test_every_months_difference_applied_to_the_list_before_gives_the_full_list(
    folder: Path, tmp_path: Path, tables: Callable[..., list[tuple[Any, ...]]]
) -> None:
    dates = [day for (day,) in tables("select as_of_date from as_of_dates order by 1")]
    bought = {
        key: set(days)
        for key, days in tables("select customer_unique_id, list(purchase_date) from purchases group by all")
    }
    steps = {"entered": 0, "left": 0, "stayed": 0}
    seen: set[str] = set()
    full: dict[tuple[object, int], list[dict[str, str]]] = {}
    for number, day in enumerate(dates):
        move_to(folder, day)
        for place, (kind, sure, content, stage, wanted) in enumerate(ASKED):
            file, plain = tmp_path / f"{place}.csv", tmp_path / "plain.csv"
            audience(kind, plain, sure, content, None, stage, wanted)
            full[day, place] = read(plain)
            if not number:
                shutil.copy(plain, file)
                continue
            before = ids(file)
            audience(kind, file, sure, content, None, stage, wanted, Since(None, ANY))
            assert file.read_bytes() == plain.read_bytes()
            changes = read(tmp_path / f"{place}.changes.csv")
            of = {change: {row["customer_unique_id"] for row in changes if row["change"] == change} for change in steps}
            assert of["left"] <= set(before)
            assert not of["entered"] & set(before)
            assert set(before) - of["left"] | of["entered"] == set(ids(file))
            assert of["stayed"] == set(before) - of["left"]
            steps = {change: steps[change] + len(of[change]) for change in steps}
            for row in changes:
                seen.add(row["reason"])
                between = {one for one in bought[row["customer_unique_id"]] if dates[number - 1] < one <= day}
                if row["reason"] == "bought again":
                    assert between
                elif row["reason"] == "new customer":
                    assert between
                    assert not any(one <= dates[number - 1] for one in bought[row["customer_unique_id"]])
                elif row["change"] != "stayed" and before:
                    assert not between, row
    assert min(steps.values()) > 1000
    assert {"", "new customer", "bought again", "time passed", "a review came", "no longer among the first"} <= seen
    assert not {"no longer suppressed or left out", "left out by another condition", "gone from the data"} & seen

    # From any month to the last: what --since takes for the list of then is what the command wrote then.
    file = tmp_path / "since.csv"
    for day, (place, (kind, sure, content, stage, wanted)) in itertools.product(dates[:-1:3], enumerate(ASKED)):
        audience(kind, file, sure, content, None, stage, wanted, Since(day, ANY))
        changes = read(file)
        assert tuple(changes[0]) == ("change", "reason", *COLUMNS)
        now = [row for row in changes if row["change"] != "left"]
        assert [{name: row[name] for name in COLUMNS} for row in now] == full[dates[-1], place]
        then = {row["customer_unique_id"] for row in changes if row["change"] != "entered"}
        assert then == {row["customer_unique_id"] for row in full[day, place]}


def test_the_suppressed_are_on_no_list_and_named_in_the_changes(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    audience("loyal_repeaters", file)
    first = ids(file)
    away, back = first[0], first[1]
    suppress(tmp_path, f"{away},asked by phone,2018-08-15")
    said = audience("loyal_repeaters", file, since=Since())
    assert "Kept off every list: 1 suppressed." in said
    assert "1 left (1 suppressed)." in said
    assert ids(file) == [one for one in first if one != away]
    # Until the day on which somebody asked, they were on it.
    for day, expected in ((dt.date(2018, 7, 31), ("left", "suppressed")), (None, None)):
        if day is None:
            suppress(tmp_path, f"{away},asked by phone,2018-07-15", f"{back},asked,")
            day = dt.date(2018, 7, 31)
        audience("loyal_repeaters", tmp_path / "since.csv", since=Since(day, ANY))
        found = {row["customer_unique_id"]: (row["change"], row["reason"]) for row in read(tmp_path / "since.csv")}
        assert found.get(away) == expected
    assert back not in found
    suppress(tmp_path)
    said = audience("loyal_repeaters", file, since=Since())
    assert "1 entered (1 no longer suppressed or left out)." in said
    assert ids(file) == first


def test_the_reasons_that_no_month_of_the_sample_shows(
    folder: Path, tmp_path: Path, tables: Callable[..., list[tuple[Any, ...]]]
) -> None:
    move_to(folder, dt.date(2018, 7, 31))
    file = tmp_path / "list.csv"
    audience("satisfied_small_baskets", file)
    listed = ids(file)
    gone, moved, unsure = listed[:3]
    move_to(folder, dt.date(2018, 8, 31))
    for table in ("customer_segments", "customer_segments_monthly", "purchases"):
        tables(f"delete from {table} where customer_unique_id = $key", key=gone)
    for table in ("customer_segments", "customer_segments_monthly"):
        tables(
            f"update {table} set segment_key = 'dissatisfied', model_version = 2 "
            "where customer_unique_id = $key and as_of_date = '2018-08-31'",
            key=moved,
        )
        tables(
            f"update {table} set segment_probability = 0.01 where customer_unique_id = $key "
            "and as_of_date = '2018-08-31'",
            key=unsure,
        )
    tables(
        "update purchases set purchase_date = '2017-12-01', delivered_at = null, first_review_answered_at = null, "
        "last_review_answered_at = null where customer_unique_id in ($moved, $unsure)",
        moved=moved,
        unsure=unsure,
    )
    audience("satisfied_small_baskets", file, 0.02, since=Since())
    found = {row["customer_unique_id"]: row for row in read(tmp_path / "list.changes.csv")}
    assert {key: (found[key]["change"], found[key]["reason"]) for key in (gone, moved, unsure)} == {
        gone: ("left", "gone from the data"),
        moved: ("left", "model refitted"),
        unsure: ("left", "no longer probable enough"),
    }
    # What is known of those who left, today.
    assert found[moved]["segment_key"] == "dissatisfied"
    assert [found[gone][name] for name in COLUMNS if name != "customer_unique_id"] == [""] * (len(COLUMNS) - 1)


def test_a_list_that_changed_too_much_is_not_written(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "list.csv"
    asked = ["audience", "loyal_repeaters", "--out", str(file)]
    assert main([*asked, "--top", "10"]) == 0
    before = file.read_bytes()
    capsys.readouterr()
    assert main([*asked, "--since-last"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "because the list changed from 10 to " in said
    assert "by more than 50%: look at why, then give --go-on, or allow it with --max-change." in said
    assert main([*asked, "--since", "2017-02-28", "--max-change", "0.01"]) == 2
    assert file.read_bytes() == before
    assert sorted(path.name for path in tmp_path.glob("*.csv")) == ["list.csv"]
    assert main([*asked, "--since-last", "--max-change", "1000"]) == 0
    assert main([*asked, "--since-last", "--top", "3", "--go-on"]) == 0
    assert len(ids(file)) == 3
    assert {row["reason"] for row in read(tmp_path / "list.changes.csv") if row["change"] == "left"} == {
        "no longer among the first"
    }
    assert stat.S_IMODE((tmp_path / "list.changes.csv").stat().st_mode) == 0o600


def test_a_run_that_was_killed_between_the_two_files_can_be_repeated(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    move_to(folder, dt.date(2018, 7, 31))
    file, changes = tmp_path / "list.csv", tmp_path / "list.changes.csv"
    audience("dissatisfied", file)
    before = file.read_bytes()
    move_to(folder, dt.date(2018, 8, 31))
    write = replace_file

    def killed(path: Path, content: bytes, **options: bool) -> None:
        if path == file:
            raise KeyboardInterrupt
        write(path, content, **options)

    with monkeypatch.context() as patched:
        patched.setattr(lists, "replace_file", killed)
        with pytest.raises(KeyboardInterrupt):
            audience("dissatisfied", file, since=Since(None, ANY))
    first = changes.read_bytes()
    assert file.read_bytes() == before
    audience("dissatisfied", file, since=Since(None, ANY))
    assert changes.read_bytes() == first
    assert file.read_bytes() != before


def test_hostile_ids_and_names_are_no_formulas_in_the_changes(
    folder: Path, tmp_path: Path, tables: Callable[..., list[tuple[Any, ...]]]
) -> None:
    file = tmp_path / "list.csv"
    members = [key for (key,) in tables("select customer_unique_id from customer_segments order by 1")][: len(HOSTILE)]
    for key, hostile in zip(members, HOSTILE, strict=True):
        for table in ("customer_segments", "customer_segments_monthly", "customer_features_monthly"):
            tables(
                f"update {table} set customer_unique_id = $new where customer_unique_id = $old", new=hostile, old=key
            )
    tables("update customer_segments set segment_key = 'dissatisfied', segment_name = '=x', state = '@SP'")
    audience("dissatisfied", file)
    tables("update customer_segments set segment_key = 'a' where customer_unique_id <= '='")
    said = audience("dissatisfied", file, since=Since(None, ANY))
    changes = read(tmp_path / "list.changes.csv")
    assert not [cell for row in changes for cell in row.values() if FORMULA.match(cell)]
    # Those whose ids had to be changed are known again.
    assert {row["change"] for row in changes} == {"left", "stayed"}
    assert len({row["customer_unique_id"] for row in changes}) == len(changes)
    assert " cells begin like a formula" in said


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2].rpartition(",")[0],
        lambda text: text.replace("2018-08-31", "2018-13-31", 1),
        lambda text: text.replace("2018-08-31", "2018-08-30", 1),
        lambda text: text.replace("2018-08-31", "2019-08-31"),
        lambda text: text.replace("loyal_repeaters", "dissatisfied", 1),
        lambda text: text + text.splitlines()[-1] + "\n",
        lambda text: text.replace(",1,", ",one,", 1),
        lambda text: text + '"',
        lambda text: text + "\x00",
        lambda text: text.replace("expected_revenue", "=cmd", 1),
        lambda text: text.replace("customer_unique_id", "customer", 1),
        lambda text: "",
    ],
)
def test_a_file_that_is_no_list_of_last_time_is_refused_in_one_sentence(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[str], str]
) -> None:
    file = tmp_path / "list.csv"
    audience("loyal_repeaters", file)
    file.write_text(damage(file.read_text(encoding="utf-8-sig")), encoding="utf-8-sig")
    before = file.read_bytes()
    assert main(["audience", "loyal_repeaters", "--out", str(file), "--since-last"]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert file.read_bytes() == before
    assert not (tmp_path / "list.changes.csv").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--since", "2018-07-30"], "holds no list of 2018-07-30: give an as-of date before 2018-08-31, from "),
        (["--since", "2018-08-31"], "holds no list of 2018-08-31"),
        (["--since-last"], "there is no list at "),
        (["--go-on"], "give --since or --since-last as well"),
        (["--max-change", "0.5"], "give --since or --since-last as well"),
    ],
)
def test_what_cannot_be_compared_is_told_in_one_sentence(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    assert main(["audience", "dissatisfied", "--out", str(tmp_path / "list.csv"), *options]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert said in told
    assert not list(tmp_path.glob("*.csv"))


@pytest.mark.parametrize(
    "options", [["--since", "yesterday"], ["--since", "2018-02-30"], ["--since-last", "--max-change", "-1"]]
)
def test_an_option_that_is_no_date_or_share_is_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["audience", "dissatisfied", "--out", str(tmp_path / "list.csv"), *options])
    assert exit_.value.code == 2
    assert "is no " in capsys.readouterr().err


def test_neither_kind_of_file_takes_the_place_of_the_other(folder: Path, tmp_path: Path) -> None:
    file, other = tmp_path / "list.csv", tmp_path / "since.csv"
    audience("dissatisfied", file)
    audience("dissatisfied", other, since=Since(dt.date(2018, 7, 31), ANY))
    with pytest.raises(UserError, match="is there already and is no list of changes"):
        audience("dissatisfied", file, since=Since(dt.date(2018, 7, 31), ANY))
    with pytest.raises(UserError, match="is there already and is no campaign list"):
        audience("dissatisfied", other)
    (tmp_path / "list.changes.csv").write_text("mine\n")
    with pytest.raises(UserError, match="is there already and is no list of changes"):
        audience("dissatisfied", file, since=Since())
