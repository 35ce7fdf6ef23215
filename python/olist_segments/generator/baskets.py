"""What is bought and how it is paid: products, sellers, items with prices and freight, payments. Money is in cents."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from olist_segments.generator import facts
from olist_segments.generator.categories import CATEGORIES
from olist_segments.generator.geography import STATES, Prefixes, draw_seller_homes
from olist_segments.generator.kinds import Persons
from olist_segments.generator.orders import DAY, PAYMENT, STATUS, Orders
from olist_segments.generator.sampling import (
    Bytes,
    Floats,
    Index,
    Ints,
    bell,
    choose,
    exp,
    largest_remainder,
    log,
    pick,
    power,
    quota,
    spread,
)
from olist_segments.generator.settings import Settings, seconds

# Planted mode: log of the common centre of a person's spend (BRL), and its step for one latent standard deviation.
LOG_SPEND_CENTRE = 4.6
LOG_SPEND_SCALE = 0.5
SPEND_CHANGE = 1.8
NO_CATEGORY = -1


@dataclass
class Catalogue:
    """Products (one element each; -1 for missing) and sellers.

    `category` indexes CATEGORIES, then the untranslated ones.
    """

    category: Ints
    log_price: Floats
    name_length: Ints
    description_length: Ints
    photos: Ints
    grams: Ints
    length: Ints
    height: Ints
    width: Ints
    seller: Ints
    popularity: npt.NDArray[np.float64]
    seller_home: Ints


@dataclass
class Items:
    """One element an item, grouped by order: order, number inside it, product, price, freight, shipping limit."""

    order: Ints
    number: Ints
    product: Ints
    price: Ints
    freight: Ints
    limit: Ints


@dataclass
class Payments:
    """One element a payment row, grouped by order."""

    order: Ints
    number: Ints
    type: Bytes
    installments: Bytes
    value: Ints


def draw_catalogue(settings: Settings, prefixes: Prefixes) -> Catalogue:
    """Draw products and sellers in proportion to the orders: 32,951 and 3,095 for 99,441."""
    rng = settings.stream("catalogue")
    products = max(1, quota(facts.PRODUCTS, facts.ORDERS, settings.orders))
    sellers = max(1, quota(facts.SELLERS, facts.ORDERS, settings.orders))
    weight = [category.weight**0.9 for category in CATEGORIES]
    category = choose(weight, products, rng)
    rare = np.arange(products)
    for number, count in enumerate(facts.UNTRANSLATED_CATEGORIES.values()):
        category[pick(rare, quota(count, facts.PRODUCTS, products), rng)] = len(CATEGORIES) + number
    log_price = np.array([row.log_price for row in CATEGORIES] + [4.8, 5.6])[category] + 0.85 * bell(products, rng)
    grams = np.array([row.grams for row in CATEGORIES] + [3000, 1500])[category]
    grams = grams * np.exp(0.7 * bell(products, rng) + 0.35 * (log_price - 4.4))
    # Real listings weigh whole steps of 50 g.
    grams = np.clip(np.rint(grams / 50) * 50, 50, 30_000).astype(np.int32)
    side = np.cbrt(grams * 6.0)
    dimensions = [
        np.clip(np.rint(side * factor * exp(0.35 * bell(products, rng))), low, 105).astype(np.int32)
        for factor, low in ((1.75, 16), (0.8, 2), (1.2, 8))
    ]
    name_length = np.clip(np.rint(63 - 14 * power(np.abs(bell(products, rng)), 1.1)), 5, 76).astype(np.int32)
    description = np.clip(590 * exp(0.78 * bell(products, rng)), 4, 3992).astype(np.int32)
    photos = 1 + choose((479, 186, 124, 80, 54, 29, 15, 9, 3, 4, 1, 1, 1), products, rng)
    nameless = pick(np.arange(products), quota(facts.PRODUCTS_WITHOUT_CATEGORY, facts.PRODUCTS, products), rng)
    for column in (category, name_length, description, photos):
        column[nameless] = NO_CATEGORY
    odd = pick(np.arange(products), quota(6, facts.PRODUCTS, products), rng)
    unmeasured = quota(facts.PRODUCTS_WITHOUT_MEASURES, facts.PRODUCTS, products)
    for column in (grams, *dimensions):
        column[odd[:unmeasured]] = -1
    grams[odd[unmeasured:]] = 0
    # Zipf-like shop windows: the first product sells about 0.4 % of all items, the first seller about 2 %.
    popularity = np.power(np.arange(products) + 6.0, -0.75)
    rng.shuffle(popularity)
    shops = np.power(np.arange(sellers) + 6.0, -0.8)
    return Catalogue(
        category=category,
        log_price=log_price.astype(np.float32),
        name_length=name_length,
        description_length=description,
        photos=photos.astype(np.int32),
        grams=grams,
        length=dimensions[0],
        height=dimensions[1],
        width=dimensions[2],
        seller=_sellers_of_products(products, shops, rng),
        popularity=popularity,
        seller_home=draw_seller_homes(settings, prefixes, sellers),
    )


def draw_items(
    settings: Settings, persons: Persons, orders: Orders, catalogue: Catalogue, prefixes: Prefixes, place: Ints
) -> tuple[Items, Ints, npt.NDArray[np.bool_]]:
    """Draw every order's items; return them, each order's total in cents, and which orders have several items.

    The total of an order without items is that of the basket it would have had: its payment is still there.
    `place` is the prefix index of each order.
    """
    rng = settings.stream("items")
    size = settings.orders
    # The published numbers of items are those of the orders that have some: the baskets nobody sees hold one.
    filled, unseen = np.flatnonzero(orders.has_items), np.flatnonzero(~orders.has_items)
    count = np.concatenate([spread(facts.ORDER_ITEMS, len(filled), rng), np.ones(len(unseen), dtype=np.int32)])
    basket_of = np.empty(size, dtype=np.int32)
    basket_of[filled] = np.arange(len(filled))
    basket_of[unseen] = np.arange(len(filled), size)
    basket, number = _expand(count)
    product = _products_of_baskets(count, basket, number, catalogue, rng)
    if settings.separation is None:
        price = _list_prices(product, catalogue, rng)
        total = np.bincount(basket, weights=price, minlength=size).astype(np.float32)
        latent = (np.float32(0.6) * persons.monetary[orders.person] + bell(size, rng))[filled]
        basket_of[filled[np.argsort(latent, kind="stable")]] = np.argsort(total[: len(filled)], kind="stable")
        del total, latent
    else:
        price = np.zeros(len(product), dtype=np.int32)
    start = (np.cumsum(count) - count)[basket_of]
    count = count[basket_of]
    order, number = _expand(count)
    source = start[order] + number
    product, price = product[source], price[source]
    del source, start, basket, basket_of
    if settings.separation is not None:
        price = _planted_prices(settings, persons, orders, count, order, rng)
    change = settings.change
    if change is not None and change.feature == "spend":
        raised = np.minimum(np.rint(price * SPEND_CHANGE), facts.MAXIMUM_PRICE * 100)
        price = np.where(orders.purchase[order] >= seconds(change.date), raised, price).astype(np.int32)
    freight = _freights(settings, catalogue, prefixes, product, place[order], rng)
    if settings.separation is not None:
        freight = np.maximum(freight // count[order], 1).astype(np.int32)
    days = np.array(list(facts.SHIPPING_LIMIT_DAYS), dtype=np.int32)
    days = days[choose(list(facts.SHIPPING_LIMIT_DAYS.values()), size, rng)]
    known = np.where(orders.approved >= 0, orders.approved, orders.purchase)
    limit = ((known + days * DAY) // 60 * 60).astype(np.int32)
    total_cents = np.rint(np.bincount(order, weights=price + freight, minlength=size)).astype(np.int32)
    kept = orders.has_items[order]
    items = Items(
        order=order[kept],
        number=number[kept] + 1,
        product=product[kept],
        price=price[kept],
        freight=freight[kept],
        limit=limit[order[kept]],
    )
    return items, total_cents, count > 1


def draw_payments(settings: Settings, orders: Orders, total: Ints) -> Payments:
    """Draw every order's payments: they add up to `total` (cents), but for 0.58 % of the orders."""
    rng = settings.stream("payments")
    size = settings.orders
    total = total.copy()
    wrong = pick(np.flatnonzero(orders.has_items), round(facts.PAYMENT_MISMATCH * size), rng)
    # Two in three are rounding, the others interest or a discount.
    rounding = rng.choice(np.array([-2, -1, -1, -1, 1, 1], dtype=np.int32), len(wrong))
    interest = np.rint(total[wrong] * (0.04 + 0.03 * bell(len(wrong), rng))).astype(np.int32)
    interest = np.where(interest == 0, np.int32(1), interest)
    total[wrong] += np.where(rng.random(len(wrong)) < 0.66, rounding, interest)
    total[orders.payment == PAYMENT["not_defined"]] = 0

    count = np.ones(size, dtype=np.int32)
    splittable = np.flatnonzero(
        ((orders.payment == PAYMENT["credit_card"]) | (orders.payment == PAYMENT["voucher"])) & (total > 2000)
    )
    rows = [
        np.full(quota(orders_of, facts.ORDERS, size), number, dtype=np.int32)
        for number, orders_of in facts.ORDER_PAYMENTS.items()
        if number > 1
    ]
    several = np.concatenate(rows)
    chosen = rng.permutation(pick(splittable, len(several), rng))
    count[chosen] = several[: len(chosen)]
    unpaid = pick(
        np.flatnonzero((orders.status == STATUS["delivered"]) & (count == 1)),
        quota(facts.ORDERS_WITHOUT_PAYMENT, facts.ORDERS, size),
        rng,
    )
    count[unpaid] = 0

    order, number = _expand(count)
    kind = orders.payment[order]
    further = np.flatnonzero(number)
    second_card = (number[further] == 1) & (count[order[further]] == 2) & (rng.random(len(further)) < 0.12)
    kind[further] = np.where(second_card, PAYMENT["credit_card"], PAYMENT["voucher"])
    value = _split(total, count, order, further, rng)
    zero = pick(further, quota(facts.ZERO_VOUCHERS, facts.ORDERS, size), rng)
    zero = zero[kind[zero] == PAYMENT["voucher"]]
    np.add.at(value, zero - number[zero], value[zero])
    value[zero] = 0
    installments = np.ones(len(order), dtype=np.int8)
    cards = np.flatnonzero(kind == PAYMENT["credit_card"])
    plans = np.repeat(
        np.fromiter(facts.CARD_INSTALLMENTS, dtype=np.int8),
        largest_remainder(list(facts.CARD_INSTALLMENTS.values()), len(cards)),
    )
    latent = 0.75 * log(value[cards].astype(np.float32) + 100) + bell(len(cards), rng)
    installments[cards[np.argsort(latent, kind="stable")]] = plans
    return Payments(order=order, number=number + 1, type=kind, installments=installments, value=value)


