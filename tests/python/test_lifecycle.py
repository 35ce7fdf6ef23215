"""Stages of life: boundaries that another computation finds and that stay with their version; claims of a return."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from marketplaces import Tables, read_tables, write_tables
from nights import REFIT, SETTINGS, WHOLE, Nights, copy_of
from olist_segments.serving.publish import publish
from warehouses import Warehouse

BOUNDARIES = "from fit_lifecycle_boundaries order by model_version, boundary_number"
SHARES = (0.25, 0.5, 0.8)
YEAR = 365
FROM_THE_CURVE = {"lifecycle_min_returns": 1}
# What a version is made of, from tables that a build left, and the boundaries of its stages.
FITS = ("fit_segment_candidates", "fit_segment_model", "segment_versions")
OF_BOUNDARIES = ("fit_lifecycle_boundaries", "lifecycle_boundaries")
# What is published of versions: by the first release, and by later ones as well.
VERSIONS = (
    *("segment_candidates", "segment_model", "segment_labels"),
    *("lifecycle_boundaries", "segment_refits", "forecast_candidates", "forecast_model"),
)
CLAIMS_A_RETURN = re.compile("repeat|returned|came_back|again|return_count")


def kaplan_meier(days: np.ndarray, is_return: np.ndarray) -> dict[int, float]:
    """The share that has returned by each day on which somebody did, day by day and with nothing but multiplication."""
    still_waiting, returned = 1.0, {}
    for day in range(1, int(days.max()) + 1):
        ended = int((is_return & (days == day)).sum())
        if ended:
            still_waiting *= 1 - ended / int((days >= day).sum())
            returned[day] = 1 - still_waiting
    return returned


def boundaries_by_hand(purchases: pd.DataFrame, as_of: pd.Timestamp) -> list[int]:
    visits = purchases[purchases["purchase_date"] <= as_of].drop_duplicates().sort_values(list(purchases.columns))
    following = visits.groupby("customer_unique_id")["purchase_date"].shift(-1)
    waits = (following.fillna(as_of) - visits["purchase_date"]).dt.days.to_numpy()
    returned = kaplan_meier(waits, following.notna().to_numpy())
    within_a_year = {day: share for day, share in returned.items() if day <= YEAR}
    total = max(within_a_year.values())
    return [min(day for day, share in within_a_year.items() if share >= wanted * total - 1e-12) for wanted in SHARES]


def test_boundaries_are_those_of_the_return_curve(built: Warehouse) -> None:
    computed = built.query(BOUNDARIES)
    purchases = built.query("select customer_unique_id, purchase_date from purchases")
    expected = boundaries_by_hand(purchases, computed["data_as_of"].iloc[0])
    assert computed["days"].tolist() == expected
    assert expected[0] < expected[1] < expected[2] <= YEAR
    assert computed["return_count"].unique().tolist() == [95]
    assert computed["boundary_source"].unique().tolist() == ["return curve"]

    stages = built.query(
        "select stage_key, recency_days, purchase_day_count from lifecycle_stages_monthly "
        "inner join customer_features_monthly using (customer_unique_id, as_of_date)"
    )
    number = np.searchsorted(expected, stages["recency_days"], side="left")
    first = np.where(stages["purchase_day_count"] > 1, "active", "new")
    by_hand = np.where(number == 0, first, np.array(["", "cooling", "dormant", "lapsed"])[number])
    assert (stages["stage_key"] == by_hand).all()
    assert set(by_hand) == {"new", "active", "cooling", "dormant", "lapsed"}


@pytest.mark.slow
def test_a_build_says_that_it_has_seen_too_few_returns(built: Warehouse, built_tonight: Warehouse) -> None:
    assert built.query("select count(*) from build_warnings where warning_name = 'stages_by_default'").iloc[0, 0] == 0
    visits = built_tonight.query("select distinct customer_unique_id, purchase_date from purchases")
    returns = len(visits) - visits["customer_unique_id"].nunique()
    assert 1 < returns < 50
    told = built_tonight.query("select sentence from build_warnings where warning_name = 'stages_by_default'")
    assert told["sentence"].tolist() == [
        f"Only {returns} returns have been seen: the stages of life use the default boundaries of 60, 180 and 365 "
        "days. Set lifecycle_days to your own."
    ]


@pytest.mark.slow
def test_boundaries_stay_with_their_version(built_last_night: Warehouse, nights: Nights, tmp_path: Path) -> None:
    warehouse = copy_of(built_last_night, tmp_path / "copy")
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("drop table fit_lifecycle_boundaries")
    warehouse.build(nights.last, "--select", *OF_BOUNDARIES, variables=SETTINGS | FROM_THE_CURVE)
    last_night = warehouse.query(BOUNDARIES)
    assert last_night["model_version"].tolist() == [1, 1, 1]
    assert last_night["boundary_source"].unique().tolist() == ["return curve"]

    everything = ("--select", "+lifecycle_boundaries")
    warehouse.build(nights.tonight, *everything, variables=SETTINGS | FROM_THE_CURVE)
    pd.testing.assert_frame_equal(warehouse.query(BOUNDARIES), last_night)
    # Other shares: only what a new version learns is another.
    shares = {"lifecycle_return_shares": [0.1, 0.2, 0.3]}
    fitted = ("--select", "segment_fit_input", *FITS, *OF_BOUNDARIES)
    warehouse.build(nights.tonight, *fitted, "--full-refresh", variables=REFIT | FROM_THE_CURVE | shares)
    both = warehouse.query(BOUNDARIES)
    pd.testing.assert_frame_equal(both[both["model_version"] == 1], last_night)
    tonight = both[both["model_version"] == 2]
    assert tonight["return_share"].tolist() == [0.1, 0.2, 0.3]
    assert tonight["data_as_of"].iloc[0] > last_night["data_as_of"].iloc[0]
    assert tonight["days"].iloc[2] < last_night["days"].iloc[2]
    assert warehouse.query("from lifecycle_boundaries").groupby("model_version").size().tolist() == [5, 5]


def without_versions(warehouse: Warehouse, home: Path) -> Warehouse:
    """A copy without the tables that fits append to; it is published where the warehouse is."""
    home.mkdir()
    copy = Warehouse(home, warehouse.serving)
    shutil.copy(warehouse.path, copy.path)
    with duckdb.connect(str(copy.path)) as connection:
        for table in VERSIONS:
            connection.execute(f"drop table fit_{table}")
    return copy


@pytest.mark.slow
def test_published_boundaries_are_taken_back(built_tonight: Warehouse, nights: Nights, tmp_path: Path) -> None:
    warehouse = copy_of(built_tonight, tmp_path / "copy")
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("update fit_lifecycle_boundaries set days = days + 7")
    publish(warehouse.serving, warehouse.path)
    published = warehouse.query(BOUNDARIES)
    computed = built_tonight.query(BOUNDARIES)
    assert (published["days"] == computed["days"] + 7).all()

    again = without_versions(warehouse, tmp_path / "again")
    output = again.build(nights.tonight, "--select", *FITS, *OF_BOUNDARIES, variables=SETTINGS)
    assert "up to version 1, were taken back" in output
    pd.testing.assert_frame_equal(again.query(BOUNDARIES), published)

    # What an earlier release published has none: they are computed anew.
    manifest = warehouse.serving / "manifest.json"
    told = json.loads(manifest.read_text())
    del told["versions"]["fit_lifecycle_boundaries"]
    manifest.resolve().chmod(0o644)
    manifest.write_text(json.dumps(told))
    (warehouse.serving / "versions" / "fit_lifecycle_boundaries.parquet").unlink()
    anew = without_versions(warehouse, tmp_path / "anew")
    output = anew.build(nights.tonight, "--select", *FITS, *OF_BOUNDARIES, variables=SETTINGS)
    assert "up to version 1, were taken back" in output
    pd.testing.assert_frame_equal(anew.query(BOUNDARIES), computed)


@pytest.mark.slow
def test_a_warehouse_of_an_earlier_release_can_be_published(built_tonight: Warehouse, tmp_path: Path) -> None:
    warehouse = copy_of(built_tonight, tmp_path / "copy")
    with duckdb.connect(str(warehouse.path)) as connection:
        for table in VERSIONS[3:]:
            connection.execute(f"drop table fit_{table}")
    publish(warehouse.serving, warehouse.path)
    versions = json.loads((warehouse.serving / "manifest.json").read_text())["versions"]
    assert sorted(versions) == ["fit_segment_candidates", "fit_segment_labels", "fit_segment_model"]


def on_the_day_of_the_first_order(tables: Tables) -> Tables:
    """Every order, and all that happened to it, moved to the day of its customer's first order."""
    moved = {name: table.copy() for name, table in tables.items() if name != "planted_segments"}
    orders = moved["olist_orders_dataset"]
    customers = orders[["customer_id"]].merge(moved["olist_customers_dataset"], how="left")["customer_unique_id"]
    day = orders["order_purchase_timestamp"].dt.normalize()
    back = day - day.groupby(customers.to_numpy()).transform("min")
    for column in orders.select_dtypes("datetime").columns:
        orders[column] -= back
    reviews = moved["olist_order_reviews_dataset"]
    of_reviews = reviews["order_id"].map(dict(zip(orders["order_id"], back, strict=True)))
    for column in reviews.select_dtypes("datetime").columns:
        reviews[column] -= of_reviews
    return moved


