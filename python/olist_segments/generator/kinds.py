"""Planted customer kinds: who each person is, in a latent space of four features.

The space has one axis for each of recency, log frequency, log monetary and mean review score; inside a kind every
axis has standard deviation 1 before truncation. Four kinds leave the common centre along one axis each, the fifth the
opposite way along recency:

    recent_happy     recency  -1        lapsed_happy  recency  +1
    disappointed     score    -1        big_spender   monetary +1        loyal  frequency +1

times separation / sqrt(2), so that the nearest two centres are exactly `separation` standard deviations apart
(recent and lapsed are sqrt(2) times farther). At 0 all five centres coincide: one cloud, and the names mean nothing.

The axes become data by monotone maps: `recency_position` and `mean_score` below, exp(4.6 + 0.5 z) BRL of spend, and
exp(0.2 z) orders, rounded, at least 1. Above 6 the recency axis keeps the offsets of 6, as farther clouds would leave
months of the window empty between them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from olist_segments.generator.sampling import Bytes, Floats, Ints, bell, choose, exp, spread, truncated_bell
from olist_segments.generator.settings import Settings

KINDS = ("recent_happy", "lapsed_happy", "disappointed", "big_spender", "loyal")
SHARES = (0.28, 0.26, 0.18, 0.14, 0.14)
# Columns: recency, frequency, monetary, score.
DIRECTIONS = np.array([[-1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, -1], [0, 0, 1, 0], [0, 1, 0, 0]], dtype=np.float32)
# Separation of the kinds when the published marginals hold: a tendency, not a cluster.
SOFT_SEPARATION = 1.2
# Beyond this separation the recency axis stands still, and clouds have their smallest margin to the edges.
WIDEST = 6.0
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
        counts = np.clip(np.rint(exp(np.minimum(log_orders, 4.0))), 1, MAXIMUM_ORDERS).astype(np.int32)
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

    def axis(column: int, step: float) -> Floats:
        place = bell(len(kind), rng)
        place += DIRECTIONS[kind, column] * np.float32(step)
        return place

    recency_step = offset(min(settings.separation, WIDEST)) if settings.separation is not None else float(distance)
    return Persons(
        kind=kind,
        orders=counts,
        recency=axis(0, recency_step),
        monetary=axis(2, float(distance)),
        score=axis(3, float(distance)),
    )


def recency_position(recency: Floats, separation: float, rng: np.random.Generator) -> Floats:
    """Where in the window, from 0 (newest) to 1, a latent recency falls.

    The window spans the centres and a margin on both sides that shrinks from 2.6 standard deviations at separation 0
    to 1.6 from separation 3 on; what falls outside is folded back in. Below separation 2 up to 12 % of the persons are
    spread evenly over the window, so that its first and last months are not empty: the cloud stays a single bell.
    """
    margin = 2.6 - min(separation, 3.0) / 3.0
    half = offset(min(separation, WIDEST)) + margin
    position = (0.5 + recency / np.float32(2 * half)).astype(np.float32)
    position = np.abs(position)
    position = np.float32(1) - np.abs(np.float32(1) - position)
    background = rng.random(len(position), dtype=np.float32) < 0.12 * max(0.0, 1 - separation / 2)
    evenly = rng.random(len(position), dtype=np.float32)
    return np.where(background, evenly, np.clip(position, 0, np.float32(0.999999)))


def mean_score(score: Floats, separation: float) -> Floats:
    """A person's mean review score, 1 to 5, from the latent score.

    The scale holds the centres and a margin on both sides that shrinks from 2 standard deviations at separation 0,
    where scores are a bell about 3, to 0.8 from separation 6 on; what falls outside takes the nearest end.
    """
    margin = 2.0 - 1.2 * min(separation, WIDEST) / WIDEST
    points = 4.0 / (offset(separation) + 2 * margin)
    mean: Floats = np.clip(np.float32(5.0 - margin * points) + np.float32(points) * score, 1, 5)
    return mean


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
