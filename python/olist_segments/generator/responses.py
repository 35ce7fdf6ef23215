"""Planted answers to campaigns: some of those who were listed order once more."""

from __future__ import annotations

import hashlib

import numpy as np

from olist_segments.errors import UserError
from olist_segments.generator.orders import DAY, STATUS, Orders
from olist_segments.generator.sampling import Ints
from olist_segments.generator.settings import RESPONSE_DAYS, Settings, seconds


def person_id(seed: int, number: int) -> str:
    """The customer_unique_id of a person of the marketplace with this seed."""
    return hashlib.md5(f"{seed}:person:{number}".encode(), usedforsecurity=False).hexdigest()


def answer_campaigns(settings: Settings, orders: Orders, place: Ints) -> None:
    """Give purchases of one-time newcomers to a share of each list, in place: `orders.buyer` and their `place`.

    Nothing before the day after a list changes. UserError where a list is of another marketplace, or where there are
    too few newcomers.
    """
    if not settings.responses:
        return
    orders.buyer = orders.buyer.copy()
    numbers = {person_id(settings.seed, int(number)): int(number) for number in np.unique(orders.buyer)}
    for turn, response in enumerate(settings.responses):
        rng = settings.stream(f"response {turn}")
        unknown = [customer for customer in response.customers if customer not in numbers]
        if unknown:
            raise UserError(
                f"--response {response.name!r} lists {len(unknown)} customers whom this marketplace does not have: "
                "give the --orders and --seed of the marketplace that it is a list of."
            )
        start = seconds(response.date) + DAY
        in_window = (orders.purchase >= start) & (orders.purchase < start + RESPONSE_DAYS * DAY)
        counts = np.bincount(orders.buyer)
        is_sale = orders.has_items & (orders.status == STATUS["delivered"])
        newcomers = np.flatnonzero(in_window & is_sale & (counts[orders.buyer] == 1))
        count = round(response.share * len(response.customers))
        if count > len(newcomers):
            raise UserError(
                f"--response {response.name!r} asks for {count} orders, and one-time newcomers place {len(newcomers)} "
                f"in the {RESPONSE_DAYS} days after {response.date}: give a smaller share or more --orders."
            )
        listed = np.array([numbers[customer] for customer in response.customers], dtype=np.int32)
        answering = rng.choice(listed, count, replace=False)
        given = rng.choice(newcomers, count, replace=False)
        # The parcel goes where the customer lives, by the oldest order.
        oldest = np.lexsort((orders.purchase, orders.buyer))
        first = oldest[np.searchsorted(orders.buyer[oldest], answering)]
        place[given] = place[first]
        orders.buyer[given] = answering
