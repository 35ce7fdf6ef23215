"""What campaigns on a generated marketplace find: nothing where nothing is, what was planted, as often as planned."""

from __future__ import annotations

from decimal import Decimal

import pytest
from campaign_lots import Population, called_different, covering, population, with_effect, without_effect
from olist_segments.campaigns.power import smallest_share

HALF = [Decimal("0.5"), Decimal("0.5")]
FIFTH = [Decimal("0.2"), Decimal("0.8")]
TENTH = [Decimal("0.1"), Decimal("0.9")]


@pytest.fixture(scope="module")
def people() -> Population:
    """20,000 customers, of whom 83 order in the 90 days after."""
    return population(100_000).part(20_000)


@pytest.mark.slow
def test_of_a_thousand_campaigns_without_effect_one_in_twenty_is_called_different(people: Population) -> None:
    found = without_effect(people, 1_000, HALF)
    for outcome in ("ordered_share", "revenue_per_customer"):
        assert 0.035 <= called_different(found[outcome]) <= 0.065, outcome


@pytest.mark.slow
def test_with_a_holdout_of_a_fifth_shares_keep_their_level_and_revenue_errs_on_the_safe_side(
    people: Population,
) -> None:
    found = without_effect(people, 1_000, FIFTH)
    assert 0.035 <= called_different(found["ordered_share"]) <= 0.065
    # 17 people held out order: 33 of the thousand are called different.
    assert 0.02 <= called_different(found["revenue_per_customer"]) <= 0.065


@pytest.mark.slow
def test_where_the_holdout_has_hardly_an_order_revenue_is_not_called_earned(people: Population) -> None:
    """By Welch's interval a fifth of these campaigns would be called earned."""
    found = without_effect(people.part(5_000), 1_000, TENTH)["revenue_per_customer"]
    assert called_different(found) <= 0.065


@pytest.mark.slow
@pytest.mark.parametrize("shares", [HALF, FIFTH])
def test_a_planted_effect_is_covered_and_found_as_often_as_planned(people: Population, shares: list[Decimal]) -> None:
    base, held_out = people.rate.mean(), round(len(people) * float(shares[0]))
    smallest = smallest_share(base, len(people) - held_out, held_out)
    assert smallest is not None
    found = with_effect(people, 500, shares, smallest / base)["ordered_share"]
    assert 0.93 <= covering(found, smallest - base) <= 0.97
    assert (found.low > 0).mean() == pytest.approx(0.8, abs=0.05)


def test_a_few_campaigns_without_effect_are_hardly_called_different() -> None:
    few = population(10_000)
    found = without_effect(few, 100, HALF)["ordered_share"]
    assert called_different(found) <= 0.12
    assert abs(found.difference.mean()) < 0.001
