"""Where buyers and sellers live, and the geolocation file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from olist_segments.generator import facts
from olist_segments.generator.places import CITIES
from olist_segments.generator.sampling import Floats, Ints, choose, cumulative, largest_remainder, pick, quota
from olist_segments.generator.settings import Settings

STATES = tuple(facts.STATE_ORDERS)
_STATE_INDEX = {state: index for index, state in enumerate(STATES)}
# Ponta do Seixas, in units of 1e-8 degrees.
EASTERNMOST = -3_479_000_000
CITY_STATE = np.array([_STATE_INDEX[city.state] for city in CITIES], dtype=np.int32)


@dataclass
class Prefixes:
    """The country's postal prefixes, one element each: number, city, state, weight, whether geolocation lacks it."""

    number: Ints
    city: Ints
    state: Ints
    weight: Floats
    latitude: npt.NDArray[np.float64]
    longitude: npt.NDArray[np.float64]
    ghost: npt.NDArray[np.bool_]


@dataclass
class Geolocation:
    """The rows of the geolocation file; coordinates in units of 1e-8 degrees."""

    prefix: Ints
    latitude: npt.NDArray[np.int64]
    longitude: npt.NDArray[np.int64]
    accented: npt.NDArray[np.bool_]


def draw_prefixes(settings: Settings) -> Prefixes:
    """Draw the prefixes in use: 19,172 inside the cities' postal ranges, 157 of which geolocation does not know."""
    rng = settings.stream("prefixes")
    width = np.array([city.last_prefix - city.first_prefix + 1 for city in CITIES], dtype=np.int64)
    orders = np.array([facts.STATE_ORDERS[city.state] * city.weight for city in CITIES], dtype=np.float64)
    wanted = min(facts.GEOLOCATION_PREFIXES + facts.PREFIXES_WITHOUT_GEOLOCATION, int(width.sum()))
    counts = np.zeros(len(CITIES), dtype=np.int64)
    while (missing := wanted - int(counts.sum())) > 0:
        room = np.where(counts < width, np.sqrt(orders * width), 0.0)
        counts = np.minimum(width, counts + largest_remainder(room, missing))
    number = np.concatenate(
        [
            np.sort(city.first_prefix + rng.permutation(int(width[i]))[: counts[i]]).astype(np.int32)
            for i, city in enumerate(CITIES)
        ]
    )
    city = np.repeat(np.arange(len(CITIES), dtype=np.int32), counts)
    weight = np.exp(0.8 * rng.standard_normal(len(number)))
    weight *= (orders / np.bincount(city, weights=weight, minlength=len(CITIES)))[city]
    # Big cities sprawl: a thousand prefixes reach about 8 km from the centre.
    sprawl = 0.012 + 0.0022 * np.sqrt(width[city])
    ghost = np.zeros(len(number), dtype=np.bool_)
    ghost[pick(np.arange(len(number)), facts.PREFIXES_WITHOUT_GEOLOCATION, rng)] = True
    return Prefixes(
        number=number,
        city=city,
        state=CITY_STATE[city],
        weight=weight.astype(np.float32),
        latitude=np.array([c.latitude for c in CITIES])[city] + sprawl * np.clip(rng.standard_normal(len(city)), -2, 2),
        longitude=np.array([c.longitude for c in CITIES])[city]
        + sprawl * np.clip(rng.standard_normal(len(city)), -2, 2),
        ghost=ghost,
    )


def draw_homes(settings: Settings, prefixes: Prefixes, persons: int) -> Ints:
    """One prefix index for each person: the published state shares, then city and prefix by weight."""
    rng = settings.stream("homes")
    return _inside_states(prefixes, list(facts.STATE_ORDERS.values()), persons, rng)


def draw_seller_homes(settings: Settings, prefixes: Prefixes, sellers: int) -> Ints:
    """One prefix index for each seller, by the published state shares of sellers."""
    shares = [facts.STATE_SELLERS.get(state, 0) for state in STATES]
    return _inside_states(prefixes, shares, sellers, settings.stream("seller homes"))