@pytest.mark.slow
def test_where_nobody_came_back_no_column_says_that_somebody_did(nights: Nights, tmp_path: Path) -> None:
    tables = on_the_day_of_the_first_order(read_tables(nights.tonight))
    warehouse = Warehouse(tmp_path / "warehouse")
    warehouse.dbt(*WHOLE, data=write_tables(tables, tmp_path / "data"), variables=SETTINGS)
    publish(warehouse.serving, warehouse.path)
    with duckdb.connect(str(warehouse.serving / "segments.duckdb"), read_only=True) as served:
        assert (
            served.sql("select max(order_count), max(purchase_day_count) from customer_features").fetchall()[0][0] > 1
        )
        claims = [
            (table, column)
            for table, column in served.sql("select table_name, column_name from duckdb_columns()").fetchall()
            # The upper end of an interval around nobody is above 0.
            if CLAIMS_A_RETURN.search(column) and not column.endswith("_high")
        ]
        assert len(claims) >= 10
        told = {}
        for table, column in claims:
            rows = served.sql(
                f"select count(*) from {table} where abs(coalesce(cast({column} as double), 0)) > 1e-12"
            ).fetchall()
            if rows != [(0,)]:
                told[table, column] = rows[0][0]
        assert told == {}
        assert served.sql("select distinct frequency_score from rfm_segments_monthly").fetchall() == [(1,)]
        reasons = "select reason from lifecycle_moves_monthly union select reason from segment_migrations_monthly"
        assert not {"came_back", "bought_again"} & {reason for (reason,) in served.sql(reasons).fetchall()}
        stages = {
            stage for (stage,) in served.sql("select distinct stage_key from lifecycle_stages_monthly").fetchall()
        }
        assert stages == {"new", "cooling", "dormant", "lapsed"}
        names = served.sql("select segment_key, segment_name from segments").fetchall()
        assert not [name for pair in names for name in pair if re.search("repeat|loyal", name, re.IGNORECASE)]
