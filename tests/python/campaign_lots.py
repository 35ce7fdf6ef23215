"""Campaigns drawn by the thousand on a generated marketplace, and what came of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import duckdb
import numpy as np
import pandas as pd
from olist_segments.arrays import FloatArray
from olist_segments.campaigns.draw import draw
from olist_segments.campaigns.effects import Effects, share_effects, spend_effects
from olist_segments.generator.marketplace import draw as draw_marketplace
from olist_segments.generator.settings import Settings, seconds

AS_OF, OUTCOME_DAYS = date(2018, 5, 31), 90
_AT_ONCE = 2_000_000
Lots = list[np.ndarray]
"""Arms by (campaign, person), some campaigns at a time."""


@dataclass(frozen=True)
class Population:
    """The customers of a marketplace at AS_OF: what the draw asks for, and what they spent (BRL) in the days after.

    `rate`: the share who order among those of their kind and stage; `baskets`: what people spent who ordered.
    """

    people: pd.DataFrame
    spent: FloatArray
    rate: FloatArray
    baskets: FloatArray

    def __len__(self) -> int:
        return len(self.people)

    def part(self, count: int) -> Population:
        """So many of them, taken at random."""
        taken = np.sort(np.random.default_rng(7).choice(len(self), count, replace=False))
        people = self.people.iloc[taken].reset_index(drop=True)
        return Population(people, self.spent[taken], self.rate[taken], self.baskets)


class Sums(NamedTuple):
    """Of one arm in each campaign: customers, those who ordered, mean and variance of the spend."""

    customers: FloatArray
    ordered: FloatArray
    mean: FloatArray
    variance: FloatArray


def population(orders: int) -> Population:
    """That of a generated marketplace of so many orders."""
    market = draw_marketplace(Settings(orders=orders))
    value = np.bincount(market.items.order, market.items.price + market.items.freight, orders) / 100
    day = (market.orders.purchase - seconds(AS_OF)) / 86_400 - 1
    table = pd.DataFrame({"buyer": market.orders.buyer, "day": day, "value": value})
    table["score"] = pd.Series(market.reviews.score, index=market.reviews.order).groupby(level=0).first()
    before, after = table[table["day"] < 0], table[(table["day"] >= 0) & (table["day"] < OUTCOME_DAYS)]
    people = before.groupby("buyer").agg(
        total_spend=("value", "sum"), orders=("value", "size"), day=("day", "max"), score=("score", "mean")
    )
    kinds = [people["orders"] > 1, people["score"] <= 2, people["total_spend"] > 120]
    people["segment_key"] = np.select(kinds, ["loyal", "sad", "big"], "small")
    stages = [people["day"] > -30, people["day"] > -90, people["day"] > -180]
    people["stage_key"] = np.select(stages, ["new", "cooling", "dormant"], "lapsed")
    spent = after.groupby("buyer")["value"].sum().reindex(people.index).fillna(0.0).to_numpy()
    people["has_ordered"] = spent > 0
    rate = people.groupby(["segment_key", "stage_key"])["has_ordered"].transform("mean").to_numpy(float)
    people = people.reset_index(drop=True)
    people["customer_unique_id"] = [f"{number:032x}" for number in range(len(people))]
    columns = ["customer_unique_id", "segment_key", "stage_key", "total_spend"]
    return Population(people[columns], spent, rate, spent[spent > 0])


def lots(people: Population, campaigns: int, shares: list[Decimal]) -> Lots:
    """The arm of everybody in each campaign."""
    size, parts = max(1, _AT_ONCE // len(people)), []
    with duckdb.connect() as connection:
        connection.register("population", people.people.assign(place=np.arange(len(people))))
        for first in range(0, campaigns, size):
            last = min(first + size, campaigns)
            connection.execute(
                "create or replace temp table people as select 'campaign-' || number as campaign, number, population.* "
                f"from population cross join range({first}, {last}) as numbers(number)"
            )
            drawn = draw(connection, "people", shares, "a salt")
            found = drawn.project("number, place, arm_number::tinyint as arm_number").fetchnumpy()
            arms = np.empty((last - first, len(people)), dtype=np.int8)
            arms[found["number"] - first, found["place"]] = found["arm_number"]
            parts.append(arms)
    return parts


def merged(drawn: Lots, first: int) -> Lots:
    """Two arms of many: the holdout are those before `first`.

    An arm is an interval of one position, so this is what a draw of the two shares gives.
    """
    return [(arms >= first).astype(np.int8) for arms in drawn]


def sums_by_arm(arms: np.ndarray, spent: FloatArray, arm_count: int) -> list[Sums]:
    """Of each arm, over the campaigns; `spent`: (people,) where it is the same in all, or as `arms`."""
    found = []
    # Hardly anybody orders: only those are added.
    row, who = np.nonzero(np.broadcast_to(spent > 0, arms.shape))
    amount, arm_of = np.broadcast_to(spent, arms.shape)[row, who], arms[row, who]
    for arm in range(arm_count):
        count = (arms == arm).sum(axis=1).astype(float)
        ordered, total, squared = (
            np.bincount(row[arm_of == arm], amount[arm_of == arm] ** power, len(arms)).astype(float)
            for power in (0, 1, 2)
        )
        mean = total / count
        found.append(Sums(count, ordered, mean, (squared - count * mean**2) / (count - 1)))
    return found


def effects(arm: Sums, holdout: Sums) -> dict[str, Effects]:
    """By outcome, as finished campaigns have them."""
    return {
        "ordered_share": share_effects(arm.ordered, arm.customers, holdout.ordered, holdout.customers),
        "revenue_per_customer": spend_effects(
            arm.mean, arm.variance, arm.customers, holdout.mean, holdout.variance, holdout.customers
        ),
    }


def joined(parts: list[dict[str, Effects]]) -> dict[str, Effects]:
    """Effects of some campaigns and of others, as one."""
    return {
        outcome: Effects(
            *(np.concatenate([getattr(part[outcome], name) for part in parts]) for name in Effects._fields)
        )
        for outcome in parts[0]
    }


def without_effect(people: Population, drawn: Lots) -> dict[str, Effects]:
    """A/A: everybody does what they did, whatever the arm; arm 1 against the holdout."""
    parts = []
    for arms in drawn:
        holdout, treated = sums_by_arm(arms, people.spent, 2)
        parts.append(effects(treated, holdout))
    return joined(parts)


def with_effect(people: Population, drawn: Lots, rise: float, seed: int = 1) -> dict[str, Effects]:
    """In every campaign everybody orders, or not, anew, at the rate of their kind and stage; treated ones at the rate
    times `rise`. Who orders spends what some customer spent.
    """
    rng, parts = np.random.default_rng(seed), []
    for arms in drawn:
        rate = (people.rate * np.array([[1.0], [rise]]))[:, None, :]
        chance = rng.random(arms.shape)
        has_ordered = np.where(arms > 0, chance < rate[1], chance < rate[0])
        spent = np.zeros(arms.shape)
        spent[has_ordered] = rng.choice(people.baskets, int(has_ordered.sum()))
        holdout, treated = sums_by_arm(arms, spent, 2)
        parts.append(effects(treated, holdout))
    return joined(parts)


def called_different(found: Effects) -> float:
    """The share of campaigns whose interval does not hold 0."""
    return float(((found.low > 0) | (found.high < 0)).mean())


def covering(found: Effects, truth: float) -> float:
    """The share of campaigns whose interval holds the truth."""
    return float(((found.low <= truth) & (found.high >= truth)).mean())
