"""What the report says has changed since the publish before: differences of the two, and nothing where there is one."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from campaigns_told import FINDING, FINISHED, make_up
from olist_segments.report import charts
from olist_segments.report.command import report
from olist_segments.serving.folder import database_before
from olist_segments.serving.publish import publish
from reports import HOSTILE, Page, Tables
from warehouses import Warehouse


@pytest.fixture(autouse=True)
def without_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The section has no chart, and the charts of the others take most of a page's time."""
    monkeypatch.setattr(charts, "render", lambda name, chart, alternative: ["<svg></svg>"])


@pytest.fixture
def tables(built: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tables:
    return Tables.read_alone(built, tmp_path, monkeypatch)


def published_before(tables: Tables, *statements: str) -> Path:
    """A publish before with the tables as they are now, changed by the statements."""
    build = tables.serving / ".builds" / "20200101T000000.000000Z"
    build.mkdir(parents=True)
    file = build / "segments.duckdb"
    shutil.copy(tables.path, file)
    with duckdb.connect(str(file)) as connection:
        for statement in statements:
            connection.execute(statement)
    return file


def told(html: str) -> str:
    found = re.search(r'<section id="changes".*?</section>', html, flags=re.S)
    assert found is not None
    return Page(found.group(0)).text()


def test_customers_and_revenue_are_compared_by_kind_and_stage(tables: Tables) -> None:
    found: list[Any] = list(
        tables.query(
            "select segment_key, segment_name, customer_count from segment_profiles order by customer_count desc"
        )
    )
    key, name, customers = found[0]
    published_before(
        tables,
        f"update segment_profiles set customer_count = customer_count - 100, total_spend = total_spend - 5000 "
        f"where segment_key = '{key}'",
        "update segment_profiles set as_of_date = as_of_date - 31",
        "update segment_lifecycle_profiles set customer_count = customer_count + 7 "
        "where stage_key = 'lapsed' and segment_key = "
        "(select min(segment_key) from segment_lifecycle_profiles where stage_key = 'lapsed')",
    )
    html = tables.page()
    words = told(html)
    ((total,),) = tables.query("select sum(customer_count) from segment_profiles")
    assert "which knew orders until 31 July 2018, there are 100 more customers and BRL 5,000 more revenue" in words
    assert f"{total:,} customers" in words
    gained = f"{name} gained the most customers, 100 ({customers:,} now); {name} gained the most revenue, BRL 5,000."
    assert gained in words
    assert re.search(r"Lapsed lost the most customers, 7 \([\d,]+ now\)\.", words)
    assert f"{customers - 100:,} {customers:,} +100" in words
    assert "−7" in words
    # It is the first thing to read.
    assert html.index('id="changes"') < html.index('id="segments"')
    assert '<a href="#changes">What changed</a>' in html


def test_what_is_the_same_is_told_as_the_same(tables: Tables) -> None:
    published_before(tables)
    words = told(tables.page())
    assert "of the same day, 31 August 2018, there are as many customers and as much revenue" in words
    assert "The maintenance contract is unchanged" in words
    assert "then and now" not in words
    for absent in ("New in the data", "is known", "are known", "are over since", "fitted again"):
        assert absent not in words


def test_refit_contract_forecasts_campaigns_and_findings_are_told(tables: Tables) -> None:
    make_up(tables.path)
    tables.change(
        "update maintenance_contract set is_broken_today = false, refit_interval_days = 308, "
        "is_interval_at_least = true, due_date = date '2019-07-05'",
        "update data_quality set affected_rows = 12, is_unexpected = true where rule_name = 'duplicate_key' "
        "and table_name = 'stg_olist__orders'",
    )
    ((judged,),) = tables.query("select count(*) from forecast_drift_monthly where actual_orders is not null")
    assert judged
    published_before(
        tables,
        "update segment_versions set model_version = 0 where is_in_force",
        "update maintenance_contract set refit_interval_days = 30, is_interval_at_least = false",
        "delete from forecast_drift_monthly where as_of_date = (select max(as_of_date) from forecast_drift_monthly)",
        "update campaigns set is_complete = false",
        "update data_quality set affected_rows = 4 where rule_name = 'duplicate_key' "
        "and table_name = 'stg_olist__orders'",
    )
    words = told(tables.page())
    assert "model version 1 took the place of version 0" in words
    assert "is for at least 308 days between fits instead of 30 days; the next refit is due on 5 July 2019" in words
    ((expected, actual),) = tables.query(
        "select expected_orders, actual_orders from forecast_drift_monthly order by as_of_date desc limit 1"
    )
    assert "The outcome of one more forecast is known." in words
    assert f"{expected:,.0f} orders expected, {actual:,} came" in words
    assert f"Campaigns that are over since: {FINISHED} (31 March 2018 to 29 June 2018): {FINDING}" in words
    assert "12 rows of stg_olist__orders, 4 then, with a row whose key another row has" in words


def test_a_contract_that_broke_and_one_that_was_mended(tables: Tables) -> None:
    tables.change("update maintenance_contract set is_broken_today = true")
    before = published_before(tables, "update maintenance_contract set is_broken_today = false")
    assert "The maintenance contract now asks for a refit." in told(tables.page())
    with duckdb.connect(str(before)) as connection:
        connection.execute("update maintenance_contract set is_broken_today = true")
    assert "The maintenance contract still asks for a refit." in told(tables.page())
    tables.change("update maintenance_contract set is_broken_today = false")
    assert "The maintenance contract holds again." in told(tables.page())


def test_kinds_that_came_and_went_are_named_and_names_are_only_text(tables: Tables) -> None:
    quoted = HOSTILE.replace("'", "''")
    published_before(
        tables,
        f"update segment_profiles set segment_key = 'gone', segment_name = '{quoted}' "
        "where segment_key = (select min(segment_key) from segment_profiles)",
    )
    html = tables.page()
    assert f"No longer there: {' '.join(HOSTILE.split())}." in told(html)
    assert "New: " in told(html)
    assert "<script>alert(1)</script>" not in html


def test_without_a_publish_before_nothing_is_compared(tables: Tables) -> None:
    assert 'id="changes"' not in tables.page()


@pytest.mark.parametrize(
    "statement", ["drop table forecast_drift_monthly", "alter table maintenance_contract drop due_date"]
)
def test_a_publish_before_of_a_release_that_knew_less_is_not_compared(tables: Tables, statement: str) -> None:
    published_before(tables, statement)
    assert 'id="changes"' not in tables.page()


def test_a_publish_before_that_cannot_be_read_is_not_compared(tables: Tables) -> None:
    published_before(tables).write_bytes(b"not a database")
    assert 'id="changes"' not in tables.page()


@pytest.mark.slow
def test_the_warehouse_is_compared_with_what_is_published(
    built: Warehouse, tables: Tables, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OLIST_WAREHOUSE", str(built.path))
    tables.change("update segment_profiles set customer_count = customer_count + 1")
    report(tmp_path / "of_warehouse.html", "warehouse")
    ((kinds,),) = tables.query("select count(*) from segment_profiles")
    words = told((tmp_path / "of_warehouse.html").read_text(encoding="utf-8"))
    assert f"there are {kinds} fewer customers and as much revenue" in words


def test_the_publish_before_is_the_newest_that_is_still_whole(built: Warehouse, tmp_path: Path) -> None:
    folder = tmp_path / "serving"
    publish(folder, built.path)
    assert database_before(folder) is None
    first = (folder / "current").resolve()
    publish(folder, built.path)
    assert database_before(folder) == folder / ".builds" / first.name / "segments.duckdb"
