"""What MetricFlow answers is what the marts say, number by number; and every reader named as an exposure reads that."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import duckdb
import pandas as pd
import pytest
from dbt.contracts.graph.manifest import Manifest
from dbt_here import folder_of, locked
from warehouses import PROJECT, Warehouse

SEGMENTS = "customers,repeat_rate,review_score,segment_share,changed_segment"
# What is asked: the name of the answer, then what mf query is given.
QUESTIONS = {
    "segments_by_month": ["--saved-query", "segments_by_month"],
    "segments_today": ["--metrics", SEGMENTS, "--group-by", "segment,segment__segment_name"],
    "customers_by_year": ["--metrics", "customers,repeat_rate,changed_segment", "--group-by", "metric_time__year"],
    "sales_by_month": ["--saved-query", "sales_by_month"],
    "revenue_by_segment_today": ["--metrics", "revenue,average_order", "--group-by", "customer__segment_today"],
    "stages_by_month": [
        *("--metrics", "customers,repeat_rate", "--group-by", "metric_time__month,customer_snapshot__stage_key"),
    ],
    "revenue_by_stage_today": ["--metrics", "revenue", "--group-by", "customer__stage_today"],
    "gone_dormant_by_month": ["--metrics", "gone_dormant", "--group-by", "metric_time__month"],
    "expected_by_month": [
        *("--metrics", "expected_orders_90_days,expected_revenue_90_days", "--group-by", "metric_time__month"),
    ],
    "expected_by_stage_today": ["--metrics", "expected_revenue_90_days", "--group-by", "customer__stage_today"],
    "growth_by_month": ["--metrics", "revenue_growth", "--group-by", "metric_time__month"],
    "active_by_day": [
        *("--metrics", "active_customers_90_days", "--group-by", "metric_time__day"),
        *("--start-time", "2018-03-01", "--end-time", "2018-03-31"),
    ],
}
# The command mf for several lists of arguments in one process, as most of its time goes into starting.
MF = """
import json, sys
from dbt_metricflow.cli.main import cli
for arguments in json.loads(sys.argv[1]):
    cli.main(arguments, prog_name="mf", standalone_mode=False)
