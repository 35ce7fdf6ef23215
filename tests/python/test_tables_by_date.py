"""A night writes of every table by date what is new, and leaves what writing the whole table anew would leave."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from marketplaces import Tables, cut_at, read_tables, write_tables
from nights import LAST_NIGHT, REFIT, SETTINGS, WHOLE, Nights
from served_folders import change
from warehouses import Warehouse

A_DAY_LATER = LAST_NIGHT + dt.timedelta(days=1)
A_MONTH_LATER = dt.date(2018, 7, 3)
BY_DATE = ("run", "--select", "config.materialized:by_date")
# All that they are made of.
NIGHT = ("run", "--select", "+config.materialized:by_date")


def as_of(date: dt.date) -> Callable[[Tables], Tables]:
    return lambda tables: cut_at(tables, date)


def last_nights(tables: Tables) -> Tables:
    return cut_at(tables, LAST_NIGHT)


def orders_before(tables: Tables, date: str) -> pd.Index:
    orders = tables["olist_orders_dataset"]
    return orders.index[
        (orders["order_purchase_timestamp"] < pd.Timestamp(date)) & (orders["order_status"] == "delivered")
    ]


def an_old_order_canceled(tables: Tables) -> Tables:
    tables = cut_at(tables, A_DAY_LATER)
    canceled = orders_before(tables, "2018-01-01")[-1]
    tables["olist_orders_dataset"].loc[canceled, "order_status"] = "canceled"
    return tables


def an_old_price_corrected(tables: Tables) -> Tables:
    tables = cut_at(tables, A_DAY_LATER)
    order = tables["olist_orders_dataset"].loc[orders_before(tables, "2018-01-01")[-1], "order_id"]
    items = tables["olist_order_items_dataset"]
    items.loc[items["order_id"] == order, "price"] += 100
    return tables


def an_old_review_answered_late(tables: Tables) -> Tables:
    """The score of a purchase in outcome periods that ended long ago, known from tonight on."""
    tables = cut_at(tables, LAST_NIGHT)
    reviews = tables["olist_order_reviews_dataset"]
    orders = tables["olist_orders_dataset"].loc[orders_before(tables, "2018-01-01"), "order_id"]
    told = reviews.index[reviews["order_id"].isin(orders)][0]
    reviews.loc[told, "review_answer_timestamp"] = pd.Timestamp(LAST_NIGHT) + pd.Timedelta(hours=9)
    reviews.loc[told, "review_score"] = 6 - reviews.loc[told, "review_score"]
    return tables


def the_first_months_gone(tables: Tables) -> Tables:
    """Dates vanish at the beginning of history."""
    tables = cut_at(tables, A_DAY_LATER)
    orders = tables["olist_orders_dataset"]
    tables["olist_orders_dataset"] = orders[orders["order_purchase_timestamp"] >= pd.Timestamp("2017-04-01")]
    return tables


@dataclass(frozen=True)
class Change:
    """What differs tonight: the files, the vars, what is written into the warehouse before."""

    name: str
    files: Callable[[Tables], Tables] = last_nights
    variables: Mapping[str, object] = field(default_factory=lambda: SETTINGS)
    statement: str = ""

    def __str__(self) -> str:
        return self.name


# A night takes a quarter of a minute, so changes that reach other tables share one.
CHANGES = [
    Change("a month begins and a version is fitted", as_of(A_MONTH_LATER), REFIT),
    Change("an old order is canceled", an_old_order_canceled),
    Change("one new day", as_of(A_DAY_LATER)),
    Change("an old price is corrected", an_old_price_corrected),
    Change("an old review is answered late", an_old_review_answered_late),
    Change("the first months are gone", the_first_months_gone),
    Change("the newest months are gone", as_of(dt.date(2018, 4, 20))),
    Change("history is labelled anew", as_of(A_DAY_LATER), REFIT | {"rescore_history": True}),
    Change(
        "other boundaries of stages and bins of drift",
        variables=SETTINGS | {"lifecycle_days": [20, 70, 200], "drift_bins": 4},
    ),
    Change(
        "other outcome days and recent buyers",
        variables=SETTINGS | {"outcome_days": 60, "drift_recent_buyer_days": 45},
    ),
    # Of the same files: the newest date would be written again after a new day in any case.
    Change(
        "forecasts are fitted anew and another seed of stages",
        variables=SETTINGS | {"refit_forecasts": True},
        statement="update lifecycle_stages set stage_name = stage_name || '!'",
    ),
    Change(
        "another calibration and another seed of bins",
        statement="update fit_segment_refits set kept_count = kept_count // 2; "
        "update rfm_score_bins set lower_bound = lower_bound + 1 where score = 3",
    ),
    Change("another seed", statement="update rfm_segment_rules set rfm_segment_name = rfm_segment_name || '!'"),
]


def copied(warehouse: Warehouse, home: Path, statement: str = "") -> Warehouse:
    copy = Warehouse(home)
    home.mkdir()
    shutil.copy(warehouse.path, copy.path)
    if statement:
        with duckdb.connect(str(copy.path)) as connection:
            connection.execute(statement)
    return copy


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_night_ends_where_whole_tables_would_end(
    change: Change, built_last_night: Warehouse, nights: Nights, tmp_path: Path
) -> None:
    """Every table, its rows in the order in which they are stored."""
    data = write_tables(change.files(read_tables(nights.tonight)), tmp_path / "data")
    tonight = copied(built_last_night, tmp_path / "tonight", change.statement)
    tonight.dbt(*NIGHT, data=data, variables=change.variables)
    whole = copied(tonight, tmp_path / "whole")
    # The version has been fitted: this run is about what is made of it.
    as_fitted = {name: value for name, value in change.variables.items() if name not in ("refit", "refit_forecasts")}
    whole.dbt(*BY_DATE, "--full-refresh", data=data, variables=as_fitted)
    assert tonight.table_digests() == whole.table_digests()


def tables_by_date(warehouse: Warehouse) -> list[str]:
    found = warehouse.query("select distinct table_name from build_log.dates_built order by 1")
    return list(found["table_name"])


def test_a_night_leaves_dates_alone_whose_inputs_are_the_same(
    built_last_night: Warehouse, nights: Nights, tmp_path: Path
) -> None:
    """Rows of the first date that were taken away stay away: nothing writes that date again."""
    tables = tables_by_date(built_last_night)
    assert len(tables) > 20
    first_dates = {
        table: built_last_night.query(f"select min(as_of_date) as first_date from {table}")["first_date"][0]
        for table in tables
    }
    taken_away = "; ".join(
        f"delete from {table} where as_of_date = date '{date:%Y-%m-%d}'" for table, date in first_dates.items()
    )
    data = write_tables(cut_at(read_tables(nights.tonight), A_DAY_LATER), tmp_path / "data")
    tonight = copied(built_last_night, tmp_path / "tonight", taken_away)
    tonight.dbt(*NIGHT, data=data, variables=SETTINGS)
    for table, date in first_dates.items():
        assert tonight.query(f"select min(as_of_date) > '{date}' as is_left_alone from {table}")["is_left_alone"][0], (
            table
        )
    newest = tonight.query("select max(as_of_date) as newest_date from segment_profiles_monthly")["newest_date"][0]
    assert newest.date() == A_DAY_LATER


@pytest.mark.slow
def test_tables_that_an_earlier_release_wrote_are_written_anew(
    built_last_night: Warehouse, nights: Nights, tmp_path: Path
) -> None:
    """It noted no digests, so those that are there are of other rows."""
    by_earlier_release = """
        update segment_profiles_monthly set customer_count = -1;
        insert into build_log.builds (invocation_id, command, started_at) values ('earlier', 'build', now())
    """
    warehouse = copied(built_last_night, tmp_path / "warehouse", by_earlier_release)
    warehouse.dbt(*BY_DATE, data=nights.last, variables=SETTINGS)
    assert warehouse.table_digests() == built_last_night.table_digests()


@pytest.mark.slow
def test_a_date_is_tested_until_a_whole_build_has_passed(
    built_last_night: Warehouse, nights: Nights, tmp_path: Path
) -> None:
    """Rows that failed a test are not written again by the next build, and fail it again."""
    stage_gone = "delete from lifecycle_stages_monthly where rowid = 5"
    selected = ("--select", "lifecycle_stages_monthly")
    options: dict[str, Any] = {"data": nights.last, "variables": SETTINGS}
    tested = copied(built_last_night, tmp_path / "tested")
    untested = copied(built_last_night, tmp_path / "untested")

    # Written anew without tests, so all of its dates are untested.
    untested.build(nights.last, *selected, "--full-refresh", variables=SETTINGS)
    change(untested, stage_gone)
    for _ in range(2):
        output = untested.dbt(*WHOLE, *selected, succeeds=False, **options)
        assert "FAIL 1 everybody_with_features_has_one_stage" in output

    count = "select count(*) filter (not is_tested), count(*) > 0 from build_log.dates_built"
    assert tested.query(count).iloc[0].tolist() == [0, True]
    change(tested, stage_gone)
    tested.dbt(*WHOLE, *selected, **options)
    tested.dbt("test", *selected, succeeds=False, **options)
