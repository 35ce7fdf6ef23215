"""The whole draw: from settings to arrays, in numpy; ids are left as whole numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from olist_segments.generator import facts
from olist_segments.generator.baskets import Catalogue, Items, Payments, draw_catalogue, draw_items, draw_payments
from olist_segments.generator.geography import (
    Geolocation,
    Prefixes,
    draw_geolocation,
    draw_homes,
    draw_prefixes,
    move_some,
)
from olist_segments.generator.kinds import draw_persons
from olist_segments.generator.orders import DAY, Orders, draw_orders, draw_purchases, reassign_buyers
from olist_segments.generator.responses import answer_campaigns
from olist_segments.generator.reviews import Reviews, draw_reviews
from olist_segments.generator.sampling import Bytes, Flags, Ints
from olist_segments.generator.settings import Settings, seconds


@dataclass
class Marketplace:
    """All tables as arrays; `place` is each order's prefix index, `kind` each person's planted kind."""

    settings: Settings
    prefixes: Prefixes
    place: Ints
    kind: Bytes
    orders: Orders
    catalogue: Catalogue
    items: Items
    payments: Payments
    reviews: Reviews
    geolocation: Geolocation

    @property
    def is_placed(self) -> Flags:
        """Which orders the export holds."""
        return self.has_happened(self.orders.purchase)

    def known(self, times: Ints) -> Ints:
        """The times, -1 for those that the export does not hold yet."""
        return np.where(self.has_happened(times), times, np.int32(-1))

    def has_happened(self, times: Ints) -> Flags:
        """Which times lie in the days that the export is of."""
        until = self.settings.until
        if until is None:
            return np.ones(len(times), dtype=np.bool_)
        return times < seconds(until) + DAY


def draw(settings: Settings) -> Marketplace:
    """Draw a marketplace; about 200 bytes of memory an order at the peak."""
    persons = draw_persons(settings, facts.PERSON_ORDERS)
    prefixes = draw_prefixes(settings)
    homes = draw_homes(settings, prefixes, len(persons.kind))
    person, turn, purchase = draw_purchases(settings, persons)
    buyer = reassign_buyers(settings, person, purchase)
    place = move_some(settings, prefixes, buyer, homes)
    orders = draw_orders(settings, person, buyer, turn, purchase, prefixes.state[place])
    catalogue = draw_catalogue(settings, prefixes)
    items, total, several = draw_items(settings, persons, orders, catalogue, prefixes, place)
    payments = draw_payments(settings, orders, total)
    reviews = draw_reviews(settings, persons, orders, several)
    used = np.unique(np.concatenate([place, catalogue.seller_home]))
    # Once all is drawn: whoever answers a campaign changes who bought, and nothing else.
    answer_campaigns(settings, orders, place)
    return Marketplace(
        settings=settings,
        prefixes=prefixes,
        place=place,
        kind=persons.kind,
        orders=orders,
        catalogue=catalogue,
        items=items,
        payments=payments,
        reviews=reviews,
        geolocation=draw_geolocation(settings, prefixes, used),
    )