"""


@pytest.fixture(scope="module")
def answers(manifest: Manifest, built: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    """The answers of `mf query` to QUESTIONS, each by its name."""
    home = tmp_path_factory.mktemp("metricflow")
    # All that MetricFlow reads of a project: its two files, and what dbt wrote into target/.
    for name in ("dbt_project.yml", "profiles.yml"):
        (home / name).symlink_to(PROJECT / name)
    (home / "target").mkdir()
    with locked(folder_of() / "lock"):
        shutil.copy(folder_of() / "semantic_manifest.json", home / "target")
    environment = built.environment | {"DBT_LOG_PATH": str(home / "logs"), "DBT_PROFILES_DIR": str(home)}

    arguments = [["query", "--quiet", *asked, "--csv", str(home / name)] for name, asked in QUESTIONS.items()]
    command = [sys.executable, "-c", MF, json.dumps(arguments)]
    result = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    found = {name: pd.read_csv(home / name) for name in QUESTIONS}
    for answer in found.values():
        times = [column for column in answer.columns if column.startswith("metric_time__")]
        answer[times] = answer[times].apply(pd.to_datetime)
    return found


def equal(answer: pd.DataFrame, warehouse: Warehouse, sql: str) -> pd.DataFrame:
    """Hold the answer against what SQL on the marts gives, rows in any order; the rows in one order."""
    expected = warehouse.query(sql)
    keys = [str(name) for name, column in expected.items() if not pd.api.types.is_numeric_dtype(column)]
    one, other = (side[list(expected.columns)].sort_values(keys).reset_index(drop=True) for side in (answer, expected))
    assert len(expected) > 1
    pd.testing.assert_frame_equal(one, other, check_dtype=False, check_exact=False, rtol=1e-9, atol=1e-9)
    return one


def test_segments_of_each_month_are_those_of_the_profiles(answers: dict[str, pd.DataFrame], built: Warehouse) -> None:
    months = """
        select
            date_trunc('month', as_of_date)::timestamp as metric_time__month, segment_key as segment,
            segment_profiles_monthly.customer_count as customers, customer_share as segment_share,
            repeat_buyer_share as repeat_rate, avg_review_score as review_score,
            coalesce(moves.customer_count, 0) as changed_segment
        from segment_profiles_monthly
        left join (
            select as_of_date, from_segment_key as segment_key, sum(customer_count) as customer_count
            from segment_migrations_monthly
            where is_move
            group by all
        ) as moves using (as_of_date, segment_key)
    """
    equal(answers["segments_by_month"], built, months)
    assert answers["segments_by_month"]["changed_segment"].sum() > 0


def test_without_a_date_the_newest_snapshot_answers_and_moves_add_up(
    answers: dict[str, pd.DataFrame], built: Warehouse
) -> None:
    today = """
        select
            segment_key as segment, segment_name as segment__segment_name, customer_count as customers,
            customer_share as segment_share, repeat_buyer_share as repeat_rate, avg_review_score as review_score,
            coalesce(
                (
                    select sum(customer_count) from segment_migrations_monthly
                    where
                        is_move
                        and from_segment_key = segment_profiles.segment_key
                ), 0
            ) as changed_segment
        from segment_profiles
    """
    shares = equal(answers["segments_today"], built, today)["segment_share"]
    assert shares.sum() == pytest.approx(1)


def test_a_year_shows_its_last_snapshot_and_never_the_sum_of_its_months(
    answers: dict[str, pd.DataFrame], built: Warehouse
) -> None:
    years = """
        select
            date_trunc('year', as_of_date)::timestamp as metric_time__year,
            count(*) filter (as_of_date = last_date) as customers,
            count(*) filter (as_of_date = last_date and purchase_day_count > 1) / customers as repeat_rate,
            max(changed) as changed_segment
        from customer_features_monthly
        inner join (
            select year(as_of_date) as calendar_year, max(as_of_date) as last_date from as_of_dates group by 1
        ) on year(as_of_date) = calendar_year
        left join (
            select year(as_of_date) as calendar_year, sum(customer_count) as changed
            from segment_migrations_monthly
            where is_move
            group by 1
        ) as moves using (calendar_year)
        group by 1
    """
    equal(answers["customers_by_year"], built, years)


def test_sales_are_those_of_valid_purchases(answers: dict[str, pd.DataFrame], built: Warehouse) -> None:
    months = """
        select
            date_trunc('month', purchase_date)::timestamp as metric_time__month,
            count(*) filter (is_valid_purchase) as purchases,
            coalesce(sum(order_total) filter (is_valid_purchase), 0)::double as revenue,
            count(distinct customer_unique_id) filter (is_valid_purchase) as active_customers,
            revenue / nullif(purchases, 0) as average_order
        from orders group by 1
    """
    sales = equal(answers["sales_by_month"].rename(columns={"orders": "purchases"}), built, months)
    of_persons = built.query("select sum(total_spend)::double as total from customers")["total"].iloc[0]
    of_nobody = built.query(
        "select coalesce(sum(order_total), 0)::double as total from orders "
        "where is_valid_purchase and customer_unique_id is null"
    )["total"].iloc[0]
    assert sales["revenue"].sum() == pytest.approx(of_persons + of_nobody)
    growth = answers["growth_by_month"].set_index("metric_time__month")["revenue_growth"].dropna()
    revenue = sales.set_index("metric_time__month")["revenue"]
    before = {month: revenue.get(month - pd.DateOffset(months=1)) for month in growth.index}
    assert len(growth) > 10
    for month in growth.index:
        assert growth[month] == pytest.approx(revenue[month] / before[month] - 1)


def test_revenue_by_segment_is_that_of_todays_members(answers: dict[str, pd.DataFrame], built: Warehouse) -> None:
    segments = """
        select
            segment_key as customer__segment_today,
            coalesce(sum(order_total) filter (is_valid_purchase), 0)::double as revenue,
            revenue / nullif(count(*) filter (is_valid_purchase), 0) as average_order
        from orders left join customer_segments using (customer_unique_id) group by 1
    """
    equal(answers["revenue_by_segment_today"], built, segments)


def test_customers_by_stage_are_those_of_each_date(answers: dict[str, pd.DataFrame], built: Warehouse) -> None:
    stages = """
        select
            date_trunc('month', as_of_date)::timestamp as metric_time__month, stage_key as customer_snapshot__stage_key,
            count(*) as customers, count(*) filter (purchase_day_count > 1) / count(*) as repeat_rate
        from customer_months group by all
    """
    equal(answers["stages_by_month"], built, stages)
    today = """
        select
            stage_key as customer__stage_today,
            coalesce(sum(order_total) filter (is_valid_purchase), 0)::double as revenue
        from orders left join customer_segments using (customer_unique_id) group by 1
    """
    equal(answers["revenue_by_stage_today"], built, today)


def test_customers_gone_dormant_are_the_moves_into_the_last_two_stages(
    answers: dict[str, pd.DataFrame], built: Warehouse
) -> None:
    months = """
        select
            date_trunc('month', as_of_date)::timestamp as metric_time__month,
            sum(customer_count) filter (
                from_stage_key in ('new', 'active', 'cooling') and to_stage_key in ('dormant', 'lapsed')
            ) as gone_dormant
        from lifecycle_moves_monthly group by 1 having gone_dormant > 0
    """
    by_month = answers["gone_dormant_by_month"].query("gone_dormant > 0")
    assert equal(by_month, built, months)["gone_dormant"].sum() > 100


def test_what_is_expected_is_the_sum_of_the_forecasts_of_one_date(
    answers: dict[str, pd.DataFrame], built: Warehouse
) -> None:
    months = """
        select
            date_trunc('month', as_of_date)::timestamp as metric_time__month,
            sum(expected_orders)::double as expected_orders_90_days,
            sum(expected_revenue)::double as expected_revenue_90_days
        from customer_forecasts_monthly
        where expected_orders is not null
        group by 1
    """
    answers["expected_by_month"] = answers["expected_by_month"].dropna()
    equal(answers["expected_by_month"], built, months)
    stages = """
        select stage_key as customer__stage_today, sum(expected_revenue)::double as expected_revenue_90_days
        from segment_forecasts
        group by 1
    """
    equal(answers["expected_by_stage_today"], built, stages)


def test_active_customers_of_90_days_are_counted_once(answers: dict[str, pd.DataFrame], built: Warehouse) -> None:
    days = """
        select date_day::timestamp as metric_time__day, count(distinct customer_unique_id) as active_customers_90_days
        from calendar_days
        inner join orders on is_valid_purchase and purchase_date > date_day - 90 and purchase_date <= date_day
        where date_day between '2018-03-01' and '2018-03-31' group by 1
    """
    assert len(equal(answers["active_by_day"], built, days)) == 31


def test_exposures_name_exactly_the_tables_that_are_read(manifest: Manifest, built: Warehouse) -> None:
    exposures = {exposure.name: exposure for exposure in manifest.exposures.values()}
    read = {
        name: {node.rsplit(".", 1)[-1] for node in exposure.depends_on.nodes} for name, exposure in exposures.items()
    }
    served = set(json.loads((built.serving / "manifest.json").read_text())["tables"])
    assert read["serving_database"] == served
    assert read["serving_parquet"] == served
    queries = [path.read_text() for path in (PROJECT / "python/olist_segments/report/queries").glob("*.sql")]
    assert queries
    with duckdb.connect(str(built.path), read_only=True) as connection:
        assert read["segmentation_report"] == {name for sql in queries for name in connection.get_table_names(sql)}
    assert all(tables <= served for tables in read.values())
    for exposure in exposures.values():
        assert exposure.maturity in ("high", "medium", "low")
        assert exposure.owner.name
        assert str(exposure.owner.email).endswith("@example.org")