def _expand(count: Ints) -> tuple[Ints, Ints]:
    """Owner and position (from 0) of each of the `count` rows of every owner."""
    owner = np.repeat(np.arange(len(count), dtype=np.int32), count)
    first = np.cumsum(count, dtype=np.int32) - count
    return owner, np.arange(len(owner), dtype=np.int32) - first[owner]


def _sellers_of_products(products: int, shops: npt.NDArray[np.float64], rng: np.random.Generator) -> Ints:
    """A seller for each product, sorted so that neighbours share one; every seller has a product if possible."""
    extra = max(products - len(shops), 0)
    return np.sort(np.concatenate([np.arange(len(shops))[:products], choose(shops, extra, rng)])).astype(np.int32)


def _products_of_baskets(
    count: Ints, basket: Ints, number: Ints, catalogue: Catalogue, rng: np.random.Generator
) -> Ints:
    products = len(catalogue.popularity)
    main = choose(catalogue.popularity, len(count), rng)
    # What is bought by the dozen is cheap: the cheaper of two products goes into a basket of several.
    several = np.flatnonzero(count > 1)
    rival = choose(catalogue.popularity, len(several), rng)
    cheaper = catalogue.log_price[rival] < catalogue.log_price[main[several]]
    main[several[cheaper]] = rival[cheaper]
    # Every listed product is sold at least once.
    single = np.flatnonzero(count == 1)[:products]
    main[single] = np.arange(len(single))
    product = main[basket]
    further = np.flatnonzero(number)
    mix = rng.random(len(count), dtype=np.float32)[basket[further]]
    same_shop = (mix >= 0.64) & (mix < 0.83)
    product[further[same_shop]] = (product[further[same_shop]] + number[further[same_shop]]) % products
    other = further[mix >= 0.83]
    product[other] = choose(catalogue.popularity, len(other), rng)
    return product


