"""Reviews: a score that follows the delivery and the person, a request, an answer, and the dirt of the review table."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from olist_segments.generator import facts
from olist_segments.generator.kinds import Persons, mean_score
from olist_segments.generator.orders import DAY, LAST_ANSWER_DAY, LAST_REQUEST_DAY, Orders
from olist_segments.generator.sampling import Bytes, Floats, Ints, bell, choose, exp, pick, quota, rank_share
from olist_segments.generator.settings import Settings, seconds


@dataclass
class Reviews:
    """One element a review row: order, row whose id it carries, score, text draws (-1: none), request and answer."""

    order: Ints
    identity: Ints
    score: Bytes
    title: Ints
    message: Ints
    created: Ints
    answered: Ints


def draw_reviews(settings: Settings, persons: Persons, orders: Orders, several_items: npt.NDArray[np.bool_]) -> Reviews:
    """Draw the review rows of all orders, in the orders file's order; `several_items` marks orders of 2 or more."""
    rng = settings.stream("reviews")
    size = settings.orders
    score_of_order, classes = _order_scores(settings, persons, orders, several_items, rng)
    reviewed = np.ones(size, dtype=np.bool_)
    reviewed[pick(np.arange(size), quota(facts.ORDERS_WITHOUT_REVIEW, facts.ORDERS, size), rng)] = False
    once = np.flatnonzero(reviewed)
    thrice = quota(facts.ORDERS_WITH_THREE_REVIEWS, facts.ORDERS, size)
    several = pick(once, quota(facts.ORDERS_WITH_TWO_REVIEWS, facts.ORDERS, size) + thrice, rng)
    order = np.sort(np.concatenate([once, several, rng.permutation(several)[:thrice]])).astype(np.int32)
    again = np.zeros(len(order), dtype=np.bool_)
    again[1:] = order[1:] == order[:-1]

    score = score_of_order[order]
    if settings.separation is None:
        changed = np.flatnonzero(again & (rng.random(len(order)) < 0.4))
        redrawn = _score(rng.random(len(changed), dtype=np.float32), classes[order[changed]])
        score[changed] = _lowered(settings, orders.purchase[order[changed]], redrawn)

    purchase_day = orders.purchase[order] // DAY
    estimated_day = orders.estimated[order] // DAY
    delivered_day = np.where(orders.delivered[order] >= 0, orders.delivered[order] // DAY, estimated_day + 1)
    # The request follows the delivery by a day, or the estimated date by two when nothing has arrived by then.
    created_day = np.minimum(delivered_day + 1, estimated_day + 2)
    created_day += np.array([-1, 0, 1, 2, 4], dtype=np.int32)[choose((27, 915, 24, 12, 22), len(order), rng)]
    created_day += np.where(again, rng.integers(1, 25, len(order), dtype=np.int32), 0)
    created_day = np.maximum(np.minimum(created_day, LAST_REQUEST_DAY), purchase_day + 1).astype(np.int32)
    lag = choose((*facts.ANSWER_DAYS, 1 - sum(facts.ANSWER_DAYS)), len(order), rng)
    tail = np.flatnonzero(lag == len(facts.ANSWER_DAYS))
    lag[tail] += np.minimum(8 * exp(1.1 * bell(len(tail), rng)), 400).astype(np.int32)
    lag = np.minimum(lag, np.maximum(LAST_ANSWER_DAY - created_day, 0))
    moment = choose(facts.ANSWER_HOUR_WEIGHTS, len(order), rng) * 3600
    moment += rng.integers(0, 3600, len(order), dtype=np.int32)
    created = created_day * DAY
    # The night clocks went forward in October 2017 had no midnight.
    created[created_day == seconds(datetime.date(2017, 10, 15)) // DAY] += 3600
    answered = (created_day + lag) * DAY + np.maximum(moment, 3700)

    share = np.array(facts.MESSAGE_SHARE, dtype=np.float32)
    message = np.where(
        rng.random(len(order), dtype=np.float32) < share[score - 1],
        rng.integers(0, 2**31 - 1, len(order), dtype=np.int32),
        np.int32(-1),
    )
    titled = created >= seconds(datetime.date(*facts.TITLES_FROM))
    titled &= rng.random(len(order), dtype=np.float32) < facts.TITLE_SHARE
    title = np.where(titled, rng.integers(0, 1000, len(order), dtype=np.int32), np.int32(-1))
    reviews = Reviews(
        order=order,
        identity=np.arange(len(order), dtype=np.int32),
        score=score,
        title=title,
        message=message,
        created=created,
        answered=answered,
    )
    _reuse_ids(reviews, orders.purchase, rng)
    return reviews


def _order_scores(
    settings: Settings,
    persons: Persons,
    orders: Orders,
    several_items: npt.NDArray[np.bool_],
    rng: np.random.Generator,
) -> tuple[Bytes, Bytes]:
    """Score of each order and its delivery class: 0 on time, 1 to 3 ever later, 4 not delivered."""
    days_late = (orders.delivered // DAY - orders.estimated // DAY).astype(np.int32)
    classes = np.searchsorted([0, 3, 6], days_late, side="right").astype(np.int8)
    classes[orders.delivered < 0] = 4
    if settings.separation is None:
        place = np.float32(0.45) * persons.score[orders.person] + bell(len(classes), rng)
        place[several_items] -= np.float32(facts.SEVERAL_ITEMS_SCORE_SHIFT)
        worst_start = seconds(datetime.date(*facts.WORST_MONTH, 1))
        worst = (orders.purchase >= worst_start) & (orders.purchase < worst_start + 31 * DAY)
        place[worst] -= np.float32(facts.WORST_MONTH_SCORE_SHIFT)
        score = _score(rank_share(place), classes)
    else:
        # Cumulative rounding: the mean over a person's orders is within half a point of the latent score.
        mean = mean_score(persons.score, settings.separation)[orders.person]
        score = (np.floor(mean * (orders.turn + 1) + 0.5) - np.floor(mean * orders.turn + 0.5)).astype(np.int8)
        score = np.clip(score, 1, 5)
    return _lowered(settings, orders.purchase, score), classes


def _score(uniform: Floats, classes: Bytes) -> Bytes:
    table = np.array(
        [
            facts.SCORES_ON_TIME,
            facts.SCORES_LATE_UNDER_3_DAYS,
            facts.SCORES_LATE_UNDER_6_DAYS,
            facts.SCORES_LATE_LONGER,
            facts.SCORES_UNDELIVERED,
        ],
        dtype=np.float32,
    )
    score = np.ones(len(uniform), dtype=np.int8)
    for limit in table.T:
        score += uniform > limit[classes]
    return score


def _lowered(settings: Settings, purchase: Ints, score: Bytes) -> Bytes:
    change = settings.change
    if change is None or change.feature != "satisfaction":
        return score
    return np.where(purchase >= seconds(change.date), np.maximum(score - 1, 1), score).astype(np.int8)


def _reuse_ids(reviews: Reviews, purchase: Ints, rng: np.random.Generator) -> None:
    """Let one review stand on two or three orders: same id, score, text and times.

    The orders are neighbours by request day and score, so that the copies change no distribution.
    """
    neighbours = np.argsort(reviews.created // DAY * 8 + reviews.score, kind="stable")
    thrice = quota(facts.REVIEW_IDS_ON_THREE_ORDERS, facts.ORDERS, len(purchase))
    wanted = quota(facts.REVIEW_IDS_ON_TWO_ORDERS, facts.ORDERS, len(purchase)) + thrice
    starts = 4 * pick(np.arange(len(neighbours) // 4), wanted, rng)
    for step, chosen in ((1, starts), (2, starts[:thrice])):
        source, copy = neighbours[chosen], neighbours[chosen + step]
        # A copy onto an order that already has a row of this id would break the key (review_id, order_id).
        distinct = reviews.order[source] != reviews.order[copy]
        distinct &= reviews.order[neighbours[chosen + 1]] != reviews.order[copy] if step == 2 else True
        distinct &= purchase[reviews.order[copy]] < reviews.created[source]
        source, copy = source[distinct], copy[distinct]
        for column in (
            reviews.identity,
            reviews.score,
            reviews.title,
            reviews.message,
            reviews.created,
            reviews.answered,
        ):
            column[copy] = column[source]
