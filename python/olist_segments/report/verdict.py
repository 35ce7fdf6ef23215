"""The three sentences at the top of the report, written from the numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from scipy.stats import binomtest

from olist_segments.report.source import Row
from olist_segments.report.words import a_number, count, day, decimals, listed, plural, share

LOW_SCORE = 3.0
"""Mean score, of 5 stars, below which a segment is called dissatisfied."""

BY_CHANCE = 0.05
"""Kind and stage are called better where as many better months have less than this chance under a fair coin."""


@dataclass(frozen=True)
class Facts:
    """What the sentences rest on.

    `segments`: rows of the query segments, the most valuable first; `scores`: mean review score of each segment key,
    without those of whom none is known; `customer_score`: that of all customers; `came_back_share`: customers who
    bought on more than one day, 0 to 1; `judged_months` and `better_months`: dates on which kinds and stages could be
    judged by what came next, and those of them on which they ranked customers better than the RFM rules.
    """

    as_of_date: date
    segments: list[Row]
    scores: dict[str, float]
    customer_score: float | None
    came_back_share: float
    judged_months: int
    better_months: int


def sentences(facts: Facts) -> list[str]:
    """Three sentences: what there is, whom to care for, and what the segments are good for."""
    return [_what_there_is(facts), _whom_to_care_for(facts), _what_they_are_good_for(facts)]


def _what_there_is(facts: Facts) -> str:
    customers = sum(row["customer_count"] for row in facts.segments)
    first = facts.segments[0]
    if len(facts.segments) == 1:
        return (
            f"On {day(facts.as_of_date)} the marketplace has {plural(customers, 'customer')}, all of one "
            f"kind, {first['segment_name']}."
        )
    return (
        f"On {day(facts.as_of_date)} the marketplace has {plural(customers, 'customer')} of "
        f"{a_number(len(facts.segments))} kinds. The most valuable, {first['segment_name']}, has "
        f"{share(first['customer_share'])} of the customers and {share(first['revenue_share'])} of the revenue."
    )


def _whom_to_care_for(facts: Facts) -> str:
    if not facts.scores or facts.customer_score is None:
        return "No review is known, so nothing can be said about satisfaction."
    low = [row for row in facts.segments if facts.scores.get(row["segment_key"], LOW_SCORE) < LOW_SCORE]
    if len(facts.segments) == 1:
        return f"Their orders get {decimals(facts.customer_score, 1)} of 5 stars on average."
    if not low:
        least = min(
            (row for row in facts.segments if row["segment_key"] in facts.scores),
            key=lambda row: (facts.scores[row["segment_key"]], row["segment_key"]),
        )
        return (
            f"No kind of customer gives its orders less than {LOW_SCORE:.0f} of 5 stars on average; the lowest score "
            f"comes from {least['segment_name']}, {decimals(facts.scores[least['segment_key']], 1)}, compared with "
            f"{decimals(facts.customer_score, 1)} for all customers."
        )
    customers = share(sum(row["customer_share"] for row in low))
    reviewed = share(sum(row["share_of_reviewed"] for row in low))
    revenue = share(sum(row["revenue_share"] for row in low))
    names = listed([row["segment_name"] for row in low])
    which = f"One kind, {names}, gives" if len(low) == 1 else f"{a_number(len(low)).capitalize()} kinds, {names}, give"
    return (
        f"{which} less than {LOW_SCORE:.0f} of 5 stars on average: {customers} of the customers ({reviewed} of those "
        f"with a review), with {revenue} of the revenue. Resolve their complaints before any campaign."
    )


def _what_they_are_good_for(facts: Facts) -> str:
    back = f"Of all customers {share(facts.came_back_share)} have come back on another day"
    if facts.judged_months == 0:
        return f"{back}, and history is too short to tell whether kind and stage predict who orders again."
    better, months = facts.better_months, plural(facts.judged_months, "month")
    times = "none" if better == 0 else count(better)
    told = f"{back}, and kind and stage predicted who orders again better than simple RFM rules in {times} of {months}"
    if binomtest(better, facts.judged_months, alternative="greater").pvalue < BY_CHANCE:
        return f"{told}, so use them to choose how to treat customers and whom to write to first."
    chance = ", no more often than chance can explain" if better * 2 > facts.judged_months else ""
    return f"{told}{chance}, so use them to choose how to treat customers, not to predict who returns."