def _list_prices(product: Ints, catalogue: Catalogue, rng: np.random.Generator) -> Ints:
    """Price of each item in cents: products keep their rank by category, the items take the published quantiles."""
    sales = np.bincount(product, minlength=len(catalogue.log_price))
    by_price = np.argsort(catalogue.log_price, kind="stable")
    middle = np.cumsum(sales[by_price]) - sales[by_price] / 2
    shares, prices = np.array(facts.PRICE_QUANTILES).T
    listed = np.empty(len(sales))
    listed[by_price] = np.exp(np.interp(middle / len(product), shares, np.log(prices)))
    whole = np.floor(listed)
    ending = np.array([0.90, 0.0, 0.99, 0.50])[choose((40, 31, 21, 8), len(listed), rng)]
    charming = (listed >= 5) & (rng.random(len(listed)) < 0.9)
    listed = np.where(charming, whole + ending, listed)
    price = listed[product]
    # Sellers reprice: one item in eight sells some per cent off its list price.
    moved = np.flatnonzero(rng.random(len(product), dtype=np.float32) < 0.125)
    price[moved] *= exp(0.06 * bell(len(moved), rng))
    cents: Ints = np.clip(np.rint(price * 100), 85, facts.MAXIMUM_PRICE * 100).astype(np.int32)
    return cents