def move_some(settings: Settings, prefixes: Prefixes, buyer: Ints, homes: Ints) -> Ints:
    """One prefix index for each order: the buyer's home, but for the few who moved and the few that geolocation lacks.

    Of the buyers with several orders 250 (per 99,441 orders) ship one of them elsewhere, 39 of these to another state.
    """
    rng = settings.stream("moves")
    place = homes[buyer]
    size = len(buyer)
    orders_of = np.bincount(buyer, minlength=len(homes))
    order = np.arange(size)
    repeaters = order[orders_of[buyer] > 1]
    _, first = np.unique(buyer[repeaters], return_index=True)
    movers = pick(repeaters[first], quota(facts.PERSONS_WITH_SEVERAL_PREFIXES, facts.ORDERS, size), rng)
    far = round(len(movers) * facts.PERSONS_WITH_SEVERAL_STATES / facts.PERSONS_WITH_SEVERAL_PREFIXES)
    known = np.flatnonzero(~prefixes.ghost)
    for number, mover in enumerate(movers):
        here = place[mover]
        elsewhere = (prefixes.state[known] == prefixes.state[here]) & (known != here)
        if number < far:
            elsewhere = prefixes.state[known] != prefixes.state[here]
        there = known[elsewhere]
        place[mover] = there[choose(prefixes.weight[there], 1, rng)[0]] if there.size else here
    lost = pick(order[orders_of[buyer] == 1], quota(facts.CUSTOMERS_WITHOUT_GEOLOCATION, facts.ORDERS, size), rng)
    place[lost] = rng.choice(np.flatnonzero(prefixes.ghost), len(lost))
    return place


def draw_geolocation(settings: Settings, prefixes: Prefixes, used: Ints) -> Geolocation:
    """Draw about ten rows an order, at most 1,000,163, over the `used` prefixes and, for large sizes, all the others.

    26 % of the rows repeat another one exactly.
    """
    rng = settings.stream("geolocation")
    needed = np.zeros(len(prefixes.number), dtype=np.bool_)
    needed[used] = True
    needed &= ~prefixes.ghost
    others = np.flatnonzero(~needed & ~prefixes.ghost)
    wanted = min(facts.GEOLOCATION_PREFIXES, quota(facts.GEOLOCATION_PREFIXES, facts.ORDERS, settings.orders))
    needed[pick(others, max(wanted - int(needed.sum()), 0), rng)] = True
    chosen = np.flatnonzero(needed)
    rows = min(facts.GEOLOCATION_ROWS, quota(facts.GEOLOCATION_ROWS, facts.ORDERS, settings.orders))
    repeats = quota(facts.GEOLOCATION_DUPLICATES, facts.GEOLOCATION_ROWS, rows)
    distinct = max(rows - repeats, len(chosen))
    share = largest_remainder(np.sqrt(prefixes.weight[chosen]), distinct - len(chosen))
    prefix = np.repeat(chosen, 1 + share)
    latitude = np.rint((prefixes.latitude[prefix] + 0.004 * rng.standard_normal(distinct)) * 1e8).astype(np.int64)
    longitude = np.rint((prefixes.longitude[prefix] + 0.004 * rng.standard_normal(distinct)) * 1e8).astype(np.int64)
    # Coastal points that the draw put into the Atlantic are folded back at the country's easternmost longitude.
    longitude = EASTERNMOST - np.abs(EASTERNMOST - longitude)
    accented = rng.random(distinct) < 0.1
    source = np.sort(np.concatenate([np.arange(distinct), rng.integers(0, distinct, repeats)]))
    return Geolocation(prefix[source].astype(np.int32), latitude[source], longitude[source], accented[source])


def _inside_states(prefixes: Prefixes, shares: list[int], size: int, rng: np.random.Generator) -> Ints:
    weight = np.where(prefixes.ghost, 0.0, prefixes.weight).astype(np.float64)
    in_state = np.bincount(prefixes.state, weights=weight, minlength=len(STATES))
    weight *= (np.asarray(shares) / in_state)[prefixes.state]
    # Stratified draws keep the shares of states exact to a person; the shuffle takes the order away.
    points = (np.arange(size) + rng.random(size)) / size
    homes = np.searchsorted(cumulative(weight), points, side="right").astype(np.int32)
    rng.shuffle(homes)
    return homes
