"""What the section about the forecasts says: what is expected, how well it was calibrated, what else was tried.

Each figure is a function of the tables, as in figures.py; the other functions are the words of the section.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from olist_segments.forecast_words import PAST_RATE, model_name, reason_words
from olist_segments.report import charts
from olist_segments.report.charts import is_wide
from olist_segments.report.figure import Finding, Tables, unique
from olist_segments.report.figures import end_labels, month_labels
from olist_segments.report.palette import binned
from olist_segments.report.source import Row
from olist_segments.report.words import (
    count,
    day,
    decimals,
    month,
    plural,
    share,
    share2,
)
from olist_segments.shop import Shop

_REVENUE_EDGES = (0.01, 0.03, 0.06, 0.12, 0.2)
_RANKINGS = ((0.55, "hardly better than chance"), (0.65, "modest"), (0.75, "fair"))
"""What an AUC below so much is called."""
_QUARTER = 90


def facts(tables: Tables) -> Row | None:
    """The forecasts in force with their totals; None where the tables have none."""
    answer = tables.answers.get("forecast")
    return answer.rows[0] if answer is not None and answer.rows else None


def heading(fact: Row | None) -> str:
    """The heading of the section."""
    if fact is None or fact["outcome_days"] in (None, _QUARTER):
        return "What the next quarter brings"
    return f"What the next {fact['outcome_days']} days bring"


def lead(fact: Row | None) -> str:
    """What a forecast is, and whose."""
    words = (
        f"For every customer: how probable is an order {_within(fact)}, and how many orders and how much revenue are "
        "to be expected? An order is a day on which the customer buys."
    )
    if fact is None or fact["is_abstaining"]:
        return words
    return f"{words} The forecasts are by {model_name(fact['model'])}, fitted on {day(fact['fitted_on'])}."


def statements(fact: Row | None) -> list[str]:
    """What a reader must know before the figures, in large letters: that the forecasts abstain."""
    if fact is None or fact["expected_orders"] is None:
        return ["There is no forecast. No date of the past has been followed long enough to learn from."]
    if not fact["is_abstaining"]:
        return []
    return [
        f"The forecasts abstain: no model could be trusted here. {PAST_RATE[0].upper()}{PAST_RATE[1:]}. The groups are "
        f"those of a rule of thumb, “{model_name(fact['model'])}”. Reason: {reason_words(fact['reason'])}."
    ]


def notes(tables: Tables, fact: Row | None) -> list[str]:
    """How well it ranked, and what the figures of a year are worth, in plain words from the numbers."""
    if fact is None or fact["expected_orders"] is None:
        return []
    judged = [row for row in tables.rows("forecast_drift") if row["order_ratio"] is not None]
    return [*_ranking(fact, judged), _year(fact, tables.rows("forecast_year"), tables.shop)]


def _ranking(fact: Row, judged: Sequence[Row]) -> list[str]:
    auc = fact["ranking_auc"]
    if auc is None or fact["date_count"] is None:
        return ["No past date could be judged yet, so nobody knows how well these figures rank customers."]
    quality = next((words for limit, words in _RANKINGS if auc < limit), "good")
    words = (
        f"How good is it? It was judged on {plural(fact['date_count'], 'past date')}, from {day(fact['first_date'])} "
        f"to {day(fact['last_date'])}, each by what was known then. Of two customers, one who went on to order and one "
        f"who did not, it put the right one first {100 * auc:.0f} times in 100; a coin would do so 50 times"
    )
    if fact["rule_auc"] is not None and not fact["is_abstaining"]:
        words += f", the best rule of thumb {100 * fact['rule_auc']:.0f} times"
    words += f". That ranking is {quality}."
    top, everybody = fact["top_tenth_share"], fact["everybody_share"]
    if top is not None and fact["top_tenth_lift"] is not None:
        words += (
            f" The tenth with the highest probabilities ordered {decimals(fact['top_tenth_lift'], 1)} times as often "
            f"as everybody ({share2(top)} against {share2(everybody)}), and {'yet ' if top < 0.5 else ''}"
            f"{share(1 - top)} of that tenth did not order."
        )
    newest = judged[-1] if judged else None
    is_off = newest is not None and newest["drift_status"] == "off"
    if newest is not None:
        words += (
            f" After {day(newest['as_of_date'])}, {decimals(newest['order_ratio'])} orders were expected for each that "
            f"came{': plan no budget by it' if is_off else ''}."
        )
    budget = "" if is_off else "to plan a budget"
    if auc < _RANKINGS[0][0]:
        words += f" Use it {budget}, not to choose customers." if budget else " Choose no customers by it."
    elif auc < _RANKINGS[-1][0]:
        begin = "to decide where to begin, not to tell who will order"
        words += f" Use it {budget} and {begin}." if budget else f" Use it {begin}."
    return [words]


def _year(fact: Row, checks: Sequence[Row], shop: Shop) -> str:
    orders, revenue = fact["expected_orders_365_days"], fact["expected_revenue_365_days"]
    if orders is None or revenue is None:
        return "Nothing is said of 365 days: no past date has been followed for a year."
    words = f"For 365 days the tables expect {plural(round(orders), 'order')} and {shop.money(revenue)}."
    ratios = [row["order_ratio"] for row in checks if row["order_ratio"] is not None]
    if not ratios:
        return (
            f"{words} That is an extrapolation which no history has checked: no forecast of a year is old enough to be "
            "compared with what came."
        )
    low, high = decimals(min(ratios)), decimals(max(ratios))
    span = low if low == high else f"{low} to {high}"
    return (
        f"{words} Forecasts of a year could be compared with what came on {plural(len(ratios), 'date')}: they expected "
        f"{span} times the orders."
    )


def forecast_groups(tables: Tables) -> Finding | None:
    """Every kind at every stage of life: what is expected of it. None where nothing is."""
    rows, stages, fact = tables.rows("forecast_groups"), tables.rows("stages"), facts(tables)
    if fact is None or fact["expected_orders"] is None:
        return None
    keys = unique(row["segment_key"] for row in rows)
    names = {row["segment_key"]: row["segment_name"] for row in rows}
    found = {(row["segment_key"], row["stage_key"]): row for row in rows}
    totals = {
        stage["stage_key"]: _total([row for row in rows if row["stage_key"] == stage["stage_key"]]) for stage in stages
    }

    def chart(width: int) -> Any:
        wide = is_wide(width)
        boxes = {}
        for number, stage in enumerate(stages):
            for place, key in enumerate(keys):
                row = found.get((key, stage["stage_key"]))
                boxes[place, number] = _box(tables.shop, names[key], stage["stage_name"], row, wide=wide)
            total = totals[stage["stage_key"]]
            boxes[len(keys), number] = _box(
                tables.shop, "All customers", stage["stage_name"], total, wide=wide, is_total=True
            )
        columns = [
            charts.Heading(stage["stage_name"], _orders(totals[stage["stage_key"]], wide=wide)) for stage in stages
        ]
        kinds = [
            charts.Heading(
                names[key],
                f"{share(_total([row for row in rows if row['segment_key'] == key])['revenue_share'])} of it",
            )
            for key in keys
        ]
        return charts.cross_table(
            width,
            columns,
            [*kinds, charts.Heading("All customers", tables.shop.money(fact["expected_revenue"]))],
            boxes,
        )

    title = (
        f"{plural(round(fact['expected_orders']), 'order')} and {tables.shop.money(fact['expected_revenue'])} are to "
        f"be expected {_within(fact)} from the {plural(fact['customer_count'], 'customer')} known today"
    )
    return Finding(
        title,
        day(tables.as_of),
        chart,
        "Cross table of kinds and stages of life with what is expected of them. "
        + " ".join(
            f"{row['segment_name']}, {row['stage_name']}: {tables.shop.money(row['expected_revenue'])}, "
            f"mean probability {share2(row['order_probability'])}."
            for row in rows
        ),
    )


def _total(rows: Sequence[Row]) -> Row:
    """Several groups as one; `order_probability` is that of their customers."""
    customers = sum(row["customer_count"] for row in rows)
    known = [row for row in rows if row["order_probability"] is not None]
    return {
        "customer_count": customers,
        "order_probability": sum(row["order_probability"] * row["customer_count"] for row in known)
        / max(sum(row["customer_count"] for row in known), 1),
        "expected_orders": sum(row["expected_orders"] or 0 for row in rows),
        "expected_revenue": sum(row["expected_revenue"] or 0 for row in rows),
        "revenue_share": sum(row["revenue_share"] or 0 for row in rows),
    }


def _orders(total: Row, *, wide: bool) -> str:
    return f"{count(total['expected_orders'])}{' ' if wide else chr(10)}orders"


def _box(shop: Shop, name: str, stage: str, row: Row | None, *, wide: bool, is_total: bool = False) -> charts.Box:
    if row is None or not row["customer_count"] or row["expected_revenue"] is None:
        return charts.Box(("var(--panel)", "var(--muted)"), ["–"], f"{name}, {stage}: nothing is expected")
    customers, probability = count(row["customer_count"]), share2(row["order_probability"])
    revenue = shop.money(row["expected_revenue"])
    tip = (
        f"{name}, {stage}: {plural(row['customer_count'], 'customer')}, mean probability {probability}, "
        f"{decimals(row['expected_orders'], 1)} orders and {revenue} expected"
    )
    lines = [revenue, f"{customers} · {probability}"]
    if not wide:
        lines = [revenue.removeprefix(shop.written("")), customers, probability]
    if is_total:
        return charts.Box(("var(--panel)", "var(--ink)"), lines, tip)
    return charts.Box(binned(row["revenue_share"] or 0, _REVENUE_EDGES, "sequence"), lines, tip)


def forecast_drift(tables: Tables) -> Finding | None:
    """What was expected at each date of the past, and what came. None while no date can be judged."""
    rows = tables.rows("forecast_drift")
    if not rows:
        return None
    dates = [row["as_of_date"] for row in rows]
    drawn = (("expected_orders", "expected", "var(--accent)"), ("actual_orders", "came", "var(--reason-3)"))
    points = [
        {
            "x": place,
            "y": row[column],
            "line": words,
            "colour": colour,
            "tip": f"{month(row['as_of_date'])}: {count(row['expected_orders'])} orders expected by "
            f"{model_name(row['forecast_model'])}, {count(row['actual_orders'])} came, {row['drift_status']}",
        }
        for column, words, colour in drawn
        for place, row in enumerate(rows)
    ]
    last = len(rows) - 1
    high = max(point["y"] for point in points) * 1.1 or 1
    labels = end_labels(last, [(rows[-1][column], words, colour) for column, words, colour in drawn], high * 0.07)
    off = sum(row["drift_status"] == "off" for row in rows)
    title = f"On {count(off)} of {plural(len(rows), 'past date')} the orders expected were far off"
    if not off:
        title = f"On none of {plural(len(rows), 'past date')} were the orders expected far off"
    return Finding(
        title,
        f"{day(dates[0])} to {day(dates[-1])}",
        lambda width: charts.lines(
            width,
            points,
            charts.Axis(
                (-0.3, (last or 1) * (1.16 if is_wide(width) else 1.32)),
                words=month_labels(dates, 6 if is_wide(width) else 3),
            ),
            charts.Axis((0, high), ",d", "orders"),
            labels=labels,
            height=220,
        ),
        f"Lines of the orders expected and of those that came after {plural(len(rows), 'date')}. "
        + " ".join(
            f"{month(row['as_of_date'])}: {count(row['expected_orders'])}, {count(row['actual_orders'])}."
            for row in rows
        ),
    )


def forecast_calibration(tables: Tables) -> Finding | None:
    """Did as many order as were expected to? None while no date can be judged."""
    rows, fact = tables.rows("forecast_calibration"), facts(tables)
    if not rows or fact is None or fact["date_count"] is None:
        return None
    points = [
        {
            "x": row["predicted_share"],
            "y": row["observed_share"],
            "low": row["observed_share_low"],
            "high": row["observed_share_high"],
            "colour": "var(--accent)",
            "tip": f"Tenth {row['tenth']}: {share2(row['predicted_share'])} expected to order, "
            f"{share2(row['observed_share'])} did ({share2(row['observed_share_low'])} to "
            f"{share2(row['observed_share_high'])}), {plural(row['customer_count'], 'customer')}",
        }
        for row in rows
    ]
    inside = sum(row["observed_share_low"] <= row["predicted_share"] <= row["observed_share_high"] for row in rows)
    highest = max(max(point["x"], point["high"]) for point in points) or 0.01
    ratio = fact["order_ratio"]
    title = f"In {count(inside)} of {plural(len(rows), 'tenth')} the share expected is within the interval of what came"
    if ratio is not None:
        title += f"; in all, {decimals(ratio)} orders were expected for each that came"
    return Finding(
        title,
        f"{day(fact['first_date'])} to {day(fact['last_date'])}",
        lambda width: charts.calibration(
            width, points, charts.Axis((0, highest * 1.08), ".1%", "expected share"), "ordered"
        ),
        f"Dots of the share that was expected to order and the share that did, by tenth of probability, over "
        f"{plural(fact['date_count'], 'date')}. "
        + " ".join(
            f"Tenth {row['tenth']}: {share2(row['predicted_share'])}, {share2(row['observed_share'])}." for row in rows
        ),
        words={"model": model_name(fact["model"]), "date_count": plural(fact["date_count"], "date")},
    )


def forecast_candidates(tables: Tables) -> Finding | None:
    """Every model and rule that was judged, as a table; None while no date can be judged."""
    rows, fact = tables.rows("forecast_candidates"), facts(tables)
    if not rows or fact is None or fact["date_count"] is None:
        return None
    models = [row for row in rows if row["model_role"] == "model"]
    eligible = sum(bool(row["is_eligible"]) for row in models)
    title = (
        f"{count(eligible)} of {plural(len(models), 'model')} met every bound; {model_name(fact['model'])} was chosen"
    )
    if fact["is_abstaining"]:
        title = (
            f"None of {plural(len(models), 'model')} could be trusted; the best rule is “{model_name(fact['model'])}”"
        )
    return Finding(
        title,
        f"{day(fact['first_date'])} to {day(fact['last_date'])}",
        words={"reason": reason_words(fact["reason"])},
    )


def _within(fact: Row | None) -> str:
    days = None if fact is None else fact["outcome_days"]
    return "within the outcome period" if days is None else f"within {days} days"
