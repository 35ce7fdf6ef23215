"""A nightly build computes only the dates whose inputs changed, and ends where a build from nothing ends."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from marketplaces import Tables, cut_at, read_tables, write_tables
from marks import slow_after
from warehouses import SAMPLE, Warehouse

LAST_NIGHT = dt.date(2018, 6, 14)
TONIGHT = dt.date(2018, 6, 15)
MONTH_END = dt.date(2018, 3, 31)
FEATURES = ("run", "--select", "+customer_features_monthly")
# An amount that no computation gives: where it is still there, the row was left alone.
MARK = "987654321.00"


def one_new_day(tables: Tables) -> Tables:
    return cut_at(read_tables(SAMPLE), TONIGHT)


def a_delivery_told_late(tables: Tables) -> Tables:
    orders = tables["olist_orders_dataset"].copy()
    purchased = orders["order_purchase_timestamp"]
    waiting = orders.index[
        (purchased > pd.Timestamp("2018-02-01"))
        & (purchased < pd.Timestamp("2018-03-01"))
        & orders["order_delivered_customer_date"].isna()
        & (orders["order_status"] == "shipped")
    ]
    orders.loc[waiting[0], "order_delivered_customer_date"] = pd.Timestamp(MONTH_END) + pd.Timedelta(hours=9)
    return tables | {"olist_orders_dataset": orders}


def an_order_canceled_afterwards(tables: Tables) -> Tables:
    orders = tables["olist_orders_dataset"].copy()
    in_march = orders.index[
        (orders["order_purchase_timestamp"].dt.strftime("%Y-%m") == "2018-03") & (orders["order_status"] == "delivered")
    ]
    orders.loc[in_march[0], "order_status"] = "canceled"
    return tables | {"olist_orders_dataset": orders}


def nothing(tables: Tables) -> Tables:
    return tables


@pytest.fixture(scope="module")
def last_night() -> Tables:
    return cut_at(read_tables(SAMPLE), LAST_NIGHT)


@pytest.fixture(scope="module")
def built(last_night: Tables, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse as of last night in which every date carries a mark."""
    home = tmp_path_factory.mktemp("last_night")
    warehouse = Warehouse(home)
    warehouse.dbt(*FEATURES, data=write_tables(last_night, home / "data"))
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute(
            f"update customer_features_monthly set total_spend = {MARK} where rowid in "
            "(select min(rowid) from customer_features_monthly group by as_of_date)"
        )
    return warehouse.path


def copy_of(built: Path, home: Path) -> Warehouse:
    warehouse = Warehouse(home)
    home.mkdir()
    warehouse.path.write_bytes(built.read_bytes())
    return warehouse


@pytest.mark.parametrize(
    ("change", "kept_before"),
    slow_after(
        1,
        [
            (one_new_day, LAST_NIGHT),
            (an_order_canceled_afterwards, MONTH_END),
            (nothing, None),
            (a_delivery_told_late, MONTH_END),
        ],
    ),
)
def test_only_dates_from_the_change_on_are_computed_again(
    change: Callable[[Tables], Tables], kept_before: dt.date | None, built: Path, last_night: Tables, tmp_path: Path
) -> None:
    data = write_tables(change(last_night), tmp_path / "data")
    nightly = copy_of(built, tmp_path / "nightly")
    nightly.dbt(*FEATURES, data=data)
    fresh = Warehouse(tmp_path / "fresh")
    fresh.dbt(*FEATURES, data=data)

    query = "from customer_features_monthly"
    rows, expected = nightly.query(query), fresh.query(query)
    marked = rows["total_spend"].astype(float) == float(MARK)
    kept = rows["as_of_date"].dt.date < (kept_before or dt.date.max)
    assert marked.sum() == rows.loc[kept, "as_of_date"].nunique() > 10
    assert kept[marked].all()
    # Order of rows included: last night's newest date is gone and the rest follows.
    columns = [column for column in expected.columns if column != "total_spend"]
    pd.testing.assert_frame_equal(rows[columns], expected[columns], check_exact=True)
    pd.testing.assert_frame_equal(rows[~marked], expected[~marked], check_exact=True)


def test_a_review_answered_late_is_known_from_then_on(last_night: Tables, built: Path, tmp_path: Path) -> None:
    """A review that was never there comes in tonight's files with an answer of the end of March."""
    reviews = last_night["olist_order_reviews_dataset"]
    orders = last_night["olist_orders_dataset"]
    early = orders.loc[orders["order_purchase_timestamp"] < pd.Timestamp("2018-02-01"), "order_id"]
    late = (
        reviews[reviews["order_id"].isin(early)]
        .head(1)
        .assign(
            review_id="late", review_score=1, review_answer_timestamp=pd.Timestamp(MONTH_END) + pd.Timedelta(hours=12)
        )
    )
    data = write_tables(last_night | {"olist_order_reviews_dataset": pd.concat([reviews, late])}, tmp_path / "data")
    nightly = copy_of(built, tmp_path / "nightly")
    nightly.dbt(*FEATURES, data=data)
    marked = nightly.query(f"select as_of_date from customer_features_monthly where total_spend = {MARK}")
    assert marked["as_of_date"].max().date() == dt.date(2018, 2, 28)
    counts = nightly.query(
        "select as_of_date, sum(review_count)::int as reviews from customer_features_monthly group by 1"
    )
    with duckdb.connect(str(built), read_only=True) as connection:
        before = connection.sql(
            "select as_of_date, sum(review_count)::int as reviews from customer_features_monthly group by 1"
        ).df()
    more = counts.merge(before, on="as_of_date", suffixes=("", "_before"))
    assert ((more["reviews"] - more["reviews_before"]) == (more["as_of_date"].dt.date >= MONTH_END)).all()


@pytest.mark.slow
def test_a_table_without_digests_is_built_anew(last_night: Tables, built: Path, tmp_path: Path) -> None:
    """A warehouse of a release that knew no digests."""
    warehouse = copy_of(built, tmp_path / "old")
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("alter table customer_features_monthly drop column inputs_digest")
        connection.execute("drop table build_log.dates_built")
    warehouse.dbt(*FEATURES, data=write_tables(last_night, tmp_path / "data"))
    rows = warehouse.query("from customer_features_monthly")
    assert not (rows["total_spend"].astype(float) == float(MARK)).any()
    assert rows["inputs_digest"].notna().all()
