"""Planted customer kinds: who each person is, in a latent space of four features.

The space has one axis for each of recency, log frequency, log monetary and mean review score; inside a kind every
axis has standard deviation 1 before truncation. Four kinds leave the common centre along one axis each, the fifth the
opposite way along recency:

    recent_happy     recency  -1        lapsed_happy  recency  +1
    disappointed     score    -1        big_spender   monetary +1        loyal  frequency +1

times separation / sqrt(2), so that the nearest two centres are exactly `separation` standard deviations apart
(recent and lapsed are sqrt(2) times farther). At 0 all five centres coincide: one cloud, and the names mean nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from olist_segments.generator.sampling import Bytes, Floats, Ints, bell, choose, spread, truncated_bell
from olist_segments.generator.settings import Settings

KINDS = ("recent_happy", "lapsed_happy", "disappointed", "big_spender", "loyal")
SHARES = (0.28, 0.26, 0.18, 0.14, 0.14)
# Columns: recency, frequency, monetary, score.
DIRECTIONS = np.array([[-1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, -1], [0, 0, 1, 0], [0, 1, 0, 0]], dtype=np.float32)
# Separation of the kinds when the published marginals hold: a tendency, not a cluster.
SOFT_SEPARATION = 1.2
RECENCY_LIMIT = 2.2
FREQUENCY_LIMIT = 2.0
# Natural logarithm of the orders for one latent standard deviation: exp(0.2 * 2.0) < 1.5 keeps the null at one order.
FREQUENCY_SCALE = 0.2
MAXIMUM_ORDERS = 17


@dataclass
class Persons:
    """The persons: kind, number of orders, and the latent place on each axis (one element a person, float32)."""

    kind: Bytes
    orders: Ints
    recency: Floats
    monetary: Floats
    score: Floats


def offset(separation: float) -> float:
    """Distance of a kind's centre from the common one, in within-kind standard deviations."""
    return separation / math.sqrt(2)


def draw_persons(settings: Settings, person_orders: dict[int, int]) -> Persons:
    """Draw persons until their orders add up to `settings.orders`.

    `person_orders` (orders -> persons) is the published distribution. Without a separation it holds exactly, given by
    rank to those whose latent frequency is highest; with one, orders = exp(0.2 * latent frequency) rounded, at least 1.
    """
    rng = settings.stream("persons")
    planted = settings.separation is not None
    distance = np.float32(offset(settings.separation if settings.separation is not None else SOFT_SEPARATION))
    if planted:
        kind = choose(SHARES, settings.orders, rng).astype(np.int8)
        log_orders = FREQUENCY_SCALE * (
            DIRECTIONS[kind, 1] * distance + truncated_bell(len(kind), FREQUENCY_LIMIT, rng)
        )
        counts = np.clip(np.rint(np.exp(np.minimum(log_orders, 4.0))), 1, MAXIMUM_ORDERS).astype(np.int32)
        total = np.cumsum(counts, dtype=np.int64)
        persons = int(np.searchsorted(total, settings.orders)) + 1
        kind, counts = kind[:persons].copy(), counts[:persons].copy()
        counts[-1] -= int(total[persons - 1]) - settings.orders
    else:
        counts = _published_counts(settings.orders, person_orders, rng)
        kind = choose(SHARES, len(counts), rng).astype(np.int8)
        counts.sort()
        place = DIRECTIONS[kind, 1] * distance + bell(len(kind), rng)
        by_rank = np.empty_like(counts)
        by_rank[np.argsort(place, kind="stable")] = counts
        counts = by_rank

    def axis(column: int, limit: float | None) -> Floats:
        noise = bell(len(kind), rng) if limit is None else truncated_bell(len(kind), limit, rng)
        noise += DIRECTIONS[kind, column] * distance
        return noise

    return Persons(
        kind=kind,
        orders=counts,
        recency=axis(0, RECENCY_LIMIT if planted else None),
        monetary=axis(2, None),
        score=axis(3, None),
    )


def _published_counts(orders: int, person_orders: dict[int, int], rng: np.random.Generator) -> Ints:
    total = sum(number * persons for number, persons in person_orders.items())
    persons = max(1, round(sum(person_orders.values()) * orders / total))
    counts = spread(person_orders, persons, rng)
    excess = int(counts.sum()) - orders
    if excess > 0:
        reducible = np.repeat(np.arange(persons), counts - 1)
        np.subtract.at(counts, rng.permutation(reducible)[:excess], 1)
        excess = int(counts.sum()) - orders
        return counts[: persons - max(excess, 0)]
    return np.concatenate([counts, np.ones(-excess, dtype=np.int32)])
