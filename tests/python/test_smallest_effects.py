"""The smallest effects that a campaign can show: by another formula, by drawing lots, and as tables and report say."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest
from dbt_here import PROJECT
from jinja2 import Environment
from olist_segments.report.figures import can_show
from olist_segments.shop import Shop
from scipy.optimize import brentq
from scipy.stats import norm
from warehouses import Warehouse

MACROS = (PROJECT / "macros" / "sql" / "smallest_detectable.sql").read_text()
SIGNIFICANCE, POWER = 0.05, 0.8
DRAWS = 20_000


def by_macro(macro: str, *arguments: object) -> float:
    """What DuckDB makes of the macro."""
    module = Environment(autoescape=False).from_string(MACROS).module
    sql = getattr(module, macro)(*map(str, arguments))
    return float(duckdb.execute(f"select {sql}").fetchall()[0][0])


def power_of(effect: float) -> float:
    """How often a two-sided test finds an effect of so many standard errors, the wrong side included."""
    critical = norm.isf(SIGNIFICANCE / 2)
    return float(norm.sf(critical - effect) + norm.cdf(-critical - effect))


def smallest_rate(base: float, count: float, other: float) -> float:
    """As statsmodels solves it: the rate whose Cohen's h has the power, searched for."""

    def missing(rate: float) -> float:
        h = 2 * np.arcsin(np.sqrt(rate)) - 2 * np.arcsin(np.sqrt(base))
        return power_of(h * np.sqrt(count * other / (count + other))) - POWER

    return float(brentq(missing, base, 1, xtol=1e-12)) if missing(1) > 0 else 1.0


@pytest.mark.parametrize("base", [0, 0.0005, 0.01, 0.2, 0.9])
@pytest.mark.parametrize(("count", "other"), [(27, 3), (900, 100), (40_000, 45_000)])
def test_a_rate_is_that_of_a_search_for_its_power(base: float, count: int, other: int) -> None:
    found = by_macro("smallest_detectable_rate", base, count, other)
    assert found == pytest.approx(smallest_rate(base, count, other), rel=2e-5)
    assert base < found <= 1


def test_a_fifth_more_than_one_percent_needs_some_43000_customers_in_each_group() -> None:
    assert by_macro("smallest_detectable_rate", 0.01, 42_000, 42_000) > 0.012
    assert by_macro("smallest_detectable_rate", 0.01, 43_500, 43_500) < 0.012


def test_nothing_is_beyond_everybody() -> None:
    assert by_macro("smallest_detectable_rate", 0.5, 2, 1) == 1
    assert by_macro("smallest_detectable_rate", 1, 900, 100) == 1


def test_a_rate_is_found_in_four_of_five_campaigns() -> None:
    """Lots are drawn for both groups, and compared as people compare shares: the pooled test of two proportions."""
    rng = np.random.default_rng(1)
    base, count, other = 0.05, 18_000, 2_000
    rate = by_macro("smallest_detectable_rate", base, count, other)
    treated, held_back = rng.binomial(count, rate, DRAWS) / count, rng.binomial(other, base, DRAWS) / other
    pooled = (treated * count + held_back * other) / (count + other)
    z = (treated - held_back) / np.sqrt(pooled * (1 - pooled) * (1 / count + 1 / other))
    assert (np.abs(z) > norm.isf(SIGNIFICANCE / 2)).mean() == pytest.approx(POWER, abs=0.03)


def test_a_difference_of_means_is_found_in_four_of_five_campaigns() -> None:
    """Nine in ten spend nothing, the others as an exponential distribution says; compared by Student's test."""
    rng = np.random.default_rng(2)
    count, other, draws = 3_600, 400, 3_000
    share, mean = 0.1, 100.0
    deviation = np.sqrt(share * 2 * mean**2 - (share * mean) ** 2)
    difference = by_macro("smallest_detectable_mean_difference", deviation, count, other)

    def means(size: int) -> tuple[np.ndarray, np.ndarray]:
        spend = np.where(rng.random((draws, size)) < share, rng.exponential(mean, (draws, size)), 0)
        return spend.mean(axis=1), spend.var(axis=1, ddof=1)

    (treated, of_treated), (held_back, of_held_back) = means(count), means(other)
    pooled = ((count - 1) * of_treated + (other - 1) * of_held_back) / (count + other - 2)
    z = (treated + difference - held_back) / np.sqrt(pooled * (1 / count + 1 / other))
    assert (np.abs(z) > norm.isf(SIGNIFICANCE / 2)).mean() == pytest.approx(POWER, abs=0.03)


@pytest.mark.parametrize(
    ("table", "segmentation", "key"),
    [
        ("segment_profiles", "clusters", "profiles.segment_key"),
        ("segment_lifecycle_profiles", "clusters_by_stage", "profiles.segment_key || ':' || profiles.stage_key"),
    ],
)
def test_the_tables_say_what_a_tenth_held_back_can_show(
    built: Warehouse, table: str, segmentation: str, key: str
) -> None:
    rows = built.query(f"from {table} as profiles where smallest_detectable_share is not null")
    assert len(rows) >= 3
    assert (rows["customer_count"] >= 30).all()
    for _, row in rows.iterrows():
        held_back = row.customer_count * 0.1
        expected = smallest_rate(row.ordered_again_share, row.customer_count - held_back, held_back)
        assert row.smallest_detectable_share == pytest.approx(expected, rel=2e-5)
        assert row.is_doubling_detectable == (expected <= 2 * row.ordered_again_share)
    # The spend of everybody who was followed, zeros included.
    grouping = "segment_key" if segmentation == "clusters" else "segment_key || ':' || stage_key"
    spends = built.query(
        f"select {grouping} as group_key, stddev_samp(coalesce(next_spend, 0)) as deviation from customer_months "
        "inner join outcome_dates as dates using (as_of_date) left join next_purchases using "
        "(as_of_date, customer_unique_id) where dates.is_newest group by 1"
    ).set_index("group_key")["deviation"]
    told = built.query(
        f"select {key} as group_key, customer_count, smallest_detectable_spend_difference as difference "
        f"from {table} as profiles where smallest_detectable_share is not null"
    )
    for _, row in told.iterrows():
        errors = np.sqrt(1 / (row.customer_count * 0.9) + 1 / (row.customer_count * 0.1))
        assert row.difference == pytest.approx((norm.isf(0.025) + norm.isf(0.2)) * spends[row.group_key] * errors)


def test_the_report_says_what_can_be_proved() -> None:
    row = {
        "ordered_again_share": 0.01,
        "smallest_detectable_share": 0.0161,
        "smallest_detectable_spend_difference": 1.234,
        "is_doubling_detectable": True,
    }
    assert (
        can_show(row, Shop())
        == "A campaign can show a rise from 1.00% to 1.61% ordering again, or BRL 1.23 more per customer."
    )
    small = row | {"smallest_detectable_share": 0.0202, "is_doubling_detectable": False}
    assert can_show(small, Shop()) == "Too small for a test: only a rise from 1.00% to 2.02% would show."
    assert (
        can_show(row | {"ordered_again_share": 0.95, "smallest_detectable_share": 1.0}, Shop(currency="GBP"))
        == "A campaign can show GBP 1.23 more per customer; not even everybody ordering again would be proof of a rise "
        "from 95.00%."
    )
    assert can_show(small | {"smallest_detectable_share": 1.0}, Shop()).startswith("Too small for a test: not even")
    assert can_show(row | {"is_doubling_detectable": None}, Shop()) == ""
