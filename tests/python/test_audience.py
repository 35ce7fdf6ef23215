"""Campaign lists: the right people, and no cell that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import os
import re
import stat
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_forecasts import make_up
from olist_segments.campaigns.inputs import read_log
from olist_segments.cli import main
from olist_segments.errors import UserError
from olist_segments.serving.audience import COLUMNS, MEASURES, Wanted, audience, to_csv, without_formula
from warehouses import Warehouse

# What a spreadsheet takes for the start of a formula, after what it skips at the start of a cell.
FORMULA = re.compile('^[\\s"\u0000-\u0020\u00a0\u200b-\u200f\u2060\ufeff]*[=+\\-@＝＋－＠]')
HOSTILE = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(A1)",
    " =1",
    "\u00a0=1",
    "\ufeff=1",
    '"=1',
    "x;=1",
    "x,=1",
    "x\t=1",
    "x|@y",
    'x","=HYPERLINK(""http://example.org"")',
    "x\r\n=1",
]


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as content:
        return list(csv.DictReader(content))


def test_a_list_holds_the_members_of_the_segment_on_the_newest_date(environment: Warehouse, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    sentence = audience("Satisfied big spenders", file)
    members = environment.query(
        "from customer_segments left join customer_forecasts using (customer_unique_id) "
        "where segment_key = 'satisfied_big_spenders' order by total_spend desc, customer_unique_id"
    )
    rows = rows_of(file)
    assert tuple(rows[0]) == COLUMNS
    assert [row["customer_unique_id"] for row in rows] == members["customer_unique_id"].tolist()
    assert {(row["segment_key"], row["as_of_date"], row["model_version"]) for row in rows} == {
        ("satisfied_big_spenders", "2018-08-31", "1")
    }
    for row, member in zip(rows, members.to_dict("records"), strict=True):
        assert Decimal(row["total_spend"]) == round(Decimal(member["total_spend"]), 2)
        assert (row["avg_review_score"] == "") == bool(pd.isna(member["avg_review_score"]))
        assert float(row["segment_probability"]) == pytest.approx(member["segment_probability"], abs=5e-5)
        for measure in MEASURES:
            assert (row[measure] == "") == bool(pd.isna(member[measure]))
            assert float(row[measure] or 0) == pytest.approx(float(member[measure] or 0), abs=5e-3, nan_ok=True)
        assert (int(row["recency_days"]), row["state"]) == (member["recency_days"], member["state"])
    assert sentence.startswith(
        f"Wrote {len(members):,} customers of Satisfied big spenders (satisfied_big_spenders) as of 2018-08-31, "
        f"model version 1, from '{environment.serving}/segments.duckdb' to '{file}'."
    )
    assert "Action: Ask for a review with photo" in sentence
    assert "holds customer ids" in sentence


def test_key_and_name_are_found_in_any_case(environment: Warehouse, tmp_path: Path) -> None:
    audience("LOYAL_repeaters", tmp_path / "by_key.csv")
    audience(" loyal repeat buyers ", tmp_path / "by_name.csv")
    assert (tmp_path / "by_key.csv").read_bytes() == (tmp_path / "by_name.csv").read_bytes()


def test_the_file_is_for_its_owner_and_as_spreadsheets_read_it(environment: Warehouse, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    before = os.umask(0)
    try:
        audience("dissatisfied", file)
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    content = file.read_bytes()
    assert content.startswith(b"\xef\xbb\xbfcustomer_unique_id,segment_key,")
    assert content.count(b"\n") == content.count(b"\r\n") == len(rows_of(file)) + 1
    with duckdb.connect() as connection:
        assert connection.execute(f"select count(*) from '{file}'").fetchall() == [(len(rows_of(file)),)]


def test_an_option_leaves_out_the_unsure(environment: Warehouse, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    people = environment.query("from customer_segments where segment_key = 'satisfied_big_spenders'")
    sure = people[people["segment_probability"] >= 0.9]
    audience("satisfied_big_spenders", file, min_probability=0.9)
    assert {row["customer_unique_id"] for row in rows_of(file)} == set(sure["customer_unique_id"])
    assert 0 < len(sure) < len(people)


def test_a_segment_of_unknown_probability_is_left_out_only_where_one_is_asked_for(
    tampered: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    with tampered as connection:
        connection.execute("update customer_segments set segment_probability = null where state = 'SP'")
        members = connection.sql("from customer_segments where segment_key = 'loyal_repeaters'").df()
    audience("loyal_repeaters", tmp_path / "all.csv")
    audience("loyal_repeaters", tmp_path / "sure.csv", min_probability=0.01)
    assert len(rows_of(tmp_path / "all.csv")) == len(members)
    known = members[members["segment_probability"].notna()]
    assert {row["customer_unique_id"] for row in rows_of(tmp_path / "sure.csv")} == set(known["customer_unique_id"])
    assert 0 < len(known) < len(members)


def test_the_dissatisfied_are_left_out_and_those_without_a_score_are_not(
    tampered: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    members = "from customer_segments where segment_key = 'loyal_repeaters'"
    with tampered as connection:
        connection.execute(
            "update customer_segments set avg_review_score = null "
            "where segment_key = 'loyal_repeaters' and state = 'SP'"
        )
        people = connection.sql(members).df()
    audience("loyal_repeaters", tmp_path / "list.csv", exclude_dissatisfied=True)
    left = people[~(people["avg_review_score"] <= 2)]
    assert {row["customer_unique_id"] for row in rows_of(tmp_path / "list.csv")} == set(left["customer_unique_id"])
    assert left["avg_review_score"].isna().any()
    assert 0 < len(left) < len(people)


def test_a_stage_leaves_those_who_are_at_it_and_its_action(environment: Warehouse, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    members = environment.query(
        "from customer_segments where segment_key = 'dissatisfied' and stage_key = 'lapsed' order by customer_unique_id"
    )
    sentence = audience("dissatisfied", file, stage=" LAPSED ")
    rows = sorted(rows_of(file), key=lambda row: row["customer_unique_id"])
    assert [row["customer_unique_id"] for row in rows] == members["customer_unique_id"].tolist()
    for row, member in zip(rows, members.to_dict("records"), strict=True):
        assert (row["stage_key"], row["stage_name"]) == ("lapsed", "Lapsed")
        assert row["in_stage_since"] == f"{member['in_stage_since']:%Y-%m-%d}"
        assert int(row["purchase_day_count"]) == member["purchase_day_count"]
    assert 0 < len(members) < len(environment.query("from customer_segments where segment_key = 'dissatisfied'"))
    assert f"Wrote {len(members)} customers of Dissatisfied customers (dissatisfied), stage Lapsed, as of" in sentence
    action, at_stage = (
        environment.query(f"select recommended_action as action from {table}")["action"].iloc[0]
        for table in (
            "segment_profiles where segment_key = 'dissatisfied'",
            "segment_lifecycle_profiles where segment_key = 'dissatisfied' and stage_key = 'lapsed'",
        )
    )
    assert f"Action: {at_stage}." in sentence
    assert action != at_stage
    assert f"Action: {action}." in audience("dissatisfied", file)


@pytest.fixture
def forecast(tampered: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """The loyal with made-up forecasts that have ties, which the commands read."""
    (path,) = [row[2] for row in tampered.execute("pragma database_list").fetchall() if row[1] == "segments"]
    tampered.close()
    make_up(Path(path))
    with duckdb.connect(path, read_only=True) as connection:
        loyal: pd.DataFrame = connection.sql(
            "from customer_segments inner join customer_forecasts using (customer_unique_id) "
            "where segment_key = 'loyal_repeaters'"
        ).df()
        return loyal


@pytest.mark.parametrize("by", [None, *MEASURES])
def test_the_first_by_a_forecast_are_taken_and_ties_go_by_id(
    forecast: pd.DataFrame, tmp_path: Path, by: str | None
) -> None:
    file = tmp_path / "list.csv"
    options = ["--top", "17", *([] if by is None else ["--by", by])]
    assert main(["audience", "loyal_repeaters", "--out", str(file), *options]) == 0
    best = forecast.sort_values([by or "expected_revenue", "customer_unique_id"], ascending=[False, True])
    assert [row["customer_unique_id"] for row in rows_of(file)] == best["customer_unique_id"].tolist()[:17]
    assert best[by or "expected_revenue"].iloc[:20].duplicated().any()


def test_only_the_probable_are_on_a_list_and_it_may_be_ordered_by_a_forecast(
    forecast: pd.DataFrame, tmp_path: Path
) -> None:
    audience("loyal_repeaters", tmp_path / "list.csv", wanted=Wanted(min_order_probability=0.004))
    probable = forecast[forecast["order_probability"] >= 0.004]
    assert {row["customer_unique_id"] for row in rows_of(tmp_path / "list.csv")} == set(probable["customer_unique_id"])
    assert 0 < len(probable) < len(forecast)
    sentence = audience("loyal_repeaters", tmp_path / "list.csv", wanted=Wanted(by="expected_orders"))
    orders = [float(row["expected_orders"]) for row in rows_of(tmp_path / "list.csv")]
    assert orders == sorted(orders, reverse=True)
    assert len(orders) == len(forecast)
    assert "abstain" not in sentence


def test_a_list_says_that_the_forecasts_abstain(forecast: pd.DataFrame, tmp_path: Path) -> None:
    make_up(Path(os.environ["OLIST_SERVING_DIR"]) / "segments.duckdb", is_abstaining=True)
    sentence = audience("loyal_repeaters", tmp_path / "list.csv", wanted=Wanted(top=3))
    assert "Note: the forecasts abstain: every customer has the past rate of a group" in sentence
    assert len(rows_of(tmp_path / "list.csv")) == 3


def test_tables_without_forecasts_give_a_list_without_them_and_refuse_what_needs_them(
    tampered: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    with tampered as connection:
        connection.execute("drop table customer_forecasts")
    audience("dissatisfied", tmp_path / "list.csv")
    assert {row[measure] for row in rows_of(tmp_path / "list.csv") for measure in MEASURES} == {""}
    for wanted in (Wanted(min_order_probability=0.01), Wanted(top=5), Wanted(by="expected_orders")):
        with pytest.raises(UserError, match=r"are of a release without forecasts: run dbt build once more\.$"):
            audience("dissatisfied", tmp_path / "list.csv", wanted=wanted)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        *(
            (f"--top={number}", "is no number of customers, 1 or more")
            for number in ("0", "-1", "1.5", "many", "1" * 30)
        ),
        *((f"--min-order-probability={number}", "is no number from 0 to 1") for number in ("2", "nan", "often")),
        ("--by=name", "invalid choice: 'name'"),
    ],
)
def test_a_choice_by_forecasts_that_is_none_is_refused(
    environment: Warehouse, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, said: str
) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["audience", "dissatisfied", "--out", str(tmp_path / "list.csv"), option])
    assert exit_.value.code == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_an_unknown_stage_names_the_known_ones_in_one_sentence(
    environment: Warehouse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audience", "dissatisfied", "--stage", "asleep\x1b", "--out", str(tmp_path / "list.csv")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "there is no stage 'asleep\\x1b'" in said
    assert "New (new), Active (active), Cooling (cooling), Dormant (dormant), Lapsed (lapsed), by name or key." in said
    assert not list(tmp_path.iterdir())


def test_a_stage_without_members_gives_a_header_and_says_so(environment: Warehouse, tmp_path: Path) -> None:
    # Only a later purchase makes a customer active, and that makes a loyal one.
    sentence = audience("dissatisfied", tmp_path / "list.csv", stage="active")
    assert sentence.splitlines()[1].startswith("Nobody is in it on that date")


def test_people_held_out_of_a_campaign_that_still_runs_are_counted(
    environment: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLIST_CAMPAIGN_DIR", str(tmp_path / "log"))
    assert "held out" not in audience("dissatisfied", tmp_path / "before.csv")
    assert main(["campaign", "launch", "spring", "--kind", "dissatisfied", "--out", str(tmp_path / "lists")]) == 0
    held_out = int((read_log(tmp_path / "log")["arm_number"] == 0).sum())
    assert held_out > 0
    told = f"Note: {held_out:,} customers of them are held out of the campaign spring, which still runs: writing to"
    assert told in audience("dissatisfied", tmp_path / "list.csv")
    assert "held out" not in audience("loyal_repeaters", tmp_path / "others.csv")


def test_tables_of_a_release_without_stages_are_told_in_one_sentence(
    tampered: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    with tampered as connection:
        connection.execute("drop table lifecycle_stages")
        connection.execute("alter table customer_segments drop column stage_key")
    with pytest.raises(UserError, match=r"are of a release without stages of life: run dbt build once more\.$"):
        audience("dissatisfied", tmp_path / "list.csv")


def test_without_published_tables_the_warehouse_is_read(
    environment: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    audience("dissatisfied", tmp_path / "published.csv")
    monkeypatch.setenv("OLIST_SERVING_DIR", str(tmp_path / "nothing"))
    assert f"from '{environment.path}'" in audience("dissatisfied", tmp_path / "list.csv")
    assert (tmp_path / "list.csv").read_bytes() == (tmp_path / "published.csv").read_bytes()
    monkeypatch.setenv("OLIST_WAREHOUSE", str(tmp_path / "none.duckdb"))
    with pytest.raises(UserError, match=r"neither published in .* nor in a warehouse at .*: run dbt build first"):
        audience("dissatisfied", tmp_path / "list.csv")
    (tmp_path / "nothing").mkdir()
    duckdb.connect(str(tmp_path / "nothing" / "segments.duckdb")).close()
    with pytest.raises(
        UserError, match=r"does not hold all tables that this command reads .* run dbt build to its end"
    ):
        audience("dissatisfied", tmp_path / "list.csv")


def test_hostile_ids_and_names_are_no_formulas(tampered: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    with tampered as connection:
        connection.execute(
            "update customer_segments set segment_key = 'a', segment_name = ?, state = '@SP', "
            "previous_segment_key = '+x', "
            "customer_unique_id = list_extract(?::varchar[], (rowid + 1)::integer) where rowid < ?",
            ["=cmd|' /C calc'!A0", HOSTILE, len(HOSTILE)],
        )
        connection.execute("update segments set segment_key = 'a', segment_name = '=x' where segment_number = 1")
    file = tmp_path / "list.csv"
    sentence = audience("a", file)
    rows = rows_of(file)
    assert {row["customer_unique_id"] for row in rows} == {without_formula(text) for text in HOSTILE}
    assert not [cell for row in rows for cell in row.values() if FORMULA.match(cell)]
    assert f"Note: {4 * len(HOSTILE)} cells begin like a formula and got an apostrophe" in sentence


@pytest.mark.parametrize("text", HOSTILE)
def test_no_separator_of_a_spreadsheet_lets_a_formula_begin(text: str) -> None:
    day = date(2018, 8, 31)
    row = (
        text,
        "key",
        "name",
        day,
        1,
        None,
        None,
        0.5,
        3,
        1,
        Decimal("10.00"),
        None,
        "SP",
        "new",
        "New",
        day,
        1,
        0.5,
        0.5,
        1.0,
    )
    content, changed = to_csv([row])
    assert changed == 1
    for separator in (",", ";", "\t", "|"):
        cells = [cell for cells in csv.reader(io.StringIO(content), delimiter=separator) for cell in cells]
        assert not [cell for cell in cells if FORMULA.match(cell)]
    assert content.splitlines()[1][:1] not in ("\t", "=")


@given(st.text(st.sampled_from("=+-@＝＋－＠\t\r\n ,;|\"'ax1\u00a0\ufeff"), max_size=12))
def test_no_text_at_all_begins_a_formula(text: str) -> None:
    safe = without_formula(text)
    assert not FORMULA.match(safe)
    assert safe[:1] not in ("\t", "\r", "\n")
    # Nothing but apostrophes is added.
    assert safe.replace("'", "") == text.replace("'", "")


@pytest.mark.parametrize("text", ["", "2b9a8b7e", "São Paulo", "10.00", "2018-08-31", "O'Neill", "a-b", "x = y"])
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert without_formula(text) == text


def test_no_number_of_a_list_is_below_zero(environment: Warehouse) -> None:
    # A minus would begin a cell; it would get an apostrophe and be text.
    least = environment.query(
        "select min(least(segment_probability, recency_days, order_count, purchase_day_count, total_spend, "
        "avg_review_score)) as least from customer_segments"
    )["least"].iloc[0]
    assert least >= 0
    assert to_csv([(-1.5, *("x" for _ in COLUMNS[1:]))])[0].splitlines()[1].startswith("'-1.5000,")


def test_a_segment_without_members_gives_a_header_and_says_so(
    tampered: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    with tampered as connection:
        connection.execute("delete from customer_segments where segment_key = 'dissatisfied'")
        connection.execute("delete from segment_profiles where segment_key = 'dissatisfied'")
    sentence = audience("dissatisfied", tmp_path / "list.csv")
    assert sentence.splitlines()[1].startswith("Nobody is in it on that date")
    assert (tmp_path / "list.csv").read_text(encoding="utf-8-sig").splitlines() == [",".join(COLUMNS)]


def test_an_unknown_segment_names_the_known_ones_in_one_sentence(
    environment: Warehouse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audience", "nobody\x1b[31m\n", "--out", str(tmp_path / "list.csv")]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "there is no segment 'nobody\\x1b[31m\\n' on 2018-08-31" in said.err
    assert "Loyal repeat buyers (loyal_repeaters)" in said.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("probability", ["1.5", "-0.1", "nan", "half"])
def test_a_probability_that_is_none_is_refused(
    environment: Warehouse, tmp_path: Path, capsys: pytest.CaptureFixture[str], probability: str
) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["audience", "dissatisfied", "--out", str(tmp_path / "l.csv"), f"--min-probability={probability}"])
    assert exit_.value.code == 2
    assert "is no number from 0 to 1" in capsys.readouterr().err


def test_a_list_is_replaced_and_any_other_file_is_not(environment: Warehouse, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    audience("dissatisfied", file)
    first = file.read_bytes()
    audience("loyal_repeaters", file)
    assert file.read_bytes() != first
    assert [path.name for path in tmp_path.iterdir()] == ["list.csv"]
    # A list of release 0.3 has no columns of stages.
    columns = "customer_unique_id,segment_key,segment_name,as_of_date,model_version,in_segment_since,"
    columns += "previous_segment_key,segment_probability,recency_days,order_count,total_spend,avg_review_score,state"
    file.write_text(f"{columns}\r\n", encoding="utf-8-sig")
    audience("dissatisfied", file)
    assert file.read_bytes() == first
    (tmp_path / "letter.txt").write_text("Dear customer")
    with pytest.raises(UserError, match=r"letter.txt' is there already and is no campaign list"):
        audience("dissatisfied", tmp_path / "letter.txt")
    assert (tmp_path / "letter.txt").read_text() == "Dear customer"
    with pytest.raises(UserError, match=r"the folder '.*missing' does not exist: make it"):
        audience("dissatisfied", tmp_path / "missing" / "list.csv")
    with pytest.raises(UserError, match="is a folder: name a file in it"):
        audience("dissatisfied", tmp_path)


def test_a_write_that_fails_leaves_the_old_list_and_nothing_else(
    environment: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "list.csv"
    audience("dissatisfied", file)
    before = file.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"could not be written \(No space left on device\)"):
        audience("loyal_repeaters", file)
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["list.csv"]
