"""What a tool that only filters and groups may rely on in the served tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import duckdb
import pytest
from warehouses import Warehouse

# Outcomes are told of dates that have 90 days behind them: the newest of those is none of the newest dates.
OUTCOMES = {
    *("segment_outcomes", "outcomes_of_everybody", "segmentation_comparison"),
    *("forecast_drift_monthly", "forecast_candidates", "forecast_calibration"),
}
# Their dates are not as-of dates.
OTHER_DATES = {"acquisition_cohorts", "segment_ageing", "segment_ageing_segments"}
# Dated by the fit: a row per model version, of which segment_versions says which is in force.
OF_VERSIONS = {"segment_labels"}


@pytest.fixture(scope="module")
def tables(built: Warehouse) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(built.serving / "segments.duckdb"), read_only=True) as connection:
        yield connection


def with_column(tables: duckdb.DuckDBPyConnection, column: str) -> set[str]:
    found = tables.execute("select table_name from duckdb_columns() where column_name = ?", [column]).fetchall()
    return {name for (name,) in found}


def test_every_table_with_history_says_which_date_is_the_newest(tables: duckdb.DuckDBPyConnection) -> None:
    dated = with_column(tables, "as_of_date")
    history = {
        name for name in dated if tables.sql(f"select count(distinct as_of_date) > 1 from {name}").fetchall()[0][0]
    }
    assert len(history) >= 9
    assert with_column(tables, "is_newest") == (history - OF_VERSIONS) | OTHER_DATES
    newest = tables.sql("select max(as_of_date) from as_of_dates").fetchall()[0][0]
    followed = tables.sql(
        "select max(as_of_date) from as_of_dates where as_of_date + 90 <= (select max(as_of_date) from as_of_dates)"
    ).fetchall()[0][0]
    assert newest == dt.date(2018, 8, 31)
    assert followed == dt.date(2018, 5, 31)
    for name in sorted(history - OF_VERSIONS):
        flagged = tables.sql(f"select distinct as_of_date from {name} where is_newest").fetchall()
        assert flagged == [(followed if name in OUTCOMES else newest,)], name
        others = tables.sql(f"select distinct as_of_date from {name} where not is_newest").fetchall()
        assert others
        assert flagged[0] not in others, name
        assert tables.sql(f"select count(*) from {name} where is_newest is null").fetchall() == [(0,)], name


def test_the_newest_rows_of_history_are_the_tables_of_today(tables: duckdb.DuckDBPyConnection) -> None:
    for today, history, columns in (
        ("customer_features", "customer_features_monthly", "customer_unique_id, total_spend, recency_days"),
        ("customer_segments", "customer_segments_monthly", "customer_unique_id, segment_key, segment_probability"),
        ("customer_segments", "lifecycle_stages_monthly", "customer_unique_id, stage_key, stage_name"),
        ("rfm_segments", "rfm_segments_monthly", "customer_unique_id, rfm_segment_key, recency_score"),
        ("customer_forecasts", "customer_forecasts_monthly", "customer_unique_id, order_probability, expected_revenue"),
        ("segment_profiles", "segment_profiles_monthly", "segment_key, customer_count, is_dissatisfied, is_dormant"),
    ):
        newest = f"select {columns} from {history} where is_newest"
        assert tables.sql(f"select {columns} from {today} except all {newest}").fetchall() == []
        assert tables.sql(f"{newest} except all select {columns} from {today}").fetchall() == []


def test_a_segmentation_filtered_by_its_newest_date_adds_up_to_all_customers(tables: duckdb.DuckDBPyConnection) -> None:
    sums = tables.sql(
        "select segmentation, sum(customer_count), sum(next_spend) from segment_outcomes where is_newest "
        "group by 1 order by 1"
    ).fetchall()
    everybody = tables.sql("select customer_count, next_spend from outcomes_of_everybody where is_newest").fetchall()
    assert [row[0] for row in sums] == ["clusters", "clusters_by_stage", "rfm"]
    assert [row[1:] for row in sums] == everybody * 3


def test_a_move_is_told_by_names_as_well(tables: duckdb.DuckDBPyConnection) -> None:
    unnamed = tables.sql(
        "select count(*) from segment_migrations_monthly where from_segment_name is null or to_segment_name is null"
    ).fetchall()
    assert unnamed == [(0,)]
    assert tables.sql(
        "select distinct from_segment_name from segment_migrations_monthly where reason = 'entered'"
    ).fetchall() == [("Not yet a customer",)]
    assert tables.sql(
        "select distinct from_segment_name, to_segment_name from segment_migrations_monthly "
        "where is_move and to_is_dissatisfied and from_segment_key = 'satisfied_big_spenders'"
    ).fetchall() == [("Satisfied big spenders", "Dissatisfied customers")]
    assert tables.sql(
        "select from_stage_name, to_stage_name from lifecycle_moves_monthly "
        "where is_move and is_newest and from_stage_key = 'cooling' and to_stage_key = 'dormant'"
    ).fetchall() == [("Cooling", "Dormant")]


def test_the_dissatisfied_and_the_dormant_are_found_without_their_keys(tables: duckdb.DuckDBPyConnection) -> None:
    found = tables.sql("select segment_name, is_dissatisfied from segment_profiles where is_dissatisfied").fetchall()
    assert found == [("Dissatisfied customers", True)]
    # A kind is dormant where most of its members are; on this marketplace dormancy is a stage of every kind.
    differing = tables.sql(
        "select count(*) from segment_profiles where is_dormant is distinct from (median_recency_days > 270)"
    ).fetchall()
    assert differing == [(0,)]
    stages = tables.sql(
        "select segment_key from segment_lifecycle_profiles where stage_key = 'dormant' order by segment_key"
    ).fetchall()
    assert stages == tables.sql("select segment_key from segment_profiles order by segment_key").fetchall()


def test_an_old_name_says_the_new_one_and_holds_the_same(tables: duckdb.DuckDBPyConnection) -> None:
    old_names = tables.sql(
        "select table_name, column_name, regexp_extract(comment, 'Old name of `(\\w+)`', 1) from duckdb_columns() "
        "where comment like 'Old name of%' order by all"
    ).fetchall()
    assert len(old_names) >= 14
    for table, old, new in old_names:
        differing = tables.sql(f"select count(*) from {table} where {old} is distinct from {new}").fetchall()
        assert differing == [(0,)], (table, old, new)


@pytest.mark.parametrize(
    "table",
    [
        *("segment_outcomes", "outcomes_of_everybody", "segment_migrations_monthly", "lifecycle_moves_monthly"),
        "forecast_drift_monthly",
    ],
)
def test_comments_say_what_must_not_be_added_up(tables: duckdb.DuckDBPyConnection, table: str) -> None:
    comment = tables.execute("select comment from duckdb_tables() where table_name = ?", [table]).fetchall()[0][0]
    assert "added up" in comment
    counts = tables.execute(
        "select comment from duckdb_columns() where table_name = ? and column_name = 'customer_count'", [table]
    ).fetchall()[0][0]
    assert table == "outcomes_of_everybody" or "added up" in counts
