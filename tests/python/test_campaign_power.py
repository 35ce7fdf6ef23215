"""What a campaign can show: by lots, by the intervals that finished campaigns have, and by known figures."""

from __future__ import annotations

import numpy as np
import pytest
from olist_segments.campaigns.effects import share_effects, spend_effects
from olist_segments.campaigns.power import people_needed, share_power, smallest_mean_rise, smallest_share

LOTS = 20_000


def test_a_fifth_more_than_one_percent_needs_some_43000_customers_in_each_arm() -> None:
    assert people_needed(0.01, 0.012) == pytest.approx(43_000, abs=1_000)
    assert smallest_share(0.01, 43_000, 43_000) == pytest.approx(0.012, abs=2e-5)
    assert people_needed(0.01, 0.015) == pytest.approx(7_700, abs=200)


@pytest.mark.parametrize("base", [0.0, 0.002, 0.01, 0.2, 0.9])
@pytest.mark.parametrize(("count", "holdout_count"), [(90, 10), (900, 100), (4_000, 4_000), (86_000, 9_500)])
def test_the_smallest_share_is_found_in_four_of_five_lots(base: float, count: int, holdout_count: int) -> None:
    smallest = smallest_share(base, count, holdout_count)
    if smallest is None:
        assert share_power(base, 1.0, count, holdout_count) < 0.8
        return
    assert base < smallest <= 1
    assert share_power(base, smallest, count, holdout_count) == pytest.approx(0.8, abs=1e-4)
    rng = np.random.default_rng(1)
    ordered = rng.binomial(count, smallest, LOTS).astype(float)
    ordered_0 = rng.binomial(holdout_count, base, LOTS).astype(float)
    found = share_effects(ordered, np.full(LOTS, float(count)), ordered_0, np.full(LOTS, float(holdout_count))).low > 0
    assert found.mean() == pytest.approx(0.8, abs=0.012)


@pytest.mark.parametrize(("base", "treated"), [(0.01, 0.02), (0.002, 0.003), (0.3, 0.31)])
def test_the_people_needed_are_enough_and_a_few_less_are_not(base: float, treated: float) -> None:
    count = people_needed(base, treated)
    assert count is not None
    assert share_power(base, treated, count, count) >= 0.8
    assert share_power(base, treated, int(count * 0.98), int(count * 0.98)) < 0.8


def test_where_nothing_is_to_be_found_there_is_no_answer() -> None:
    assert smallest_share(1.0, 900, 100) is None
    assert smallest_share(0.5, 2, 1) is None
    assert people_needed(0.01, 0.01) is None
    assert people_needed(0.01, 1.2) is None
    assert people_needed(0.01, 0.0100001) is None
    assert smallest_mean_rise(0.0, 0.0, 900, 100) is None
    assert smallest_mean_rise(5.0, 0.0, 900, 100) is None


@pytest.mark.parametrize(("count", "holdout_count"), [(20_000, 20_000), (40_000, 10_000)])
def test_the_smallest_rise_of_revenue_is_found_in_four_of_five_lots(count: int, holdout_count: int) -> None:
    # One in fifty orders, for BRL 100 and a lognormal spread; the campaign brings more of the same orders.
    rng, lots = np.random.default_rng(2), 1_000
    share, mean_order, squared_order = 0.02, 100 * np.exp(0.18), 100**2 * np.exp(0.72)
    mean, deviation = share * mean_order, float(np.sqrt(share * squared_order - (share * mean_order) ** 2))
    rise = smallest_mean_rise(mean, deviation, count, holdout_count)
    assert rise is not None

    def sums(size: int, rate: float) -> tuple[np.ndarray, np.ndarray]:
        means, variances = np.zeros(lots), np.zeros(lots)
        for lot in range(lots):
            spend = 100 * np.exp(rng.normal(0, 0.6, rng.binomial(size, rate)))
            means[lot] = spend.sum() / size
            variances[lot] = ((spend**2).sum() - size * means[lot] ** 2) / (size - 1)
        return means, variances

    treated, held_out = sums(count, share * (1 + rise / mean)), sums(holdout_count, share)
    effects = spend_effects(*treated, np.full(lots, float(count)), *held_out, np.full(lots, float(holdout_count)))
    assert (effects.low > 0).mean() == pytest.approx(0.8, abs=0.05)
