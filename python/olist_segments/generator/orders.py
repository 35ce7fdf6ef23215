"""Orders: when they are placed, by whom, with which status, and how they are delivered.

All times are whole seconds from 2016-01-01 00:00 (int32, -1 for missing), local and without a zone.
"""

from __future__ import annotations

import calendar
import datetime
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from olist_segments.generator import facts
from olist_segments.generator.geography import STATES
from olist_segments.generator.kinds import Persons, recency_position
from olist_segments.generator.sampling import (
    Bytes,
    Flags,
    Floats,
    Index,
    Ints,
    bell,
    choose,
    cumulative,
    exp,
    pick,
    power,
    quota,
)
from olist_segments.generator.settings import EPOCH, WINDOW_START, Settings, seconds

DAY = 86_400
STATUSES = tuple(facts.STATUS_ORDERS)
STATUS = {name: code for code, name in enumerate(STATUSES)}
PAYMENT_TYPES = tuple(facts.PAYMENT_TYPES)
PAYMENT = {name: code for code, name in enumerate(PAYMENT_TYPES)}
# The last moment of a purchase that is ever delivered.
LAST_DELIVERED_PURCHASE = seconds(datetime.date(2018, 8, 29)) + 15 * 3600
LAST_REQUEST_DAY = seconds(datetime.date(2018, 8, 31)) // DAY
LAST_DELIVERY_DAY = seconds(datetime.date(2018, 10, 17)) // DAY
LAST_ANSWER_DAY = seconds(datetime.date(2018, 10, 29)) // DAY
_LAST_PLANTED_DAY = datetime.date(2018, 8, 28)
# Share of orders whose further rows are vouchers is high: main types are the published ones less those rows.
_MAIN_TYPES = {"credit_card": 76_480, "boleto": 19_784, "voucher": 1644, "debit_card": 1529}


@dataclass
class Orders:
    """One element an order, in file order: who placed it and when, and what became of it."""

    person: Ints
    buyer: Ints
    turn: Ints
    purchase: Ints
    status: Bytes
    payment: Bytes
    has_items: Flags
    approved: Ints
    carrier: Ints
    delivered: Ints
    estimated: Ints


def draw_purchases(settings: Settings, persons: Persons) -> tuple[Ints, Ints, Ints]:
    """Person, turn (0 for a person's newest order in planted mode, any first one otherwise) and time of each order."""
    rng = settings.stream("purchases")
    size = settings.orders
    person = np.repeat(np.arange(len(persons.orders), dtype=np.int32), persons.orders)
    first = np.cumsum(persons.orders) - persons.orders
    turn = (np.arange(size) - np.repeat(first, persons.orders)).astype(np.int32)
    further = np.flatnonzero(turn)
    if settings.separation is None:
        # Rank coupling: the published calendar holds exactly, the kinds only decide who takes which slot.
        place = -persons.recency[person]
        close = rng.random(len(further)) < 0.35
        place[further] += bell(len(further), rng) * np.where(close, np.float32(0.02), np.float32(1.0))
        purchase = np.empty(size, dtype=np.int32)
        purchase[np.argsort(place, kind="stable")] = np.sort(_calendar(size, rng))
    else:
        window = (_LAST_PLANTED_DAY - WINDOW_START).days + 1
        position = recency_position(persons.recency, settings.separation, rng)
        day = (window - 1 - np.floor(window * position)).astype(np.int32)[person]
        day[further] = (day[further] * rng.random(len(further))).astype(np.int32)
        purchase = seconds(WINDOW_START) + day * DAY + _clock(facts.HOUR_WEIGHTS, size, rng)
    shuffle = rng.permutation(size)
    return person[shuffle], turn[shuffle], purchase[shuffle].astype(np.int32)


def reassign_buyers(settings: Settings, person: Ints, purchase: Ints) -> Ints:
    """The buyer of each order: its person, unless a planted change of frequency gives the order to an earlier buyer."""
    change = settings.change
    if change is None or change.feature != "frequency":
        return person
    rng = settings.stream("change")
    orders_of = np.bincount(person)
    late = purchase >= seconds(change.date)
    earlier = np.flatnonzero(~late)
    moved = np.flatnonzero(late & (orders_of[person] == 1))
    moved = moved[rng.random(len(moved)) < 0.15]
    buyer = person.copy()
    if earlier.size:
        buyer[moved] = person[rng.choice(earlier, len(moved))]
    return buyer


