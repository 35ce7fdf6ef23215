"""Planning and launching campaigns: the right people, the right words, and a log that is whole or not there."""

from __future__ import annotations

import csv
import os
import re
import stat
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from made_up_campaigns import SALT, TODAY, Shop, open_shop
from olist_segments.campaigns.inputs import LOG_COLUMNS, forgotten_digest, read_log
from olist_segments.campaigns.lists import COLUMNS
from olist_segments.campaigns.log import held, write_log
from olist_segments.campaigns.rules import off_every_list, suppressed_source
from olist_segments.cli import main
from olist_segments.errors import UserError
from olist_segments.serving.tables import open_tables
from test_campaign_draw import digest


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return open_shop(tmp_path / "shop").use(monkeypatch)


Run = Callable[..., str]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a campaign command that ends well; what it prints."""

    def command(*arguments: object) -> str:
        assert main(["campaign", *map(str, arguments)]) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    return command


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str], shop: Shop) -> Run:
    """Runs a campaign command that is refused and writes nothing; the sentence that says why."""

    def command(*arguments: object) -> str:
        before = shop.written()
        try:
            code = main(["campaign", *map(str, arguments)])
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        told = capsys.readouterr()
        assert code == 2
        assert told.out == ""
        assert shop.written() == before
        return told.err

    return command


def list_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def of(shop: Shop, condition: str) -> set[str]:
    return set(shop.query(f"from customer_segments where {condition}")["customer_unique_id"])


def test_a_plan_says_who_what_and_how_much_it_can_show_and_writes_nothing(shop: Shop, run: Run) -> None:
    before = shop.written()
    told = run("plan", "spring-vouchers", "--kind", "Big spenders", "--stage", "COOLING", "--holdout", "0.3")
    assert shop.written() == before
    assert not shop.campaigns.exists()
    assert told.splitlines() == [
        "Plan, with nothing written, of the campaign spring-vouchers.",
        "",
        "Who: 100 customers of Big spenders at stage Cooling, as of 2018-08-31 (model version 1, from "
        f"'{shop.tables}').",
        "Nobody was taken off: none forgotten, none suppressed (suppressed_customers.csv), none in the control group "
        "of 2018Q3, none in a running campaign of the same or a higher priority, none listed, or held out of a list, "
        "in the last 30 days.",
        f"There is no '{shop.data}/suppressed_customers.csv' with people to leave in peace.",
        "",
        "arm       share  customers",
        "holdout  30.0 %         30  on no list",
        "treated  70.0 %         70",
        "",
        "Without a campaign: 1.0 % of them are expected to order within 90 days (their forecasts); of customers of "
        "these kinds and stages 1.0 % ordered from 2018-05-31 to 2018-08-29, and spent BRL 1.00 per customer.",
        "",
        "What it can show, with 80 % power at 5 %:",
        *told.splitlines()[13:16],
        "This can't be shown: even a doubling of the share who order would look like no proof. Pool segments (more "
        "kinds and stages), raise the holdout, or wait until there are more such people.",
        "",
        "Outcome: the share who order, over the 90 days after 2018-08-31; it is complete once the data reach "
        "2018-11-29. Priority: 0.",
    ]
    assert told.splitlines()[13].startswith("  treated, the share who order (promised): can show a rise from 1.0 % to ")
    assert told.splitlines()[14].startswith("  treated, revenue per customer: can show a rise from BRL 1.00 to BRL ")
    assert re.fullmatch(
        r"  Each of two arms of one size would need some 7,\d00 customers to show a rise by a half \(to 1.5 %\) and "
        r"some 4\d,000 customers to show a rise by a fifth \(to 1.2 %\)\.",
        told.splitlines()[15],
    )


def test_the_log_of_another_folder_is_refused_where_the_tables_know_campaigns(shop: Shop, refused: Run) -> None:
    shop.execute("create table campaigns as select 'summer' as campaign")
    told = refused("plan", "spring", "--holdout", "0.3")
    assert "the campaign summer of the tables in" in told
    assert "set OLIST_CAMPAIGN_DIR" in told


def test_a_large_campaign_can_show_a_doubling_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    open_shop(tmp_path / "large", customers=20_000).use(monkeypatch)
    told = run("plan", "everybody", "--holdout", "0.4", "--outcome", "revenue_per_customer")
    assert "This can't be shown" not in told
    assert "treated, revenue per customer (promised): can show a rise from BRL 1.00 to BRL 1.4" in told
    assert "treated, the share who order: can show a rise from 1.0 % to 1.4 % or more; a smaller one will look" in told
    few = run("plan", "few", "--arm", "a:0.5", "--arm", "b:0.0005", "--outcome", "ordered_share")
    assert "This can't be shown for b: even a doubling" in few


def test_what_people_do_without_a_campaign_is_forecast_or_past(shop: Shop, run: Run) -> None:
    shop.execute(
        "update segment_outcomes set ordered_again_count = 500 where segment_key = 'big:cooling';"
        "delete from segment_outcomes where segment_key = 'small:cooling'"
    )
    told = run("plan", "x", "--kind", "big", "--kind", "sad", "--kind", "small", "--stage", "cooling")
    # Half of those who are known at 5 %, half at 1 %.
    assert "of these kinds and stages 3.0 % ordered from 2018-05-31 to 2018-08-29 (known for 200 of them)" in told
    assert "can show a rise from 1.0 % to" in told
    shop.execute("update customer_forecasts set is_abstaining = true")
    told = run("plan", "x", "--kind", "big", "--kind", "sad", "--stage", "cooling")
    assert "expected to order" not in told
    assert "Note: the forecasts abstain: every customer has the past rate of a group" in told
    assert "can show a rise from 3.0 % to" in told
    run("launch", "abstained", "--kind", "big", "--kind", "sad", "--stage", "cooling", "--out", shop.lists)
    assert shop.log("abstained")["expected_share"].unique() == pytest.approx([0.03])
    shop.execute("delete from segment_outcomes")
    told = run("plan", "x")
    assert "Without a campaign: nobody knows what they do." in told
    assert "nobody knows what they do without a campaign, so nobody can tell." in told


def test_a_launch_writes_the_log_the_lists_and_says_where(shop: Shop, run: Run) -> None:
    arguments = ("--kind", "big", "--arm", "voucher:0.4", "--arm", "reminder:0.4", "--priority", "3")
    planned = run("plan", "spring", *arguments)
    told = run("launch", "spring", *arguments, "--out", shop.lists)
    plan_lines = planned.split("\n", 1)[1]
    assert told.startswith("Launched the campaign spring.\n" + plan_lines.rstrip())
    assert f"The log is '{shop.campaigns}/spring.parquet': keep it" in told
    assert f"Wrote 120 customers to '{shop.lists}/spring-voucher.csv'." in told
    assert "which are personal data" in told

    log = shop.log("spring")
    assert list(log.columns) == list(LOG_COLUMNS)
    assert len(read_log(shop.campaigns)) == len(log) == 300
    assert set(log["customer_unique_id"]) == of(shop, "segment_key = 'big'")
    assert log.groupby("arm", sort=False)["arm_number"].unique().map(list).to_dict() == {
        "holdout": [0],
        "voucher": [1],
        "reminder": [2],
    }
    assert log.groupby("arm").size().to_dict() == {
        "holdout": pytest.approx(60, abs=6),
        "voucher": pytest.approx(120, abs=6),
        "reminder": pytest.approx(120, abs=6),
    }
    one = log.iloc[0]
    assert one["draw_number"] == digest(SALT, "spring", one["customer_unique_id"])
    constant = ["campaign", "priority", "as_of_date", "outcome_days", "promised_outcome", "model_version"]
    assert log[constant].drop_duplicates().to_numpy().tolist() == [
        ["spring", 3, pd.Timestamp(TODAY), 90, "ordered_share", 1]
    ]
    assert log["expected_share"].unique() == pytest.approx([log["order_probability"].mean()])
    assert 0 < log["smallest_uplift"].unique().item() < 1
    people = shop.query("from customer_segments join customer_features using (customer_unique_id)")
    both = log.merge(people, on="customer_unique_id", suffixes=("", "_now"))
    for column in ("recency_days", "purchase_day_count", "total_spend", "avg_review_score", "late_delivery_share"):
        now = both[f"{column}_now" if f"{column}_now" in both else column]
        pd.testing.assert_series_equal(both[column], now, check_names=False, check_dtype=False)


def test_the_lists_equal_the_log(shop: Shop, run: Run) -> None:
    run("launch", "spring", "--arm", "voucher:0.4", "--arm", "reminder:0.4", "--out", shop.lists)
    log = shop.log("spring")
    for arm in ("voucher", "reminder"):
        rows = list_of(shop.lists / f"spring-{arm}.csv")
        assert tuple(rows[0]) == COLUMNS
        members = log[log["arm"] == arm].sort_values(["total_spend", "customer_unique_id"], ascending=[False, True])
        assert [row["customer_unique_id"] for row in rows] == members["customer_unique_id"].tolist()
        assert [row["total_spend"] for row in rows] == [f"{spend:.2f}" for spend in members["total_spend"]]
        assert {row["arm"] for row in rows} == {arm}
    assert sorted(path.name for path in shop.lists.iterdir()) == ["spring-reminder.csv", "spring-voucher.csv"]


def test_lists_are_written_again_from_the_log_to_the_byte(shop: Shop, run: Run, tmp_path: Path) -> None:
    run("launch", "spring", "--arm", "voucher:0.4", "--arm", "reminder:0.4", "--out", shop.lists)
    first = {path.name: path.read_bytes() for path in shop.lists.iterdir()}
    told = run("lists", "spring", "--out", tmp_path / "again")
    assert {path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()} == first
    assert "Left out" not in told
    run("lists", "spring", "--out", shop.lists)
    assert {path.name: path.read_bytes() for path in shop.lists.iterdir()} == first


def test_lists_written_again_leave_out_whom_nobody_may_list_now(shop: Shop, run: Run) -> None:
    run("launch", "spring", "--out", shop.lists)
    treated = sorted(row["customer_unique_id"] for row in list_of(shop.lists / "spring-treated.csv"))
    suppressed, gone, forgotten = treated[:3]
    shop.suppress([suppressed])
    shop.execute(f"delete from customer_segments where customer_unique_id = '{gone}'")
    (shop.campaigns / "forgotten.csv").write_text(
        f"forgotten_digest,forgotten_on\n{forgotten_digest(forgotten)},2018-09-01\n"
    )
    told = run("lists", "spring", "--out", shop.lists)
    assert sorted(row["customer_unique_id"] for row in list_of(shop.lists / "spring-treated.csv")) == treated[3:]
    assert "though the campaign still counts them: 1 forgotten, 1 suppressed, 1 no customer any more." in told


def test_files_are_for_their_owner_and_the_log_is_read_only(shop: Shop, run: Run) -> None:
    before = os.umask(0o022)
    try:
        run("launch", "spring", "--out", shop.lists)
    finally:
        os.umask(before)
    assert stat.S_IMODE((shop.lists / "spring-treated.csv").stat().st_mode) == 0o600
    assert stat.S_IMODE(shop.lists.stat().st_mode) == 0o700
    assert stat.S_IMODE((shop.campaigns / "spring.parquet").stat().st_mode) == 0o444
    assert sorted(path.name for path in shop.campaigns.iterdir()) == [".lock", "spring.parquet"]


def test_a_list_is_safe_to_open_in_a_spreadsheet(shop: Shop, run: Run) -> None:
    hostile = '=HYPERLINK("http://example.org")'
    for table in ("customer_segments", "customer_features", "customer_forecasts"):
        shop.execute(f"update {table} set customer_unique_id = '{hostile}' where customer_unique_id = 'c000000'")
    shop.execute("update customer_segments set segment_name = '@SUM(A1)' where segment_key = 'small'")
    told = run("launch", "spring", "--holdout", "0.1", "--out", shop.lists)
    rows = list_of(shop.lists / "spring-treated.csv")
    assert {row["segment_name"] for row in rows} == {"Big spenders", "'@SUM(A1)", "Dissatisfied customers"}
    log = shop.log("spring")
    treated = set(log[log["arm_number"] > 0]["customer_unique_id"])
    assert (f"'{hostile}" in {row["customer_unique_id"] for row in rows}) == (hostile in treated)
    assert "cells begin like a formula and got an apostrophe in front" in told


@pytest.mark.parametrize(
    ("options", "condition"),
    [
        ((), "true"),
        (("--kind", "big", "--kind", "Dissatisfied CUSTOMERS"), "segment_key in ('big', 'sad')"),
        (("--kind", "big", "--kind", "big"), "segment_key = 'big'"),
        (("--stage", "Cooling", "--stage", "lapsed"), "stage_key in ('cooling', 'lapsed')"),
        (("--min-probability", "0.9"), "segment_probability >= 0.9"),
        (("--exclude-dissatisfied",), "coalesce(avg_review_score, 5) > 2"),
        (("--min-order-probability", "0.011"), "c.order_probability >= 0.011"),
    ],
)
def test_conditions_choose_who_is_asked_for(shop: Shop, run: Run, options: tuple[str, ...], condition: str) -> None:
    run("launch", "spring", *options, "--out", shop.lists)
    with_forecasts = f"customer_unique_id in (select customer_unique_id from customer_forecasts c where {condition})"
    wanted = of(shop, with_forecasts if condition.startswith("c.") else condition)
    assert set(shop.log("spring")["customer_unique_id"]) == wanted
    assert len(wanted) > 100


def test_the_first_are_taken_after_others_are_taken_off(shop: Shop, run: Run) -> None:
    order = (
        "select customer_unique_id from customer_forecasts join customer_segments using (customer_unique_id) "
        "order by {} desc, customer_unique_id"
    )
    by_probability = shop.query(order.format("order_probability"))["customer_unique_id"].tolist()
    shop.suppress(by_probability[:40])
    told = run("plan", "x", "--top", "200", "--by", "order_probability")
    rows = {line.split(None, 1)[1]: line.split()[0] for line in told.splitlines() if re.match(" +[0-9]+  ", line)}
    assert rows["suppressed (suppressed_customers.csv)"] == "40"
    assert rows["beyond the first 200 by order probability"] == "660"
    run("launch", "x", "--top", "200", "--by", "order_probability", "--out", shop.lists)
    assert set(shop.log("x")["customer_unique_id"]) == set(by_probability[40:240])


def test_each_reason_takes_people_off_and_each_person_counts_once(shop: Shop, run: Run) -> None:
    everybody = sorted(of(shop, "true"))
    # Forgotten and suppressed; suppressed by the file, by the last build; in the control group; in no way.
    forgotten, suppressed = everybody[:10], everybody[5:30]
    shop.suppress([*suppressed[:20], "nobody-known"])
    for customer in suppressed[20:]:
        shop.execute(f"insert into suppressed_customers values ('{customer}', 'at the build', null)")
    shop.campaigns.mkdir()
    (shop.campaigns / "forgotten.csv").write_text(
        "forgotten_digest,forgotten_on\n"
        + "".join(f"{forgotten_digest(customer)},2018-08-01\n" for customer in forgotten)
    )
    shop.set(control_group_share=0.2)
    control = {customer for customer in everybody[30:] if digest(SALT, "control group 2018Q3", customer) < 0.2 * 2**60}
    with open_tables(shop.tables) as connection:
        off = off_every_list(connection, shop.tables)
    assert dict(off.to_numpy().tolist()) == {
        **dict.fromkeys(forgotten, "forgotten"),
        **dict.fromkeys(suppressed[5:], "suppressed"),
        **dict.fromkeys(control, "control_group"),
    }
    told = run("plan", "x")
    rows = [line.split(None, 1) for line in told.splitlines() if line.startswith("  ")][:5]
    assert [int(count) for count, _ in rows] == [10, 20, len(control), 0, 0]
    assert f"Who: {900 - 30 - len(control)} customers" in told
    run("launch", "x", "--out", shop.lists)
    assert set(shop.log("x")["customer_unique_id"]) == set(everybody) - set(off["customer_unique_id"])
    shop.become(date(2018, 10, 31))
    with open_tables(shop.tables) as connection:
        later = off_every_list(connection, shop.tables)
    assert set(later[later["reason"] == "control_group"]["customer_unique_id"]) != control


def test_where_people_to_leave_in_peace_are_named(shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def source_of(tables: Path) -> Path | None:
        with open_tables(tables) as connection:
            return suppressed_source(connection, tables)

    assert source_of(shop.tables) == shop.data / "suppressed_customers.csv"
    monkeypatch.setenv("OLIST_DATA_DIR", "")
    assert source_of(shop.tables) is None
    shop.execute(
        "create schema build_log; "
        "create table build_log.builds as from (values ('a'), ('/noted'), (null)) builds(data_folder)"
    )
    assert source_of(shop.tables) == Path("/noted/suppressed_customers.csv")
    published = tmp_path / "served" / "segments.duckdb"
    published.parent.mkdir()
    open_shop(tmp_path / "another").tables.rename(published)
    assert source_of(published) is None
    (published.parent / "manifest.json").write_text('{"data_folder": "/published"}')
    assert source_of(published) == Path("/published/suppressed_customers.csv")


def test_a_campaign_that_runs_keeps_its_people_until_it_ends(shop: Shop, run: Run, refused: Run) -> None:
    run("launch", "first", "--kind", "big", "--priority", "5", "--holdout", "0.5", "--out", shop.lists)
    members = set(shop.log("first")["customer_unique_id"])
    for priority, left in (("4", 600), ("5", 600)):
        told = run("plan", "second", "--priority", priority)
        assert f"Who: {left} customers" in told
        assert "300  in a running campaign of the same or a higher priority" in told
    # Within the cooldown a higher priority takes nobody over, neither those listed nor those held out.
    assert "300  listed, or held out of a list, in the last 30 days" in run("plan", "second", "--priority", "6")
    shop.become(date(2018, 9, 29))
    assert "300  listed, or held out of a list" in run("plan", "second", "--priority", "6")
    shop.become(date(2018, 9, 30))
    told = run("plan", "second", "--priority", "6")
    assert "Who: 900 customers" in told
    assert "Taken over from running campaigns of lower priority, which still count them: first (300)." in told
    before = (shop.campaigns / "first.parquet").read_bytes()
    run("launch", "second", "--priority", "6", "--out", shop.lists)
    assert members < set(shop.log("second")["customer_unique_id"])
    assert (shop.campaigns / "first.parquet").read_bytes() == before
    # The first runs to 2018-11-28, the second to 2018-12-28.
    shop.become(date(2018, 12, 28))
    assert "nobody of 900 customers may be listed today (900 in a running campaign" in refused("plan", "third")
    shop.become(date(2018, 12, 29))
    assert "Who: 900 customers" in run("plan", "third")


def test_a_cooldown_may_be_longer_than_a_campaign_or_none(shop: Shop, run: Run) -> None:
    shop.set(contact_cooldown_days=120)
    run("launch", "first", "--holdout", "0.4", "--out", shop.lists)
    treated = set(shop.log("first").query("arm_number > 0")["customer_unique_id"])
    shop.become(date(2018, 12, 28))
    told = run("plan", "second")
    assert f"Who: {900 - len(treated)} customers" in told
    shop.become(date(2018, 12, 29))
    assert "Who: 900 customers" in run("plan", "second")
    shop.become(TODAY)
    shop.set(contact_cooldown_days=0)
    assert "Who: 900 customers" in run("plan", "second", "--priority", "1")


def test_arms_and_holdout_add_up(shop: Shop, run: Run, refused: Run) -> None:
    assert "holdout  10.0 %" in run("plan", "x")
    assert "treated  75.0 %" in run("plan", "x", "--holdout", ".25")
    assert "holdout  20.0 %" in run("plan", "x", "--arm", "a:0.7", "--arm", "b:0.1")
    run("plan", "x", "--arm", "a:0.333333333", "--arm", "b:.333333333", "--holdout", "0.333333334")
    assert "add up to 0.9: they must add up to 1" in refused("plan", "x", "--arm", "a:0.7", "--holdout", "0.2")
    assert "leave nobody to hold out" in refused("plan", "x", "--arm", "a:0.7", "--arm", "b:0.3")
    assert "leave nobody to hold out" in refused("plan", "x", "--arm", "a:0.7", "--arm", "b:0.4")
    assert "leave nobody to hold out" in refused("plan", "x", "--holdout", "0")
    assert "add up to 1.2" in refused("plan", "x", "--arm", "a:0.7", "--holdout", "0.5")
    assert "the arm 'a' is given twice" in refused("plan", "x", "--arm", "a:0.2", "--arm", "a:0.3")
    assert "'holdout' is the arm that is on no list" in refused("plan", "x", "--arm", "holdout:0.2")
    assert "nobody falls to holdout" in refused("plan", "x", "--top", "2", "--holdout", "0.01")


@pytest.mark.parametrize(
    "share", ["", "x", "-0.1", "1.1", "nan", "inf", "1e-1", "0.1.1", "٠.٢", "0,2", "0.12345678901", "0x1", " 0.2"]
)
def test_a_share_is_a_plain_number(refused: Run, share: str) -> None:
    assert "is no share from 0 to 1" in refused("plan", "x", f"--holdout={share}")
    assert "is no share from 0 to 1" in refused("plan", "x", "--arm", f"a:{share}")


HOSTILE = [
    *("", " ", ".", "..", "../x", "/etc/passwd", "a/b", "a\\b", "a.b", "A", "ä", "-a", "a b", "a;b", "a'b", 'a"b'),
    *(
        "a\n",
        "a\tb",
        "a\x1b[31m",
        "\ufeffa",
        "a\u202eb",
        "con",
        "nul",
        "com1",
        "lpt9",
        "x" * 64,
        "$(id)",
        "`id`",
        "a|b",
    ),
    *("%s", "{x}", "*", "a?", "[a]", "\udcff", "a\r", ".lock", ".x", "a:b"),
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_of_campaigns_and_arms_are_refused_in_one_sentence(shop: Shop, refused: Run, name: str) -> None:
    for command in (
        ("plan", "--", name),
        ("launch", "--out", str(shop.lists), "--", name),
        ("lists", "--out", str(shop.lists), "--", name),
        ("launch", "spring", "--out", str(shop.lists), f"--arm={name}:0.5"),
    ):
        told = refused(*command)
        assert told.count("\n") == 1
        assert "can't be the name of a" in told
        assert told[:-1].isprintable()
    assert not shop.campaigns.exists()
    assert not shop.lists.exists()


@pytest.mark.parametrize("kind", ["nobody", "", "'; drop table segments; --", "\x1b[2J", "Ǆ"])
def test_unknown_kinds_and_stages_are_refused(shop: Shop, refused: Run, kind: str) -> None:
    for option in ("--kind", "--stage"):
        told = refused("launch", "spring", f"{option}={kind}", "--out", shop.lists)
        assert told.count("\n") == 1
        assert told.startswith("olist-segments: there is no s")
        assert told[:-1].isprintable()
    assert not shop.campaigns.exists()


def test_options_that_say_nothing_are_refused(shop: Shop, refused: Run) -> None:
    assert "--by says how --top chooses" in refused("plan", "x", "--by", "order_probability")
    assert "is no arm and its share" in refused("plan", "x", "--arm", "voucher")
    assert "has a share of 0" in refused("plan", "x", "--arm", "voucher:0")
    for priority in ("-1", "x", "1.5", "1000001", "99999999999999"):
        assert "is no priority from 0 to 1,000,000" in refused("plan", "x", f"--priority={priority}")
    assert "nobody is of these kinds" in refused("plan", "x", "--min-probability", "1")
    shop.suppress(sorted(of(shop, "true")))
    told = refused("launch", "x", "--out", shop.lists)
    assert "nobody of 900 customers may be listed today (900 suppressed)" in told


def test_folders_for_lists_that_can_not_be_are_refused_before_anything_is_written(
    shop: Shop, refused: Run, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    assert "is no folder" in refused("launch", "spring", "--out", file)
    assert "is in a folder that does not exist" in refused("launch", "spring", "--out", tmp_path / "a" / "b")
    assert "can't be a folder for lists" in refused("launch", "spring", "--out", tmp_path / ("x" * 300))
    told = refused("launch", "spring", "--out", tmp_path / "no\n\x1b[31msuch" / "b")
    assert told[:-1].isprintable()
    shop.lists.mkdir()
    for content in (
        b"my own notes",
        b"\xff\xfe",
        b"\xef\xbb\xbf" + ",".join(COLUMNS).encode() + b"\r\nother,treated\r\n",
    ):
        (shop.lists / "spring-treated.csv").write_bytes(content)
        assert "is no list of this campaign and arm" in refused("launch", "spring", "--out", shop.lists)
    (shop.lists / "spring-treated.csv").unlink()
    (shop.lists / "spring-treated.csv").symlink_to(tmp_path / "elsewhere")
    assert "is no list of this campaign and arm" in refused("launch", "spring", "--out", shop.lists)
    assert not shop.campaigns.exists()


def test_a_list_of_another_campaign_is_not_overwritten(shop: Shop, run: Run, refused: Run) -> None:
    # Both would be a-b-c.csv.
    run("launch", "a", "--kind", "big", "--arm", "b-c:0.5", "--out", shop.lists)
    assert "is no list of this campaign and arm" in refused(
        "launch", "a-b", "--kind", "small", "--arm", "c:0.5", "--out", shop.lists
    )
    assert not (shop.campaigns / "a-b.parquet").exists()


def test_a_campaign_is_launched_once(shop: Shop, run: Run, refused: Run) -> None:
    run("launch", "spring", "--kind", "big", "--out", shop.lists)
    for command in (("plan",), ("launch", "--out", str(shop.lists))):
        told = refused(*command, "spring", "--kind", "small")
        assert f"the campaign 'spring' is in the log already ('{shop.campaigns}/spring.parquet')" in told
        assert "olist-segments campaign lists spring --out FOLDER" in told


def test_a_file_that_is_there_is_never_overwritten_whoever_put_it_there(shop: Shop, run: Run) -> None:
    run("launch", "spring", "--kind", "big", "--out", shop.lists)
    before = shop.written()
    with duckdb.connect() as connection, held(shop.campaigns):
        connection.execute(f"create table rows as from read_parquet('{shop.campaigns}/spring.parquet') limit 5")
        with pytest.raises(UserError, match="in the log already"):
            write_log(connection, "rows", shop.campaigns, "spring")
    assert shop.written() == before


def test_lists_of_an_unknown_campaign_are_refused_with_those_known(shop: Shop, run: Run, refused: Run) -> None:
    assert "(none yet)" in refused("lists", "spring", "--out", shop.lists)
    run("launch", "spring", "--out", shop.lists)
    assert "(spring)" in refused("lists", "summer", "--out", shop.lists)


def test_a_log_that_was_changed_stops_every_launch(shop: Shop, run: Run, refused: Run) -> None:
    run("launch", "spring", "--kind", "big", "--out", shop.lists)
    log = shop.campaigns / "spring.parquet"
    log.chmod(0o644)
    with duckdb.connect() as connection:
        connection.execute(f"copy (from read_parquet('{log}') limit 5) to '{log}' (format parquet)")
    assert "is not as it was written" in refused("launch", "second", "--out", shop.lists)
    assert "is not as it was written" in refused("lists", "spring", "--out", shop.lists)


def test_tables_of_an_earlier_release_are_refused(shop: Shop, refused: Run) -> None:
    shop.execute("drop table campaign_settings")
    assert "are of a release without campaigns: run dbt build once more" in refused("plan", "x")
    with open_tables(shop.tables) as connection:
        assert off_every_list(connection, shop.tables).empty


def test_a_campaign_folder_that_can_not_be_written_is_refused(
    shop: Shop, refused: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = shop.home / "a file"
    file.write_text("x")
    monkeypatch.setenv("OLIST_CAMPAIGN_DIR", str(file / "folder"))
    told = refused("launch", "x", "--out", shop.lists)
    assert "can't be written (Not a directory): set OLIST_CAMPAIGN_DIR" in told


def test_lists_that_could_not_be_written_leave_the_campaign_in_the_log(
    shop: Shop, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("olist_segments.serving.atomic._replace", full)
        assert main(["campaign", "launch", "spring", "--out", str(shop.lists)]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "is launched and in the log" in told
    assert "write them with olist-segments campaign lists spring --out FOLDER" in told
    run("lists", "spring", "--out", shop.lists)
    log = shop.log("spring")
    listed = {row["customer_unique_id"] for row in list_of(shop.lists / "spring-treated.csv")}
    assert listed == set(log[log["arm"] == "treated"]["customer_unique_id"])
