"""Forgetting a person: no byte is left in warehouse, published files and campaign log, and everything goes on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from marketplaces import read_tables, write_tables
from marks import slow_after
from nights import SETTINGS, WHOLE, Nights, copy_of
from olist_segments.campaigns.forget import forget, forget_gone
from olist_segments.campaigns.inputs import LOG_COLUMNS, OF_ARM, OF_CAMPAIGN, forgotten_digest, read_forgotten, read_log
from olist_segments.campaigns.log import held, write_log
from olist_segments.cli import main
from olist_segments.errors import UserError
from olist_segments.serving.publish import publish
from served_folders import change, checked_manifest, served
from test_erasure import count, files_of, with_bytes, with_values, without
from warehouses import PROJECT, Warehouse

FORGET = (sys.executable, "-m", "olist_segments.cli", "forget")


@pytest.fixture(scope="module")
def published_twice(built_tonight: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A warehouse, what was published twice, and two campaigns logged beside its folder; not to be changed."""
    shop = copy_of(built_tonight, tmp_path_factory.mktemp("published_twice") / "shop")
    publish(shop.serving, shop.path)
    launch(shop, "spring", shop.home.parent / "campaigns")
    launch(shop, "autumn", shop.home.parent / "campaigns")
    return shop


@pytest.fixture(scope="module")
def published_by_two(published_twice: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The same, and a build kept for model versions that the warehouse does not know; not to be changed."""
    shop = copied_with_campaigns(published_twice, tmp_path_factory.mktemp("published_by_two") / "shop")
    for table in ("segment_versions", "fit_segment_model"):
        change(shop, f"update {table} set fitted_at = fitted_at + interval 1 day")
    assert "held model versions that this warehouse does not know" in publish(shop.serving, shop.path)
    return shop


def copied_with_campaigns(warehouse: Warehouse, home: Path) -> Warehouse:
    copied = copy_of(warehouse, home)
    shutil.copytree(warehouse.home.parent / "campaigns", home.parent / "campaigns")
    return copied


@pytest.fixture
def found(nights: Nights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Warehouse], Warehouse]:
    """Makes a copy of a warehouse with its campaigns, which the commands find."""

    def copied(warehouse: Warehouse) -> Warehouse:
        shop = copied_with_campaigns(warehouse, tmp_path / "shop")
        for name, value in shop.places.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("OLIST_CAMPAIGN_DIR", str(tmp_path / "campaigns"))
        monkeypatch.setenv("OLIST_DATA_DIR", str(nights.tonight))
        return shop

    return copied


@pytest.fixture
def shop(found: Callable[[Warehouse], Warehouse], published_twice: Warehouse) -> Warehouse:
    return found(published_twice)


@pytest.fixture
def shop_of_two(found: Callable[[Warehouse], Warehouse], published_by_two: Warehouse) -> Warehouse:
    return found(published_by_two)


def launch(shop: Warehouse, campaign: str, folder: Path) -> None:
    """Log a campaign of everybody, every fourth customer held out."""
    facts = {
        "campaign": f"'{campaign}'",
        "priority": "100",
        "launched_at": "timestamp '2018-06-15 08:00:00'",
        "outcome_days": "90",
        "promised_outcome": "'ordered_share'",
        "expected_share": "0.01",
        "smallest_uplift": "0.02",
        "arm": "if(number % 4 = 0, 'holdout', 'treated')",
        "arm_number": "if(number % 4 = 0, 0, 1)",
        "arm_share": "if(number % 4 = 0, 0.25, 0.75)",
        "draw_number": "number",
        "stratum": "'all:01'",
        "forecast_version": "1",
        "late_delivery_share": "0.1",
        "order_probability": "0.01",
    }
    columns = ", ".join(f"{facts.get(name, name)}::{kind} as {name}" for name, kind in LOG_COLUMNS.items())
    with held(folder), duckdb.connect(str(shop.path), read_only=True) as connection:
        connection.execute(
            f"create temp table drawn as select {columns} from (select *, row_number() over "
            "(order by customer_unique_id) as number from customer_segments)"
        )
        write_log(connection, "drawn", folder, campaign)


def person_of(shop: Warehouse, nights: Nights, place: int = 0) -> tuple[str, set[str]]:
    """A customer with a review and many orders, and all ids that nobody else has."""
    persons = shop.query(
        "select customer_unique_id from customer_segments where not is_review_missing order by order_count desc, "
        f"total_spend desc limit 1 offset {place}"
    )
    person = str(persons["customer_unique_id"].iloc[0])
    ids = without(read_tables(nights.tonight), {person})[1]
    assert len(ids) >= 4
    return person, ids


def everything(shop: Warehouse, campaigns: Path) -> list[Path]:
    return [*files_of(shop), *(path for path in campaigns.rglob("*") if path.is_file())]


def left_of(ids: Iterable[str], shop: Warehouse, campaigns: Path) -> list[str]:
    files = everything(shop, campaigns)
    return with_bytes(files, ids) + with_values(files, ids)


@pytest.mark.slow
def test_no_byte_of_a_person_is_left_and_everything_goes_on(shop: Warehouse, nights: Nights, tmp_path: Path) -> None:
    campaigns = tmp_path / "campaigns"
    person, ids = person_of(shop, nights)
    log = read_log(campaigns)
    before, customers = checked_manifest(shop.serving), count(shop, "select count(*) from customer_segments")
    assert len(left_of(ids, shop, campaigns)) > 30

    said = forget([person])
    assert left_of(ids, shop, campaigns) == []
    assert count(shop, "select count(*) from customer_segments") == customers - 1
    lines = said.splitlines()
    assert lines[0] == "Forgot 1 customer."
    assert lines[1].startswith(f"Warehouse '{shop.path}': ")
    assert "1 label of model versions among them, and the file written anew." in lines[1]
    assert lines[2].startswith(f"Published files in '{shop.serving}': ")
    assert "2 rows of 2 campaigns keep the campaign and its arm, and nothing else." in lines[3]
    assert "olist_customers_dataset.parquet' still holds 1 of them: remove them from the nine files" in said
    assert person not in said

    # The manifest is right, and says of other things what it said.
    after = checked_manifest(shop.serving)
    assert {name for name in before if before[name] != after[name]} == {"build", "database", "tables", "versions"}
    changed = {name for name in before["tables"] if before["tables"][name]["rows"] != after["tables"][name]["rows"]}
    assert {"customer_segments", "orders", "purchases", "segment_labels"} <= changed
    comments = "select comment from duckdb_columns() where comment is not null order by table_name, column_name"
    assert len(served(shop.serving, comments)) > 300
    assert served(shop.serving, "select count(*) from customer_segments") == [(customers - 1,)]

    # The arm of the person counts, and nothing else is left.
    now = read_log(campaigns)
    assert now["customer_unique_id"].isna().sum() == 2
    pd.testing.assert_frame_equal(
        now.groupby(["campaign", "arm"]).size().reset_index(), log.groupby(["campaign", "arm"]).size().reset_index()
    )
    blank = now[now["customer_unique_id"].isna()]
    assert blank[[name for name in LOG_COLUMNS if name not in {*OF_CAMPAIGN, *OF_ARM}]].isna().all(axis=None)
    others = log[log["customer_unique_id"] != person].reset_index(drop=True)
    rest = now[now["customer_unique_id"].notna()].reset_index(drop=True)
    pd.testing.assert_frame_equal(rest, others, check_dtype=False)
    assert list(read_forgotten(campaigns)) == [forgotten_digest(person)]

    # Once more changes nothing, and the next publish has what it needs.
    digests = shop.table_digests(apart=())
    assert "0 rows of 0 tables removed" in forget([person])
    assert shop.table_digests(apart=()) == digests
    publish(shop.serving, shop.path)
    checked_manifest(shop.serving)
    assert left_of(ids, shop, campaigns) == []


@pytest.mark.slow
@pytest.mark.parametrize("is_removed", [True, False])
def test_a_build_after_it_works_whether_the_files_still_hold_the_person_or_not(
    shop: Warehouse, built_tonight: Warehouse, nights: Nights, tmp_path: Path, is_removed: bool
) -> None:
    person, ids = person_of(shop, nights)
    forget([person])
    data = nights.tonight
    if is_removed:
        data = write_tables(without(read_tables(data), {person})[0], tmp_path / "data")
    shop.dbt(*WHOLE, data=data, variables=SETTINGS)
    publish(shop.serving, shop.path)
    # The labels are those of the fit, without the person, whatever comes back.
    assert count(shop, f"select count(*) from fit_segment_labels where customer_unique_id = '{person}'") == 0
    for table in ("customer_segments", "customer_features"):
        assert count(shop, f"select count(*) from {table} where customer_unique_id = '{person}'") == 1 - is_removed
    fresh = built_tonight
    if is_removed:
        fresh = Warehouse(tmp_path / "fresh")
        fresh.dbt("run", "--select", "+customer_features_monthly", data=data, variables=SETTINGS)
    months = "select count(*) from customer_features_monthly"
    assert count(shop, months) == count(fresh, months)
    assert shop.table_digests()["customer_features_monthly"] == fresh.table_digests()["customer_features_monthly"]
    if is_removed:
        assert left_of(ids, shop, tmp_path / "campaigns") == []


def test_an_id_that_others_have_too_stays(shop: Warehouse, nights: Nights, tmp_path: Path) -> None:
    person, ids = person_of(shop, nights)
    other, _ = person_of(shop, nights, 1)
    reviews = shop.query(
        "select max(review_id) from reviews inner join orders on reviews.order_id = orders.order_id "
        f"where customer_unique_id = '{person}'"
    )
    orders = shop.query(f"select max(order_id) from orders where customer_unique_id = '{other}'")
    review, order = str(reviews.iloc[0, 0]), str(orders.iloc[0, 0])
    change(
        shop,
        f"insert into raw.olist_order_reviews_dataset by name select '{review}' as review_id, '{order}' as order_id",
    )
    forget([person])
    assert count(shop, f"select count(*) from raw.olist_order_reviews_dataset where review_id = '{review}'") == 1
    assert left_of(ids - {review}, shop, tmp_path / "campaigns") == []


@pytest.mark.slow
def test_several_are_forgotten_at_once_and_a_build_kept_for_its_versions_is_cleaned(
    shop_of_two: Warehouse, nights: Nights, tmp_path: Path
) -> None:
    people = [person_of(shop_of_two, nights, place) for place in (0, 1, 2)]
    ids = set().union(*(own for _, own in people))
    said = forget([person for person, _ in people])
    assert "Forgot 3 customers." in said
    assert "1 older build cleaned." in said
    assert left_of(ids, shop_of_two, tmp_path / "campaigns") == []
    checked_manifest(shop_of_two.serving)
    (kept,) = [
        path
        for path in (shop_of_two.serving / ".builds").iterdir()
        if path != (shop_of_two.serving / "current").resolve()
    ]
    assert sorted(path.name for path in kept.iterdir()) == ["manifest.json", "versions"]
    publish(shop_of_two.serving, shop_of_two.path)


@pytest.mark.parametrize("known", [[], ["one"]])
def test_an_unknown_id_changes_nothing(
    shop: Warehouse, nights: Nights, tmp_path: Path, capsys: pytest.CaptureFixture[str], known: list[str]
) -> None:
    person, _ = person_of(shop, nights)
    record = shop.query(f"select min(customer_id) from orders where customer_unique_id = '{person}'").iloc[0, 0]
    before = {path: path.read_bytes() for path in everything(shop, tmp_path / "campaigns")}
    for unknown in (record, "nobody\x1b[31m'; drop table customers", "*", ""):
        assert main(["forget", *([person] if known else []), str(unknown)]) == 2
        said = capsys.readouterr()
        assert (said.out, said.err.count("\n")) == ("", 1)
        assert "nothing was changed: look up customer_unique_id" in said.err
        assert "\x1b" not in said.err
    assert {path: path.read_bytes() for path in everything(shop, tmp_path / "campaigns")} == before


def test_the_log_of_another_folder_is_refused(shop: Warehouse, nights: Nights, tmp_path: Path) -> None:
    person, _ = person_of(shop, nights)
    change(shop, "create or replace table campaigns as select 'summer' as campaign")
    before = {path: path.read_bytes() for path in everything(shop, tmp_path / "campaigns")}
    with pytest.raises(UserError, match=r"the campaign summer of the tables in .* is not in the log folder"):
        forget([person])
    assert {path: path.read_bytes() for path in everything(shop, tmp_path / "campaigns")} == before


def test_nothing_changes_while_somebody_else_is_at_work(shop: Warehouse, nights: Nights, tmp_path: Path) -> None:
    person, _ = person_of(shop, nights)
    campaigns = tmp_path / "campaigns"
    with held(campaigns), pytest.raises(UserError, match="another launch or forget is writing to"):
        forget([person])
    holding = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holding, str(shop.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as build:
        assert build.stdout is not None
        assert build.stdin is not None
        assert build.stdout.readline() == "open\n"
        with pytest.raises(UserError, match="is in use by a build: wait for it to end and try again"):
            forget([person])
        build.stdin.close()
    assert not (campaigns / "forgotten.csv").exists()
    assert count(shop, f"select count(*) from customers where customer_unique_id = '{person}'") == 1


# Kills itself at the call of the name given, wherever the module looked it up.
KILLED = """
import os, signal, sys
from olist_segments.campaigns import forget
from olist_segments.serving import folder, publish
def killed(*arguments, **options): os.kill(os.getpid(), signal.SIGKILL)
name = sys.argv[2]
setattr(folder if name == "_link" else forget, name, killed)
print(forget.forget([sys.argv[1]]))
"""


@pytest.mark.parametrize(
    "at",
    slow_after(
        1,
        [
            "_from_log",
            "_name_ids",
            "rewrite",
            "keep_versions_only",
            "write_parquet",
            "checked",
            "_link",
            "_blank",
            "_count",
        ],
    ),
)
def test_whoever_repeats_it_after_a_kill_completes_it(
    shop_of_two: Warehouse, nights: Nights, tmp_path: Path, at: str
) -> None:
    person, ids = person_of(shop_of_two, nights)
    command = [sys.executable, "-c", KILLED, person, at]
    killed = subprocess.run(command, cwd=PROJECT, env=os.environ, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    # Readers were never shown half of it.
    checked_manifest(shop_of_two.serving)
    read_log(tmp_path / "campaigns")
    assert forget([person]).startswith("Forgot 1 customer.")
    assert left_of(ids, shop_of_two, tmp_path / "campaigns") == []
    checked_manifest(shop_of_two.serving)


@pytest.mark.slow
def test_it_works_without_a_warehouse_and_without_published_files(
    shop: Warehouse, nights: Nights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaigns = tmp_path / "campaigns"
    first, first_ids = person_of(shop, nights)
    second, second_ids = person_of(shop, nights, 1)
    monkeypatch.setenv("OLIST_WAREHOUSE", str(tmp_path / "none.duckdb"))
    assert f"There is no warehouse at '{tmp_path / 'none.duckdb'}'." in forget([first])
    assert with_values([path for path in shop.serving.rglob("*") if path.is_file()], first_ids) == []
    monkeypatch.setenv("OLIST_WAREHOUSE", str(shop.path))
    monkeypatch.setenv("OLIST_SERVING_DIR", str(tmp_path / "nothing"))
    assert f"Nothing is published in '{tmp_path / 'nothing'}'." in forget([second])
    assert with_bytes([shop.path, *campaigns.iterdir()], second_ids) == []
    assert not (tmp_path / "nothing").exists()
    # Neither: what the log names can still be forgotten.
    monkeypatch.setenv("OLIST_WAREHOUSE", str(tmp_path / "none.duckdb"))
    third, _ = person_of(shop, nights, 2)
    assert "2 rows of 2 campaigns" in forget([third])
    shutil.rmtree(campaigns)
    with pytest.raises(UserError, match="is no customer of the warehouse"):
        forget(["x"])
    assert not campaigns.exists()


@pytest.mark.slow
def test_those_whom_the_tables_no_longer_hold_are_forgotten_unless_they_are_most(
    shop: Warehouse, nights: Nights, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    campaigns = tmp_path / "campaigns"
    assert "nothing was changed" in forget_gone()
    assert not (campaigns / "forgotten.csv").exists()
    people = shop.query("select customer_unique_id from customer_segments order by customer_unique_id limit 3")
    gone = set(people["customer_unique_id"])
    for _ in range(2):
        change(shop, f"delete from customers where customer_unique_id in {tuple(gone)}")
        publish(shop.serving, shop.path)
    assert main(["forget", "--gone"]) == 0
    assert "Forgot 3 customers." in capsys.readouterr().out
    assert set(read_forgotten(campaigns)) == {forgotten_digest(person) for person in gone}
    assert not gone & set(read_log(campaigns)["customer_unique_id"])
    change(shop, "delete from customers where hash(customer_unique_id) % 10 < 7")
    publish(shop.serving, shop.path)
    with pytest.raises(UserError, match="they are another shop's"):
        forget_gone()
    assert len(read_forgotten(campaigns)) == 3


@pytest.mark.parametrize("arguments", [[], ["--gone", "somebody"]])
def test_either_customers_or_the_gone_are_named(
    shop: Warehouse, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main(["forget", *arguments]) == 2
    assert "one of the two" in capsys.readouterr().err
