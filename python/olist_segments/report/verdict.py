"""The sentences at the top of the report, written from the numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from olist_segments.report.source import Row
from olist_segments.report.words import a_number, day, decimals, listed, plural, share
from olist_segments.shop import Shop

_COMPARED = {"better": "better than", "worse": "worse than"}

LOW_SCORE = 3.0
"""Mean score, of 5 stars, below which a segment is called dissatisfied."""


@dataclass(frozen=True)
class Facts:
    """What the sentences rest on.

    `segments`: rows of the query segments, the most valuable first; `scores`: mean review score of each segment key,
    without those of whom none is known; `customer_score`: that of all customers; `came_back_share`: customers who
    bought on more than one day, 0 to 1; `comparison`: rows of the query comparison_overall by segmentation, none where
    history is too short to judge; `shop`: what it is called, and whether it has reviews at all.
    """

    as_of_date: date
    segments: list[Row]
    scores: dict[str, float]
    customer_score: float | None
    came_back_share: float
    comparison: dict[str, Row]
    shop: Shop = field(default_factory=Shop)


def sentences(facts: Facts) -> list[str]:
    """What there is, whom to care for (where there are reviews), what the segments are good for: a sentence each."""
    satisfaction = [_whom_to_care_for(facts)] if facts.shop.has_reviews else []
    return [_what_there_is(facts), *satisfaction, _what_they_are_good_for(facts)]


def _what_there_is(facts: Facts) -> str:
    customers = sum(row["customer_count"] for row in facts.segments)
    first = facts.segments[0]
    if len(facts.segments) == 1:
        return (
            f"On {day(facts.as_of_date)} the {facts.shop.noun} has {plural(customers, 'customer')}, all of one "
            f"kind, {first['segment_name']}."
        )
    return (
        f"On {day(facts.as_of_date)} the {facts.shop.noun} has {plural(customers, 'customer')} of "
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
    found, naive = facts.comparison.get("clusters_by_stage"), facts.comparison.get("naive")
    if naive is None:
        return f"{back}, and history is too short to tell whether kind and stage predict who orders again."
    if found is None:
        return f"{back}, and there was too little to cluster to tell whether kind and stage predict who orders again."
    against_rfm, against_naive = found["comparison_status"], found["naive_comparison_status"]
    is_naive_better = naive["comparison_status"] == "better than rfm"
    against = both_compared(
        found, "simple RFM rules", "a rule of thumb (returning customers first, then the most recent)"
    )
    of_rules = "; the rule of thumb did so better than the RFM rules" if is_naive_better else ""
    told = (
        f"{back}. Over {plural(found['date_count'], 'month')}, kind and stage predicted who orders again {against}"
        f"{of_rules}. Use kind and stage to choose how to treat customers"
    )
    if against_naive == "better than naive" and against_rfm != "worse than rfm":
        return f"{told} and whom to write to first."
    if against_rfm == "better than rfm" and against_naive == "no difference" and is_naive_better:
        return f"{told}, and either of the two for whom to write to first."
    if against_naive == "worse than naive" or is_naive_better:
        return f"{told}, and the rule of thumb for whom to write to first."
    return f"{told}, not to predict who returns."


def both_compared(row: Row, rfm: str, naive: str) -> str:
    """What a row of segmentation_comparison_overall is against both rules, each in the words given."""
    against_rfm, against_naive = (
        _COMPARED.get(row[status].partition(" ")[0], "with no clear difference from")
        for status in ("comparison_status", "naive_comparison_status")
    )
    if against_rfm == against_naive:
        return f"{against_rfm} {rfm} {'or' if against_rfm.endswith('from') else 'and'} {naive}"
    return f"{against_rfm} {rfm} and {against_naive} {naive}"