def _planted_prices(
    settings: Settings, persons: Persons, orders: Orders, count: Ints, order: Ints, rng: np.random.Generator
) -> Ints:
    """Prices that make each person's spend log-normal about the kind's centre, shared out over orders and items."""
    share = exp(0.15 * bell(settings.orders, rng))
    whole = np.bincount(orders.person, weights=share, minlength=len(persons.orders))
    spend = exp(np.minimum(LOG_SPEND_CENTRE + LOG_SPEND_SCALE * persons.monetary, 10))
    cents = 100 * spend[orders.person] * share / whole[orders.person] / count
    price: Ints = np.clip(np.rint(cents), 85, facts.MAXIMUM_PRICE * 100).astype(np.int32)
    return price[order]


def _freights(
    settings: Settings, catalogue: Catalogue, prefixes: Prefixes, product: Ints, place: Ints, rng: np.random.Generator
) -> Ints:
    """Freight of each item in cents, by the buyer's state, the weight, and whether the seller is in the same state."""
    away = log(np.array([facts.STATE_FREIGHT[state] for state in STATES], dtype=np.float32) * 1.05)
    buyer_state = prefixes.state[place]
    seller_state = prefixes.state[catalogue.seller_home][catalogue.seller[product]]
    level = away[buyer_state]
    local = seller_state == buyer_state
    level[local] = np.float32(np.log(12.4))
    distant_paulista = ~local & (buyer_state == STATES.index("SP"))
    level[distant_paulista] = np.float32(np.log(20.4))
    level += (0.2 * np.log(np.maximum(catalogue.grams, 50) / 700.0)).astype(np.float32)[product]
    level += np.float32(0.45) * bell(len(product), rng)
    cost = np.clip(exp(level) * np.float32(0.85), 0.02, facts.FREIGHT_MAXIMUM)
    freight: Ints = np.rint(cost * 100).astype(np.int32)
    freight[pick(np.arange(len(product)), quota(facts.FREIGHT_FREE_ITEMS, facts.ITEM_ROWS, len(product)), rng)] = 0
    return freight


def _split(total: Ints, count: Ints, order: Ints, further: Index, rng: np.random.Generator) -> Ints:
    """Share each order's total out over its rows, to the cent: the first row is the largest on average."""
    value = total[order].astype(np.int32)
    if further.size == 0:
        return value
    rows = np.flatnonzero(count[order] > 1)
    share = rng.exponential(size=len(rows)) + 0.05
    share[np.isin(rows, further, invert=True)] += 1.5
    owner = np.unique(order[rows], return_inverse=True)[1]
    first = np.searchsorted(owner, np.arange(owner[-1] + 1))
    running = np.cumsum(share)
    before = (running - share)[first][owner]
    whole = np.bincount(owner, weights=share)[owner]
    upper = np.floor(total[order[rows]] * np.minimum((running - before) / whole, 1.0) + 1e-9)
    last = np.append(first[1:], len(rows)) - 1
    upper[last] = total[order[rows[last]]]
    parts = upper.copy()
    parts[1:] -= upper[:-1]
    parts[first] = upper[first]
    value[rows] = parts.astype(np.int32)
    return value
