"""What campaigns on a generated marketplace find: nothing where nothing is, what was planted, as often as planned."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from campaign_lots import (
    Lots,
    Population,
    called_different,
    covering,
    lots,
    merged,
    population,
    with_effect,
    without_effect,
)
from olist_segments.campaigns.power import smallest_share

HALF = [Decimal("0.5"), Decimal("0.5")]
FIFTH = [Decimal("0.2"), Decimal("0.8")]
BOTH = [Decimal("0.2"), Decimal("0.3"), Decimal("0.5")]
TENTH = [Decimal("0.1"), Decimal("0.9")]


@pytest.fixture(scope="module")
def people() -> Population:
    """20,000 customers, of whom 83 order in the 90 days after."""
    return population(100_000).part(20_000)


@pytest.fixture(scope="module")
def thousand(people: Population) -> Lots:
    """Drawn once for a holdout of a half and of a fifth."""
    return lots(people, 1_000, BOTH)


def of_shares(drawn: Lots, shares: list[Decimal]) -> Lots:
    """What of BOTH is a draw of HALF or FIFTH."""
    return merged(drawn, {tuple(HALF): 2, tuple(FIFTH): 1}[tuple(shares)])


def test_arms_put_together_are_those_of_a_draw_of_their_shares() -> None:
    few = population(10_000)
    drawn = lots(few, 3, BOTH)
    for shares in (HALF, FIFTH):
        assert np.array_equal(of_shares(drawn, shares), lots(few, 3, shares))


@pytest.mark.slow
def test_of_a_thousand_campaigns_without_effect_one_in_twenty_is_called_different(
    people: Population, thousand: Lots
) -> None:
    found = without_effect(people, of_shares(thousand, HALF))
    for outcome in ("ordered_share", "revenue_per_customer"):
        assert 0.035 <= called_different(found[outcome]) <= 0.065, outcome


@pytest.mark.slow
def test_with_a_holdout_of_a_fifth_shares_keep_their_level_and_revenue_errs_on_the_safe_side(
    people: Population, thousand: Lots
) -> None:
    found = without_effect(people, of_shares(thousand, FIFTH))
    assert 0.035 <= called_different(found["ordered_share"]) <= 0.065
    # 17 people held out order: 33 of the thousand are called different.
    assert 0.02 <= called_different(found["revenue_per_customer"]) <= 0.065


@pytest.mark.slow
def test_where_the_holdout_has_hardly_an_order_revenue_is_not_called_earned(people: Population) -> None:
    """By Welch's interval a fifth of these campaigns would be called earned."""
    part = people.part(5_000)
    found = without_effect(part, lots(part, 1_000, TENTH))["revenue_per_customer"]
    assert called_different(found) <= 0.065


@pytest.mark.slow
@pytest.mark.parametrize("shares", [HALF, FIFTH])
def test_a_planted_effect_is_covered_and_found_as_often_as_planned(
    people: Population, thousand: Lots, shares: list[Decimal]
) -> None:
    base, held_out = people.rate.mean(), round(len(people) * float(shares[0]))
    smallest = smallest_share(base, len(people) - held_out, held_out)
    assert smallest is not None
    # Five lots of a hundred campaigns.
    found = with_effect(people, of_shares(thousand[:5], shares), smallest / base)["ordered_share"]
    assert len(found.low) == 500
    assert 0.93 <= covering(found, smallest - base) <= 0.97
    assert (found.low > 0).mean() == pytest.approx(0.8, abs=0.05)


def test_a_few_campaigns_without_effect_are_hardly_called_different() -> None:
    few = population(10_000)
    found = without_effect(few, lots(few, 100, HALF))["ordered_share"]
    assert called_different(found) <= 0.12
    assert abs(found.difference.mean()) < 0.001
