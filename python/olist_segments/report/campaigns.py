"""What the section about campaigns says: what each earned, where, how even its arms were, and the best rule.

Each figure is a function of the tables, as in figures.py; the other functions are the words of the section.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from olist_segments.report import charts
from olist_segments.report.charts import is_wide
from olist_segments.report.figure import Finding, Tables, unique
from olist_segments.report.source import Row
from olist_segments.report.words import a_number, count, day, decimals, listed, plural, short
from olist_segments.shop import Shop

_OUTCOMES = {
    "ordered_share": "share who ordered",
    "revenue_per_customer": "revenue per customer",
    "review_score": "stars of reviews",
}
"""The outcomes in the order in which they are told, but for the promised one."""
_FEATURES = {
    "recency_days": "days since the last purchase",
    "purchase_day_count": "purchase days",
    "total_spend": "spend so far",
    "avg_review_score": "stars",
    "late_delivery_share": "share of late parcels",
    "order_probability": "probability of an order",
}
_NOBODY, _BEST = "nobody", "best arm by kind and stage"
_MANY = 0.05
"""A group stands out where its p-value, adjusted for looking at many, is no larger."""
_COLOURS = {"earned": "var(--accent)", "harmed": "var(--alarm)"}


def notes(tables: Tables) -> list[str]:
    """Who is running and until when, what each finished campaign found, and the best rule, in plain words."""
    rows = tables.rows("campaigns")
    running = [row for row in rows if not row["is_complete"]]
    told = [
        f"{row['campaign']} has been running since {day(row['as_of_date'])}, with "
        f"{plural(row['customer_count'], 'customer')}, {count(row['holdout_count'])} of them held out. It will be "
        f"complete on {day(row['outcome_until'])}; orders are known until {day(row['observed_until'])}. Its figures "
        "still move, so decide nothing by them."
        for row in running
    ]
    told += [
        f"{row['campaign']}, {day(row['as_of_date'])} to {day(row['outcome_until'])}: {row['finding']}."
        for row in rows
        if row["is_complete"] and row["finding"]
    ]
    policies = [row for row in tables.rows("campaign_policies") if row["is_complete"]]
    for campaign in unique(row["campaign"] for row in policies):
        words = _best_rule([row for row in policies if row["campaign"] == campaign], tables.shop)
        if words:
            told.append(f"{campaign}: {words}")
    return told


def _best_rule(rows: Sequence[Row], shop: Shop) -> str:
    """What the best rule would bring; nothing where too few are known to tell."""
    whole = [row for row in rows if not row["segment_key"] and row["gain_per_customer"] is not None]
    others = [row for row in whole if row["policy"] != _NOBODY]
    if not others:
        return ""
    best = max(others, key=lambda row: row["gain_per_customer"])
    gain = f"{shop.written(decimals(best['gain_per_customer']))} per customer more than writing to nobody"
    span = f"95% interval {decimals(best['gain_low'])} to {decimals(best['gain_high'])}"
    if best["policy"] == _BEST:
        chosen = [row for row in rows if row["segment_key"] and row["arm"] != "holdout"]
        who = f"to give each kind and stage the arm that did best there ({plural(len(chosen), 'group')} get one)"
    else:
        who = f"to give {best['arm']} to everybody"
    if best["gain_low"] is None or best["gain_low"] <= 0:
        return f"no rule is proved to be better than writing to nobody. The best is {who}: {gain} ({span})."
    return f"the best rule is {who}. It brings {gain} ({span}), {shop.money(best['gain_total'])} in all."


def last_time(tables: Tables) -> dict[tuple[str, str], str]:
    """What the action of a kind at a stage earned last time, by both keys; those where nothing was tried lack."""
    answer = tables.answers.get("campaign_playbook")
    return {
        (row["segment_key"], row["stage_key"]): f"Last time ({row['campaign']}, {row['arm']}, from "
        f"{day(row['as_of_date'])}, {plural(row['customer_count'], 'customer')}): {row['verdict_sentence']}"
        for row in (answer.rows if answer else [])
    }


def campaign_results(tables: Tables) -> Finding | None:
    """What each arm of each campaign did against those held out, by outcome; the promised outcome first."""
    rows, shop = tables.rows("campaign_results"), tables.shop
    if not rows:
        return None
    promised = next(row["outcome"] for row in rows if row["is_promised"])
    order = sorted(_OUTCOMES, key=lambda outcome: outcome != promised)
    choices = {
        _OUTCOMES[outcome].capitalize(): (
            _drawing([row for row in rows if row["outcome"] == outcome], "campaign", "arm", shop),
            _in_words(f"Dots with intervals: {_OUTCOMES[outcome]}, arm less holdout.", rows, outcome, shop),
        )
        for outcome in order
        if any(row["outcome"] == outcome and row["difference_low"] is not None for row in rows)
    }
    told = [row for row in rows if row["is_promised"]]
    earned = sum(row["verdict"] == "earned" for row in told)
    running = sum(row["verdict"] == "running" for row in told)
    finished = len(told) - running
    arms = "The one finished arm" if finished == 1 else f"{a_number(earned).capitalize()} of {finished} finished arms"
    title = f"{arms} earned what the campaign was launched for"
    if not earned:
        arms = "The one finished arm is not" if finished == 1 else f"None of {finished} finished arms is"
        title = f"{arms} proved to have earned what the campaign was launched for"
    if running == len(told):
        title = f"{plural(running, 'arm')} of campaigns {'is' if running == 1 else 'are'} still running"
    elif running:
        title += f"; {count(running)} {'is' if running == 1 else 'are'} still running"
    dates = sorted({row["as_of_date"] for row in rows})
    return Finding(title, _span(dates[0], tables), choices=choices)


def campaign_groups(tables: Tables) -> Finding | None:
    """The promised outcome of each kind, stage and both, campaign by campaign; nothing where none has an interval."""
    shop = tables.shop
    rows = [row for row in tables.rows("campaign_groups") if row["difference_low"] is not None]
    if not rows:
        return None
    choices = {}
    for campaign, arm in dict.fromkeys((row["campaign"], row["arm"]) for row in rows):
        own = [row for row in rows if (row["campaign"], row["arm"]) == (campaign, arm)]
        drawn = [row | {"group": _group(row), "axis": _AXES[row["grouping"]]} for row in own]
        choices[f"{campaign}, {arm}"] = (
            _drawing(drawn, "axis", "group", shop),
            _in_words(f"Dots with intervals of {campaign}, {arm}.", own, own[0]["outcome"], shop),
        )
    alone = sum(row["p_value"] <= _MANY for row in rows)
    proved = sum(row["adjusted_p_value"] is not None and row["adjusted_p_value"] <= _MANY for row in rows)
    title = f"Of {plural(len(rows), 'group')} looked at, {a_number(proved)} {'stand' if proved > 1 else 'stands'} out"
    if not proved:
        title = f"None of {plural(len(rows), 'group')} looked at stands out"
    dates = [row["as_of_date"] for row in rows]
    return Finding(
        title,
        _span(min(dates), tables),
        choices=choices,
        words={
            "looked": count(len(rows)),
            "alone": count(alone),
            "by_chance": count(round(len(rows) * _MANY)),
            "proved": count(proved),
        },
    )


_AXES = {"kind": "By kind", "stage": "By stage", "kind_and_stage": "By kind and stage"}


def _group(row: Row) -> str:
    return ", ".join(name for name in (row["segment_name"], row["stage_name"]) if name)


def campaign_policies(tables: Tables) -> Finding | None:
    """What rules for whom to write to would bring, against writing to nobody."""
    shop = tables.shop
    rows = [row for row in tables.rows("campaign_policies") if row["gain_low"] is not None]
    drawn = [
        row
        | {
            "outcome": "revenue_per_customer",
            "difference": row["gain_per_customer"],
            "difference_low": row["gain_low"],
            "difference_high": row["gain_high"],
            "verdict": _verdict(row),
            "verdict_sentence": f"{tables.shop.money(row['gain_total'])} in all",
            "is_promised": False,
        }
        for row in rows
        if not row["segment_key"] and row["policy"] != _NOBODY
    ]
    if not drawn:
        return None
    campaigns = unique(row["campaign"] for row in drawn)
    others = " and others" if len(campaigns) > 3 else ""
    return Finding(
        f"What each rule for whom to write to would bring, by {listed(campaigns[:3])}{others}",
        _span(min(row["as_of_date"] for row in drawn), tables),
        _drawing(drawn, "campaign", "policy", shop),
        "Dots with intervals: spend per customer of each rule less that of writing to nobody. "
        + " ".join(f"{row['campaign']}, {row['policy']}: {_difference(row, shop)}." for row in drawn),
    )


def _verdict(row: Row) -> str:
    if not row["is_complete"]:
        return "running"
    return "earned" if row["gain_low"] > 0 else "harmed" if row["gain_high"] < 0 else "no proof"


def campaign_balance(tables: Tables) -> Finding | None:
    """How even the arms were before the campaign: a dot for each figure, in standard deviations."""
    shop = tables.shop
    rows = [row for row in tables.rows("campaign_balance") if row["standardised_difference"] is not None]
    if not rows:
        return None
    largest = max(rows, key=lambda row: abs(row["standardised_difference"]))
    odd = sum(not row["is_balanced"] for row in rows)
    size = decimals(abs(largest["standardised_difference"]))
    title = f"Arms were even: nothing differs by more than {size} standard deviations"
    if odd:
        name = _feature(largest, shop)
        title = (
            f"{plural(odd, 'figure')} of {count(len(rows))} differ by 0.1 standard deviations or more, most {name} of "
            f"{largest['campaign']}, {largest['arm']}"
        )
    high = max(0.12, abs(largest["standardised_difference"]) * 1.05)

    def chart(width: int) -> Any:
        wide = is_wide(width)
        left = -high * 0.62 if wide else 0
        marks = charts.Rows()
        marks.text(0.1, "0.1", 8, after=True)
        marks.next(18)
        top = marks.height
        for campaign, arm in dict.fromkeys((row["campaign"], row["arm"]) for row in rows):
            marks.text(left, short(f"{campaign}, {arm}", 40), 8)
            for row in rows:
                if (row["campaign"], row["arm"]) == (campaign, arm):
                    marks.dot(
                        abs(row["standardised_difference"]),
                        8 if wide else 25,
                        "var(--accent)" if row["is_balanced"] else "var(--alarm)",
                        f"{_feature(row, shop)}: {decimals(row['mean'])} and "
                        f"{decimals(row['holdout_mean'])}, {decimals(row['standardised_difference'], 3)}",
                    )
            marks.next(24 if wide else 38)
        return charts.draw_rows(width, marks, (left, high), ".2f", (0.1, top))

    return Finding(
        title,
        _span(min(row["as_of_date"] for row in rows), tables),
        chart,
        "Dots: differences of the arms from those held out on the day of the draw, in standard deviations. "
        + " ".join(
            f"{row['campaign']}, {row['arm']}, {_feature(row, shop)}: {decimals(row['standardised_difference'], 3)}."
            for row in rows
        ),
    )


def _feature(row: Row, shop: Shop) -> str:
    """A figure of campaign_balance in words."""
    name = str(_FEATURES.get(row["feature"], row["feature"]))
    return name + (shop.in_currency if row["feature"] == "total_spend" else "")


def _span(first: Any, tables: Tables) -> str:
    return f"{day(first)} to {day(tables.as_of)}"


def _drawing(rows: Sequence[Row], by: str, named: str, shop: Shop) -> Any:
    """A chart of differences with their intervals around 0: rows named `named` under headings of `by`."""
    known = [row for row in rows if row["difference_low"] is not None]
    unit = 100 if rows[0]["outcome"] == "ordered_share" else 1
    # The wide interval of a few customers would dwarf all others: it leaves the chart.
    half = median([row["difference_high"] - row["difference_low"] for row in known] or [0]) / 2
    size = max((abs(row["difference"]) for row in known), default=0) + 2 * half or 0.01
    low = unit * min(max(min((row["difference_low"] for row in known), default=0), -size), 0)
    high = unit * max(min(max((row["difference_high"] for row in known), default=size), size), 0)
    high = high or -low

    def chart(width: int) -> Any:
        room = (high - low) * (0.62 if is_wide(width) else 0.02)
        marks = charts.Rows()
        left = low - room
        for heading in unique(row[by] for row in rows):
            own = [row for row in rows if row[by] == heading]
            marks.text(left, _heading(heading, own[0], by), 12, bold=True)
            marks.next(30)
            for row in own:
                if row["difference_low"] is None:
                    marks.text(left, f"{short(row[named], 30)}  too few customers", 8)
                    marks.next(24)
                    continue
                star = " *" if by == "axis" and (row["adjusted_p_value"] or 1) <= _MANY else ""
                marks.named_dot(
                    width,
                    left,
                    f"{short(row[named], 34)}  {_difference(row, shop)}{star}",
                    min(max(unit * row["difference"], low), high),
                    _COLOURS.get(row["verdict"], "var(--mark)") if by != "axis" or star else "var(--mark)",
                    f"{row[named]}: {_difference(row, shop)} ({_difference(row, shop, 'difference_low')} to "
                    f"{_difference(row, shop, 'difference_high')}). {row['verdict_sentence']}",
                    (max(unit * row["difference_low"], low), min(unit * row["difference_high"], high)),
                )
            marks.next(8)
        ticks = charts.ticks_around_zero(low, high, 7 if is_wide(width) else 4)
        return charts.draw_rows(width, marks, (left, high + (high - low) * 0.03), ",.6~r", (0, 0), ticks=ticks)

    return chart


def _heading(heading: str, row: Row, by: str) -> str:
    if by == "axis":
        return heading
    state = "finished" if row["is_complete"] else "running"
    promised = ", launched for it" if row["is_promised"] else ""
    return f"{short(heading, 22)} ({state}{promised})"


def _difference(row: Row, shop: Shop, column: str = "difference") -> str:
    """A difference in its unit, with its sign."""
    value = row[column]
    sign = "+" if value > 0 else ""
    if row["outcome"] == "ordered_share":
        return f"{sign}{decimals(100 * value)} points"
    if row["outcome"] == "revenue_per_customer":
        return f"{sign}{decimals(value)}{f' {shop.currency}' if shop.currency else ''}"
    return f"{sign}{decimals(value)} stars"


def _in_words(start: str, rows: Sequence[Row], outcome: str, shop: Shop) -> str:
    told = [row for row in rows if row["outcome"] == outcome and row["difference_low"] is not None]
    parts = [
        f"{row['campaign']}, {row['arm']}{', ' + _group(row) if 'grouping' in row else ''}: {_difference(row, shop)}."
        for row in told
    ]
    return " ".join([start, *parts])