def draw_orders(settings: Settings, person: Ints, buyer: Ints, turn: Ints, purchase: Ints, state: Ints) -> Orders:
    """Draw status, main payment type and the four later timestamps of every order; `state` is the order's (index)."""
    rng = settings.stream("orders")
    size = settings.orders
    status = _statuses(settings, purchase, rng)
    has_items = np.ones(size, dtype=np.bool_)
    for name, count in facts.ITEMLESS_ORDERS.items():
        has_items[pick(np.flatnonzero(status == STATUS[name]), quota(count, facts.ORDERS, size), rng)] = False
    payment = choose(list(_MAIN_TYPES.values()), size, rng).astype(np.int8)
    payment = np.array([PAYMENT[name] for name in _MAIN_TYPES], dtype=np.int8)[payment]
    itemless_canceled = np.flatnonzero(~has_items & (status == STATUS["canceled"]))
    undefined = quota(facts.PAYMENT_TYPES["not_defined"], facts.ORDERS, size)
    payment[pick(itemless_canceled, undefined, rng)] = PAYMENT["not_defined"]
    approved = purchase + _approval_delay(payment, rng)

    purchase_day = purchase // DAY
    estimated_days = np.array(list(map(facts.STATE_ESTIMATED_DAYS.__getitem__, STATES)), dtype=np.float32)[state]
    estimated_days *= _by_day(facts.MONTH_ESTIMATED_FACTOR, 1.0)[purchase_day] * exp(0.22 * bell(size, rng))
    estimated_days = np.maximum(np.ceil(estimated_days), 3)
    days = np.array(list(map(facts.STATE_DELIVERY_DAYS.__getitem__, STATES)), dtype=np.float32)[state]
    days *= _by_day(facts.MONTH_DELIVERY_FACTOR, 1.0)[purchase_day] * exp(0.5 * bell(size, rng))
    days = np.maximum(np.rint(days), 1)
    crowded = days >= estimated_days
    days[crowded] = 1 + np.floor((estimated_days[crowded] - 1) * (0.55 + 0.45 * rng.random(int(crowded.sum()))))
    days = np.minimum(days, estimated_days - 1)
    late = rng.random(size, dtype=np.float32) < (
        _by_day(facts.MONTH_LATE, facts.LATE_OTHER)[purchase_day]
        * np.array(list(map(facts.STATE_LATE.__getitem__, STATES)), dtype=np.float32)[state]
    )
    # Review requests stop on 2018-08-31, and an order is in the export because it had been delivered by then: what was
    # bought last came fast, or was promised for a day that has passed.
    left = np.maximum(LAST_REQUEST_DAY - purchase_day, 2)
    hurried = late & (estimated_days > left - 2) & (purchase_day < LAST_REQUEST_DAY)
    estimated_days[hurried] = np.maximum(np.floor(left[hurried] * (0.4 + 0.5 * rng.random(int(hurried.sum())))), 2)
    knots, shares = np.array(facts.LATE_DAYS).T
    days[late] = estimated_days[late] + np.floor(np.interp(rng.random(int(late.sum())), shares, knots))
    beyond = np.flatnonzero(hurried & (days > left))
    span = np.maximum(left[beyond] - estimated_days[beyond], 0) + 1
    days[beyond] = estimated_days[beyond] + np.floor(span * rng.random(len(beyond)))
    beyond = np.flatnonzero(~late & (days > left))
    days[beyond] = 1 + np.floor((left[beyond] - 1) * rng.random(len(beyond)))
    days = np.minimum(days, np.maximum(LAST_DELIVERY_DAY - purchase_day, 1))
    delivered = (purchase_day + days.astype(np.int32)) * DAY + _clock(facts.DELIVERY_HOUR_WEIGHTS, size, rng)
    early = np.flatnonzero(delivered < approved + DAY // 2)
    approved[early] = purchase[early] + (delivered[early] - purchase[early]) // 3
    on_the_way = 0.02 + 0.65 * power(rng.random(size, dtype=np.float32), 1.8)
    carrier = approved + (on_the_way * (delivered - approved)).astype(np.int32)

    orders = Orders(
        person=person,
        buyer=buyer,
        turn=turn,
        purchase=purchase,
        status=status,
        payment=payment,
        has_items=has_items,
        approved=approved.astype(np.int32),
        carrier=carrier.astype(np.int32),
        delivered=delivered.astype(np.int32),
        estimated=(purchase_day + estimated_days.astype(np.int32)) * DAY,
    )
    _forget_timestamps(orders, rng)
    return orders


def _calendar(size: int, rng: np.random.Generator) -> Ints:
    """Purchase times with the published month shares and Black Friday; days are a systematic sample of the calendar."""
    weights = np.zeros((datetime.date(2018, 10, 31) - EPOCH).days + 1)
    for (year, month), orders in facts.MONTH_ORDERS.items():
        days = [datetime.date(year, month, day + 1) for day in range(calendar.monthrange(year, month)[1])]
        share = np.array([_day_weight(day) for day in days])
        if (year, month) == facts.BLACK_FRIDAY[:2]:
            rush = np.array([facts.BLACK_FRIDAY_ORDERS.get(day.day, 0) for day in days])
            share = np.where(rush > 0, 0.0, share)
            share = rush + share / share.sum() * (orders - rush.sum())
        start = (days[0] - EPOCH).days
        weights[start : start + len(days)] = share / share.sum() * orders
    points = (np.arange(size) + rng.random()) / size
    day = np.searchsorted(cumulative(weights), points, side="right").astype(np.int32)
    return day * DAY + _clock(facts.HOUR_WEIGHTS, size, rng)


def _day_weight(day: datetime.date) -> float:
    weight = facts.WEEKDAY_WEIGHTS[day.weekday()]
    month = (day.year, day.month)
    if month == (2016, 9):
        return weight if 4 <= day.day <= 15 else 0.0
    if month == (2016, 10):
        return weight if 2 <= day.day <= 10 else 0.0
    if month == (2016, 12):
        return weight if day.day == 23 else 0.0
    if month == (2017, 1):
        return weight * day.day / 31 if day.day >= 5 else 0.0
    if month == (2018, 10):
        return weight if day.day <= 17 else 0.0
    if month == (2018, 8):
        for last, share in ((16, 1.0), (22, 0.85), (26, 0.50), (27, 0.40), (28, 0.25), (29, 0.05), (31, 0.02)):
            if day.day <= last:
                return weight * share
    return weight


def _clock(weights: tuple[int, ...], size: int, rng: np.random.Generator) -> Ints:
    """Seconds from midnight, the hour by `weights` (one each hour)."""
    return choose(weights, size, rng) * 3600 + rng.integers(0, 3600, size, dtype=np.int32)


def _by_day(months: Mapping[tuple[int, int], float], other: float) -> Floats:
    """A table by day number of a figure that is given by month."""
    days = (EPOCH + datetime.timedelta(days=number) for number in range((datetime.date(2019, 1, 1) - EPOCH).days))
    return np.array([months.get((day.year, day.month), other) for day in days], dtype=np.float32)


def _statuses(settings: Settings, purchase: Ints, rng: np.random.Generator) -> Bytes:
    status = np.full(len(purchase), STATUS["delivered"], dtype=np.int8)
    forced = np.empty(0, dtype=np.intp)
    if settings.separation is None:
        # The first orders of 2016 and those after the export thins out are never delivered.
        first = purchase < seconds(datetime.date(2016, 10, 1))
        forced = np.flatnonzero(first | (purchase > LAST_DELIVERED_PURCHASE))
        status[forced] = np.where(rng.random(len(forced)) < 0.85, STATUS["canceled"], STATUS["shipped"])
    free: Index = np.delete(np.arange(len(purchase)), forced)
    codes = []
    for name, count in facts.STATUS_ORDERS.items():
        if name != "delivered":
            left = quota(count, facts.ORDERS, len(purchase)) - int((status == STATUS[name]).sum())
            codes.append(np.full(max(left, 0), STATUS[name], dtype=np.int8))
    undelivered = np.concatenate(codes)
    chosen = pick(free, len(undelivered), rng)
    status[rng.permutation(chosen)] = undelivered[: len(chosen)]
    return status


def _approval_delay(payment: Bytes, rng: np.random.Generator) -> Ints:
    """Seconds from purchase to approval: minutes for most cards, a day or two for a bank slip."""
    size = len(payment)
    hours = 0.25 * exp(0.45 * bell(size, rng))
    slow = rng.random(size, dtype=np.float32) < np.where(payment == PAYMENT["debit_card"], 0.40, 0.22)
    hours[slow] = 17.0 * exp(0.7 * bell(int(slow.sum()), rng))
    slip = payment == PAYMENT["boleto"]
    hours[slip] = 28.0 * exp(0.7 * bell(int(slip.sum()), rng))
    hours[rng.random(size, dtype=np.float32) < 0.013] = 0
    delay: Ints = (np.minimum(hours, 700) * 3600).astype(np.int32)
    return delay


def _forget_timestamps(orders: Orders, rng: np.random.Generator) -> None:
    """Blank what a status never reached, and plant the published odd ones."""
    size = len(orders.status)

    def of(name: str) -> Index:
        return np.flatnonzero(orders.status == STATUS[name])

    def take(candidates: Index, count: int) -> Index:
        return pick(candidates, quota(count, facts.ORDERS, size), rng)

    delivered = of("delivered")
    early = take(delivered, facts.CARRIER_BEFORE_APPROVAL)
    hours = exp(1.0 + bell(len(early), rng))
    orders.carrier[early] = orders.approved[early] - 60 - (np.minimum(hours, 120) * 3600).astype(np.int32)
    swapped = take(delivered, facts.DELIVERY_BEFORE_CARRIER)
    orders.carrier[swapped] = orders.delivered[swapped] + rng.integers(3600, 3 * DAY, len(swapped), dtype=np.int32)
    orders.approved[take(delivered, facts.DELIVERED_WITHOUT_APPROVAL)] = -1
    orders.carrier[take(delivered, facts.DELIVERED_WITHOUT_CARRIER)] = -1
    orders.delivered[take(delivered, facts.DELIVERED_WITHOUT_DELIVERY)] = -1

    orders.delivered[of("shipped")] = -1
    for name in ("unavailable", "invoiced", "processing", "approved", "created"):
        orders.carrier[of(name)] = -1
        orders.delivered[of(name)] = -1
    orders.approved[of("created")] = -1
    canceled = rng.permutation(of("canceled"))
    total = facts.STATUS_ORDERS["canceled"]
    for times, count in (
        (orders.approved, facts.CANCELED_WITH_APPROVAL),
        (orders.carrier, facts.CANCELED_WITH_CARRIER),
        (orders.delivered, facts.CANCELED_WITH_DELIVERY),
    ):
        times[canceled[quota(count, total, len(canceled)) :]] = -1
