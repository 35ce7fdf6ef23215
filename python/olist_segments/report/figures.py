"""What the figures for everybody say: who the customers are, what to do, who moved, what they did next.

Each function takes the tables and returns the finding of the figure of the same name in report.yml, or None if there
is too little data for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from itertools import groupby, pairwise
from typing import Any

from olist_segments.report import charts
from olist_segments.report.charts import is_wide
from olist_segments.report.figure import Finding, Tables, unique
from olist_segments.report.palette import binned
from olist_segments.report.source import Row, newest
from olist_segments.report.verdict import both_compared
from olist_segments.report.words import (
    count,
    day,
    decimals,
    long_month,
    month,
    plural,
    share,
    share1,
    share2,
    short,
    signed,
    three,
)
from olist_segments.shop import Shop

_KIND_REASONS = {
    "clock_only": ("only time passed", "var(--reason-1)"),
    "bought_again": ("bought again", "var(--reason-2)"),
    "review_arrived": ("a review arrived", "var(--reason-3)"),
    "delivery_arrived": ("a parcel arrived", "var(--reason-4)"),
    "several_reasons": ("several of these together", "var(--reason-5)"),
    "model_changed": ("the model changed", "var(--reason-6)"),
}
# What is in no legend of a shop without.
_ABSENT_WITHOUT = {"review_arrived": ("has_reviews",), "delivery_arrived": ("has_deliveries",)}
_STAGE_REASONS = {
    "time_passed": ("time passed", "var(--reason-1)"),
    "came_back": ("came back", "var(--reason-2)"),
    "boundaries_changed": ("the boundaries changed", "var(--reason-5)"),
}
_STAGE_COLOURS = ("var(--reason-2)", "var(--reason-4)", "var(--reason-3)", "var(--reason-6)", "var(--reason-1)")
_OUTCOMES = {"clusters": "Kinds", "stages": "Stages", "rfm": "RFM rules"}
_COMPARED = {
    "clusters_by_stage": ("kind and stage", "var(--accent)"),
    "clusters": ("kind alone", "var(--reason-6)"),
    "rfm": ("RFM rules", "var(--muted)"),
    "naive": ("rule of thumb", "var(--reason-4)"),
}
_COHORT_EDGES = (0.001, 0.002, 0.004, 0.006, 0.01)
_REVENUE_EDGES = (0.01, 0.03, 0.06, 0.12, 0.2)
_MOST_REGIONS = 15
NO_REGION = "unknown"
"""What segment_geography has for customers whose region is not known."""
FEW = 30
"""Fewer customers than this make no share worth showing."""


def kinds_by_stage(tables: Tables) -> Finding:
    """Every kind at every stage of life: how many customers, how much revenue."""
    rows, stages, kinds = tables.rows("kinds_by_stage"), tables.rows("stages"), tables.rows("segments")
    found = {(row["segment_key"], row["stage_key"]): row for row in rows}
    names = [*((row["segment_key"], row["segment_name"], row) for row in kinds), ("", "All customers", None)]
    found |= {("", row["stage_key"]): row for row in stages if row["customer_count"]}

    def chart(width: int) -> Any:
        wide = is_wide(width)
        boxes = {}
        for place, (key, name, _) in enumerate(names):
            for number, stage in enumerate(stages):
                row = found.get((key, stage["stage_key"]))
                boxes[place, number] = _box(tables.shop, name, stage["stage_name"], row, is_wide=wide, is_total=not key)
        columns = [charts.Heading(row["stage_name"], boundaries(row, "\n" if not wide else " ")) for row in stages]
        headings = [
            charts.Heading(
                name,
                plural(sum(row["customer_count"] for row in kinds), "customer")
                if total is None
                else f"{share(total['revenue_share'])} of revenue",
            )
            for _, name, total in names
        ]
        return charts.cross_table(width, columns, headings, boxes)

    richest = max(stages, key=lambda row: (row["revenue_share"], -row["stage_number"]))
    title = (
        f"{share(richest['revenue_share'])} of all revenue so far came from customers who are "
        f"{richest['stage_name'].lower()} today"
    )
    own = [row for row in rows if row["stage_key"] == richest["stage_key"]]
    if len(kinds) > 1 and own:
        top = max(own, key=lambda row: (row["revenue_share"], row["segment_key"]))
        title += f", {share(top['revenue_share'])} of all from the {top['segment_name']} among them"
    return Finding(
        title,
        day(tables.as_of),
        chart,
        "Cross table of kinds and stages of life. "
        + " ".join(
            f"{row['segment_name']}, {row['stage_name']}: {plural(row['customer_count'], 'customer')}, "
            f"{share1(row['revenue_share'])} of revenue."
            for row in rows
        ),
    )


def _box(shop: Shop, name: str, stage: str, row: Row | None, *, is_wide: bool, is_total: bool) -> charts.Box:
    if row is None:
        return charts.Box(("var(--panel)", "var(--muted)"), ["–"], f"{name}, {stage}: no customer")
    customers, part = count(row["customer_count"]), share1(row["customer_share"])
    money_part = share1(row["revenue_share"])
    tip = (
        f"{name}, {stage}: {plural(row['customer_count'], 'customer')}, {part} of all; "
        f"{shop.money(row['total_spend'])} of spend, {money_part} of revenue"
    )
    lines = [f"{money_part} of revenue", f"{customers} · {part}"] if is_wide else [money_part, customers, part]
    if is_total:
        return charts.Box(("var(--panel)", "var(--ink)"), lines, tip)
    return charts.Box(binned(row["revenue_share"], _REVENUE_EDGES, "sequence"), lines, tip)


def boundaries(stage: Row, between: str = " ") -> str:
    """The days since the last purchase day that a stage covers: up to 35 days, 36–114 days, from 257 days."""
    low, high = stage["from_days"], stage["until_days"]
    noun = "day" if (low if high is None else high) == 1 else "days"
    if high is None:
        return f"from {low}{between}{noun}"
    if not low:
        return f"up to {high}{between}{noun}"
    return f"{low if low == high else f'{low}–{high}'}{between}{noun}"


def can_show(row: Row, shop: Shop) -> str:
    """What a campaign to the customers of `row` can prove against those held back; empty where they are too few."""
    if row["is_doubling_detectable"] is None:
        return ""
    base, smallest = row["ordered_again_share"], row["smallest_detectable_share"]
    rise = f"a rise from {share2(base)} to {share2(smallest)}"
    money_more = shop.amount(row["smallest_detectable_spend_difference"])
    if smallest >= 1:
        no_proof = f"not even everybody ordering again would be proof of a rise from {share2(base)}"
        if not row["is_doubling_detectable"]:
            return f"Too small for a test: {no_proof}."
        return f"A campaign can show {money_more} more per customer; {no_proof}."
    if not row["is_doubling_detectable"]:
        return f"Too small for a test: only {rise} would show."
    return f"A campaign can show {rise} ordering again, or {money_more} more per customer."


def sizes(tables: Tables) -> Finding:
    """Kinds by customers and by revenue."""
    rows = tables.rows("segments")
    marks = charts.Rows()
    for row in rows:
        colour = tables.colours[row["segment_key"]]
        name = row["segment_name"]
        marks.text(0, short(name, 44), 9, bold=True)
        for offset, column, words, faint in (
            (21, "customer_share", f"of customers · {count(row['customer_count'])}", True),
            (38, "revenue_share", f"of revenue · {tables.shop.money(row['total_spend'])}", False),
        ):
            value = max(row[column], 0)
            written = f"{share1(row[column])} {words}"
            marks.bar(value, offset, 14, colour, f"{name}: {written}", faint=faint)
            marks.text(value, written, offset + 7, after=True)
        marks.next(66)
    largest = max(max(row["customer_share"], row["revenue_share"]) for row in rows)
    first = rows[0]
    return Finding(
        f"{first['segment_name']}: {share(first['customer_share'])} of customers, "
        f"{share(first['revenue_share'])} of revenue",
        day(first["as_of_date"]),
        lambda width: charts.draw_rows(width, marks, (0, largest * (1.42 if is_wide(width) else 2.3))),
        "Bars of the share of customers and of revenue of each kind. "
        + " ".join(
            f"{row['segment_name']}: {share1(row['customer_share'])} of customers, "
            f"{share1(row['revenue_share'])} of revenue."
            for row in rows
        ),
    )


def traits(tables: Tables) -> Finding:
    """How each kind differs from all customers."""
    rows = tables.rows("traits")
    sharpest = {}
    for _, members in groupby(rows, key=lambda row: row["segment_key"]):
        best = max(members, key=lambda row: (abs(row["z_score"]), -row["trait_number"]))
        sharpest[best["segment_key"]] = best
    most = max(sharpest.values(), key=lambda row: abs(row["z_score"]))
    if len(sharpest) == 1 or most["z_score"] == 0:
        title = "No kind differs from the average"
    else:
        side = ("far " if abs(most["z_score"]) >= 2 else "") + ("above" if most["z_score"] > 0 else "below")
        title = f"Largest difference: {most['segment_name']}, {most['trait']} {side} the average"
    cells = [
        charts.cell(
            row["segment_name"],
            row["trait"],
            binned(row["z_score"], (-1.5, -0.75, -0.25, 0.25, 0.75, 1.5), "diverging"),
            signed(row["z_score"]),
            f"{row['segment_name']}: {row['trait']} {signed(row['z_score'])} standard deviations from the mean of all",
        )
        for row in rows
    ]
    names, words = unique(row["segment_name"] for row in rows), unique(row["trait"] for row in rows)
    return Finding(
        title,
        day(newest(rows)),
        lambda width: charts.heat_map(
            width,
            cells,
            charts.Labels(words, 14 if is_wide(width) else 10),
            charts.Labels(names, 30 if is_wide(width) else 14),
            44,
            font_size=13 if is_wide(width) else 11,
        ),
        "Heat map of how far each kind lies from the average. "
        + " ".join(
            f"{row['segment_name']}: most by {row['trait']}, {signed(row['z_score'])}." for row in sharpest.values()
        ),
    )


def shares_by_month(tables: Tables) -> Finding:
    """How the kinds grew and shrank."""
    rows = [row | {"name": row["segment_name"], "key": row["segment_key"]} for row in tables.rows("shares_by_month")]
    return _shares(rows, "kind", tables.colours)


def stages_by_month(tables: Tables) -> Finding:
    """How the stages of life grew and shrank."""
    rows = [row | {"name": row["stage_name"], "key": row["stage_key"]} for row in tables.rows("stages_by_month")]
    return _shares(rows, "stage", {row["key"]: _stage_colour(row) for row in rows})


def _stage_colour(row: Row) -> str:
    return _STAGE_COLOURS[(row["stage_number"] - 1) % len(_STAGE_COLOURS)]


def _shares(rows: Sequence[Row], noun: str, colours: Mapping[str, str]) -> Finding:
    """One panel per kind or stage; rows with `key` and `name`."""
    dates = sorted({row["as_of_date"] for row in rows})
    months = [month(date) for date in dates]
    latest = {row["key"]: row for row in rows}
    at = {(row["as_of_date"], row["key"]): row["customer_share"] for row in rows}
    earlier = dates[max(0, len(dates) - 13)]
    change = {key: at.get((dates[-1], key), 0) - at.get((earlier, key), 0) for key in latest}
    grown = max(sorted(change), key=lambda key: change[key])
    title = f"The shares of the {noun}s have not changed"
    if change[grown] > 0:
        title = (
            f"Since {long_month(earlier)} {latest[grown]['name']} grew most: "
            f"from {share(at.get((earlier, grown), 0))} to {share(at.get((dates[-1], grown), 0))} of customers"
        )
    order = sorted(latest, key=lambda key: (-at.get((dates[-1], key), 0), key))
    if noun == "stage":
        order = sorted(latest, key=lambda key: latest[key]["stage_number"])
    titles = {key: f"{latest[key]['name']}  {share1(at.get((dates[-1], key), 0))}" for key in order}
    points = [
        {
            "title": titles[row["key"]],
            "month": month(row["as_of_date"]),
            "value": row["customer_share"],
            "colour": colours[row["key"]],
            "tip": f"{row['name']}, {month(row['as_of_date'])}: {share1(row['customer_share'])} of customers "
            f"({count(row['customer_count'])})",
        }
        for row in rows
    ]
    return Finding(
        title,
        day(dates[-1]),
        lambda width: charts.month_panels(
            width,
            points,
            list(titles.values()),
            3 if is_wide(width) else 1,
            months,
            height=110 if is_wide(width) else 64,
        ),
        f"One panel per {noun} with its share of customers at each month end from {day(dates[0])} to "
        f"{day(dates[-1])}. Today: " + "; ".join(titles[key].replace("  ", " ") for key in order) + ".",
    )


def reasons(tables: Tables) -> Finding | None:
    """Why customers moved, month by month."""
    rows = tables.rows("moves_by_reason")
    if not rows:
        return None
    shown = {row["reason"] for row in rows}
    reasons = {
        reason: words
        for reason, words in _KIND_REASONS.items()
        if reason in shown or tables.shop.has(*_ABSENT_WITHOUT.get(reason, ()))
    }
    dates = sorted({row["as_of_date"] for row in rows})
    last = [row for row in rows if row["as_of_date"] == dates[-1]]
    total = sum(row["customer_share"] for row in last)
    main = max(last, key=lambda row: (row["customer_count"], row["reason"]))
    part = main["customer_count"] / _customers(last)
    points = [
        {
            "month": month(row["as_of_date"]),
            "kind": _reason(row, _KIND_REASONS),
            "order": _reason_place(row, _KIND_REASONS),
            "value": row["customer_share"],
            "tip": f"{month(row['as_of_date'])}: {plural(row['customer_count'], 'customer')} moved because "
            f"{_reason(row, _KIND_REASONS)} ({share2(row['customer_share'])})",
        }
        for row in rows
    ]
    return Finding(
        f"In the month to {day(dates[-1])}, {share(total)} of known customers became another kind; for "
        f"{share(part)} of them the reason is “{_reason(main, _KIND_REASONS)}”",
        day(dates[-1]),
        lambda width: charts.stacked_months(
            width,
            points,
            [month(date) for date in dates],
            [words for words, _ in reasons.values()],
            [colour for _, colour in reasons.values()],
            ".1%",
        ),
        f"Stacked bars of the share of customers who became another kind in each month to {day(dates[-1])}, by reason. "
        "In the last month: "
        + "; ".join(f"{_reason(row, _KIND_REASONS)}, {count(row['customer_count'])}" for row in last)
        + ".",
    )


def _reason(row: Row, reasons: Mapping[str, tuple[str, str]]) -> str:
    return reasons[row["reason"]][0] if row["reason"] in reasons else str(row["reason"])


def _reason_place(row: Row, reasons: Mapping[str, tuple[str, str]]) -> int:
    return list(reasons).index(row["reason"]) if row["reason"] in reasons else len(reasons)


def moves(tables: Tables) -> Finding | None:
    """Who became another kind, for each of the last months."""
    return _moves(tables, "moves", "segment", "kinds")


def stage_moves(tables: Tables) -> Finding | None:
    """Who came to another stage of life, for each of the last months."""
    return _moves(tables, "stage_moves", "stage", "stages")


def _moves(tables: Tables, query: str, axis: str, noun: str) -> Finding | None:
    rows = tables.rows(query)
    reasons = _KIND_REASONS if axis == "segment" else _STAGE_REASONS
    if not rows:
        return None
    start, end = f"from_{axis}_key", f"to_{axis}_key"
    choices = {}
    for as_of_date, found in groupby(rows, key=lambda row: row["as_of_date"]):
        streams: dict[tuple[str, str], list[Row]] = {}
        for row in found:
            streams.setdefault((row[start], row[end]), []).append(row)
        ordered = sorted(streams.values(), key=lambda parts: -_customers(parts))[:10]
        choices[long_month(as_of_date)] = (
            _streams(ordered, axis, reasons, tables.shop),
            f"Bars of the largest moves between {noun} in the month to {day(as_of_date)}: "
            + "; ".join(f"{_stream(parts[0], axis)}, {count(_customers(parts))}" for parts in ordered)
            + ".",
        )
    first = rows[0]
    same = [row for row in rows if all(row[column] == first[column] for column in ("as_of_date", start, end))]
    return Finding(
        f"{long_month(first['as_of_date'])}: {plural(_customers(same), 'customer')} went from "
        f"{first[f'from_{axis}_name']} to {first[f'to_{axis}_name']}",
        day(first["as_of_date"]),
        choices=choices,
    )


def _streams(
    streams: Sequence[Sequence[Row]], axis: str, reasons: Mapping[str, tuple[str, str]], shop: Shop
) -> Callable[[int], Any]:
    marks = charts.Rows()
    colours = [colour for _, colour in reasons.values()]
    largest = max(_customers(parts) for parts in streams)
    for parts in streams:
        name = _stream(parts[0], axis)
        marks.text(0, _stream(parts[0], axis, 30), 9)
        start = 0.0
        for part in sorted(parts, key=lambda row: _reason_place(row, reasons)):
            place = _reason_place(part, reasons)
            colour = colours[place] if place < len(colours) else "var(--mark)"
            end = start + part["customer_count"]
            who = plural(part["customer_count"], "customer")
            tip = f"{name}: {who}, {_reason(part, reasons)}, {shop.money(part['total_spend'])} of spend"
            marks.bar(end, 20, 14, colour, tip, start=start)
            start = end
        marks.text(start, count(start), 27, bold=True, after=True)
        marks.next(46)
    return lambda width: charts.draw_rows(width, marks, (0, largest * (1.12 if is_wide(width) else 1.25)))


def _stream(row: Row, axis: str, letters: int = 1000) -> str:
    return f"{short(row[f'from_{axis}_name'], letters)} → {short(row[f'to_{axis}_name'], letters)}"


def stage_returns(tables: Tables) -> Finding | None:
    """Who came back, month by month, by the stage that they came back from. None while nobody has."""
    rows = tables.rows("stage_returns")
    if not rows:
        return None
    dates = sorted({row["as_of_date"] for row in rows})
    last = [row for row in rows if row["as_of_date"] == dates[-1]]
    names = {row["stage_name"]: _stage_colour(row) for row in sorted(rows, key=lambda row: row["stage_number"])}
    points = [
        {
            "month": month(row["as_of_date"]),
            "kind": row["stage_name"],
            "order": row["stage_number"],
            "value": row["customer_count"],
            "tip": f"{month(row['as_of_date'])}: {plural(row['customer_count'], 'customer')} came back from "
            f"{row['stage_name']}, {tables.shop.money(row['spend_since_previous'])} spent since",
        }
        for row in rows
    ]
    oldest = max(last, key=lambda row: row["stage_number"])
    return Finding(
        f"In the month to {day(dates[-1])}, {plural(_customers(last), 'customer')} came back, "
        f"{count(oldest['customer_count'])} of them after they were {oldest['stage_name'].lower()}",
        day(dates[-1]),
        lambda width: charts.stacked_months(
            width, points, [month(date) for date in dates], list(names), list(names.values()), ",d"
        ),
        f"Stacked bars of the customers who came back in each month to {day(dates[-1])}, by the stage that they came "
        "back from. In the last month: "
        + "; ".join(f"{row['stage_name']}, {count(row['customer_count'])}" for row in last)
        + ".",
    )


def _customers(rows: Sequence[Row]) -> int:
    return int(sum(row["customer_count"] for row in rows))


def outcomes(tables: Tables) -> Finding | None:
    """What the kinds and the stages did next, beside the RFM rules."""
    rows = tables.rows("outcomes")
    if not rows:
        return None
    colours = dict(tables.colours) | {row["stage_key"]: _stage_colour(row) for row in tables.rows("stages")}
    days = (rows[0]["outcome_until"] - rows[0]["as_of_date"]).days
    everybody = next((row for row in rows if row["segmentation"] == "everybody"), None)
    drawn = [row for row in rows if row["segmentation"] in _OUTCOMES]
    # The wide interval of a few customers would dwarf all others.
    many = [row for row in drawn if row["customer_count"] >= FEW] or drawn or rows
    largest = max(row["ordered_again_high"] for row in many) or 0.01
    best = next((row for row in many if row["segmentation"] == "clusters"), many[0])
    title = f"{share2(best['ordered_again_share'])} of {best['segment_name']} ordered again within {days} days"
    if everybody is not None:
        title += f", {share2(everybody['ordered_again_share'])} of all customers"
    return Finding(
        title,
        f"{day(rows[0]['as_of_date'])}, followed until {day(rows[0]['outcome_until'])}",
        lambda width: _outcome_rows(width, drawn, colours, everybody, largest, tables.shop),
        "Dots with intervals: share of members who ordered again. "
        + " ".join(
            f"{_OUTCOMES[row['segmentation']]}, {row['segment_name']}: {share2(row['ordered_again_share'])}."
            for row in drawn
        ),
        words={
            "from_day": day(rows[0]["as_of_date"]),
            "until_day": day(rows[0]["outcome_until"]),
            "few": str(FEW),
        },
    )


def _outcome_rows(
    width: int, rows: Sequence[Row], colours: Mapping[str, str], everybody: Row | None, largest: float, shop: Shop
) -> Any:
    left, right = -largest * 0.62 if is_wide(width) else 0, largest * 1.03
    marks = charts.Rows()
    reference = None
    if everybody is not None:
        marks.text(everybody["ordered_again_share"], f"all customers {share2(everybody['ordered_again_share'])}", 8)
        marks.next(18)
        reference = (everybody["ordered_again_share"], marks.height)
    for segmentation, heading in _OUTCOMES.items():
        marks.text(left, heading, 12, bold=True)
        marks.next(30)
        for row in (found for found in rows if found["segmentation"] == segmentation):
            written = share2(row["ordered_again_share"])
            marks.named_dot(
                width,
                left,
                f"{short(row['segment_name'], 36)}  {written}",
                min(row["ordered_again_share"], right),
                colours.get(row["segment_key"], "var(--mark)") if segmentation != "rfm" else "var(--mark)",
                f"{row['segment_name']}: {written} ordered again ({plural(row['ordered_again_count'], 'customer')} of "
                f"{count(row['customer_count'])}), {shop.amount(row['next_spend_per_customer'])} per customer",
                (min(row["ordered_again_low"], right), min(row["ordered_again_high"], right)),
            )
        marks.next(8)
    return charts.draw_rows(width, marks, (left, right), ".1%", reference)


def comparison(tables: Tables) -> Finding | None:
    """Do kinds and stages predict better than simple rules? None while no month can be judged."""
    rows = [
        row for row in tables.rows("comparison") if row["ranking_auc"] is not None and row["segmentation"] in _COMPARED
    ]
    if not rows:
        return None
    dates = sorted({row["as_of_date"] for row in rows})
    names = {name: words for name, (words, _) in _COMPARED.items()}
    colours = {name: colour for name, (_, colour) in _COMPARED.items()}
    points = [
        {
            "x": dates.index(row["as_of_date"]),
            "y": row["ranking_auc"],
            "line": row["segmentation"],
            "colour": colours[row["segmentation"]],
            "tip": f"{month(row['as_of_date'])}, {names[row['segmentation']]}: {three(row['ranking_auc'])}",
        }
        for row in rows
    ]
    values = [row["ranking_auc"] for row in rows] + [0.5]
    low, high = min(values) - 0.03, max(values) + 0.03
    last = len(dates) - 1
    ends = sorted((point for point in points if point["x"] == last), key=lambda point: -point["y"])
    words = [(point["y"], names[point["line"]], point["colour"]) for point in ends] + [
        (0.5 - (high - low) * 0.05, "random", "var(--muted)")
    ]
    labels = end_labels(last, words, (high - low) * 0.07)
    overall = {row["segmentation"]: row for row in tables.rows("comparison_overall")}.get("clusters_by_stage")
    title = "How well each group ranked customers by who ordered again"
    if overall is not None:
        title = (
            f"Over {plural(overall['date_count'], 'month')} kind and stage together ranked customers "
            f"{both_compared(overall, 'the RFM rules', 'the rule of thumb')}"
        )
    return Finding(
        title,
        f"{day(dates[0])} to {day(dates[-1])}",
        lambda width: charts.lines(
            width,
            points,
            charts.Axis(
                (-0.3, (last or 1) * (1.16 if is_wide(width) else 1.42)),
                words=month_labels(dates, 6 if is_wide(width) else 3),
            ),
            charts.Axis((low, high), ".2f"),
            labels=labels,
            rules=[{"y": 0.5, "colour": "var(--muted)"}],
        ),
        f"Lines of the ranking of customers by kinds, by kinds and stages, by the RFM rules, and by a rule of thumb on "
        f"{len(dates)} dates. "
        + " ".join(
            f"{month(row['as_of_date'])}, {names[row['segmentation']]}: {three(row['ranking_auc'])}." for row in rows
        ),
    )


def delivery(tables: Tables) -> Finding | None:
    """Satisfaction and delivery."""
    rows = tables.rows("delivery")
    if not rows:
        return None
    scored = [row for row in rows if row["avg_review_score"] is not None]
    known = [row for row in scored if row["review_count"] >= FEW] or scored
    marks = charts.Rows()
    for row in rows:
        marks.text(1, short(row["delivery_band"], 44), 8, bold=True)
        score = row["avg_review_score"]
        facts = f"{share1(row['share_of_orders'])} of orders"
        if score is None:
            marks.text(1, f"no review · {facts}", 26)
        else:
            tip = (
                f"{row['delivery_band']}: {decimals(score)} stars from {plural(row['review_count'], 'review')}, "
                f"{share(row['one_star_share'])} give one star, {share(row['five_star_share'])} five"
            )
            marks.bar(score, 19, 14, "var(--alarm)" if score < 3 else "var(--accent)", tip, start=1)
            marks.text(score, f"{decimals(score, 1)} ★  {facts}", 26, after=True)
        marks.next(48)
    title = "No review is known yet"
    if known:
        best = max(known, key=lambda row: (row["avg_review_score"], -row["band_number"]))
        worst = min(known, key=lambda row: (row["avg_review_score"], row["band_number"]))
        title = (
            f"From {decimals(best['avg_review_score'], 1)} stars for “{best['delivery_band']}” to "
            f"{decimals(worst['avg_review_score'], 1)} for “{worst['delivery_band']}”"
        )
    return Finding(
        title,
        day(newest(rows)),
        lambda width: charts.draw_rows(width, marks, (1, 6.2 if is_wide(width) else 8.2)),
        "Bars of the mean review score by how early or late an order came. "
        + " ".join(
            f"{row['delivery_band']}: {decimals(row['avg_review_score'], 1)} stars, "
            f"{share1(row['share_of_orders'])} of orders."
            for row in rows
        ),
    )


def states(tables: Tables) -> Finding | None:
    """The map of Brazil: where customers live."""
    rows = tables.rows("states")
    if not any(row["customer_count"] for row in rows):
        return None
    leading = rows[:3]
    tiles = [
        charts.tile(
            "",
            row,
            binned(row["customer_share"], (0.002, 0.01, 0.03, 0.08, 0.2), "sequence"),
            "<0.1%" if 0 < row["customer_share"] < 0.0005 else share1(row["customer_share"]),
            "var(--rule)",
            f"{row['state_name']}: {plural(row['customer_count'], 'customer')}, "
            f"{tables.shop.amount(row['spend_per_customer'])} per customer",
        )
        for row in rows
    ]
    return Finding(
        f"{leading[0]['state_name']} has {share(leading[0]['customer_share'])} of the customers, the first three "
        f"states {share(sum(row['customer_share'] for row in leading))}",
        day(newest(rows)),
        lambda width: charts.tile_maps(width, tiles, [""], 1, size=64 if is_wide(width) else 46, has_text=True),
        "Tile map of Brazil with the share of customers of each state. "
        + " ".join(f"{row['state_name']} {share1(row['customer_share'])}." for row in rows),
    )


def states_by_segment(tables: Tables) -> Finding | None:
    """Where each kind is more frequent than in the whole country."""
    rows = tables.rows("states_by_segment")
    if not any(row["customer_count"] for row in tables.rows("states")):
        return None
    titles = unique(row["segment_name"] for row in rows)
    places = {row["state"]: row for row in rows}
    found = {(row["segment_name"], row["state"]): row for row in rows}
    tiles = []
    for title in titles:
        for state, place in sorted(places.items(), key=lambda item: (item[1]["tile_row"], item[1]["tile_column"])):
            row = found.get((title, state))
            members = 0 if row is None else row["customer_count"]
            colours, edge = ("var(--page)", "var(--muted)"), "var(--rule)"
            tip = f"{title}, {state}: {plural(members, 'member')}"
            if row is not None and members >= FEW:
                colours = binned(row["concentration"], (0.67, 0.83, 0.95, 1.05, 1.2, 1.5), "diverging")
                edge = colours[0]
                tip += f", {decimals(row['concentration'])} times its share of all customers"
            tiles.append(charts.tile(title, place, colours, "", edge, tip))
    many = [row for row in rows if row["customer_count"] >= FEW]
    title = f"No kind has {FEW} members in any state: too few to compare"
    if many:
        top = max(many, key=lambda row: (row["concentration"], row["segment_key"], row["state"]))
        title = (
            f"{top['segment_name']}: {decimals(top['concentration'], 1)} times as frequent in {top['state_name']} as "
            "in the whole country"
        )
    return Finding(
        title,
        day(newest(rows)),
        lambda width: charts.tile_maps(
            width,
            tiles,
            titles,
            3 if is_wide(width) else 2,
            size=34 if is_wide(width) else 22,
            has_text=False,
        ),
        "One tile map of Brazil per kind with its concentration in each state. "
        + " ".join(_strongest(title, many) for title in titles),
        words={"few": str(FEW)},
    )


def _strongest(title: str, rows: Sequence[Row]) -> str:
    own = [row for row in rows if row["segment_name"] == title]
    if not own:
        return f"{title}: too few members in every state."
    top = max(own, key=lambda row: (row["concentration"], row["state"]))
    return f"{title}: most concentrated in {top['state_name']}, {decimals(top['concentration'])} times."


def regions(tables: Tables) -> Finding | None:
    """Where customers live, as bars: the largest regions, and the rest together. None where nobody's is known."""
    rows = tables.rows("regions")
    if all(row["region"] == NO_REGION for row in rows):
        return None
    named = [row for row in rows if row["region"] != NO_REGION]
    shown, rest = named[:_MOST_REGIONS], named[_MOST_REGIONS:]
    if len(rest) == 1:
        shown, rest = named, []
    bars = [(str(row["region"]), row["customer_count"], row["customer_share"]) for row in shown]
    if rest:
        bars.append((f"{len(rest)} other regions", _customers(rest), sum(row["customer_share"] for row in rest)))
    bars += [("not known", row["customer_count"], row["customer_share"]) for row in rows if row["region"] == NO_REGION]
    marks = charts.Rows()
    for name, customers, part in bars:
        marks.text(0, short(name, 44), 8, bold=True)
        written = f"{share1(part)} · {plural(customers, 'customer')}"
        marks.bar(part, 19, 12, "var(--accent)" if name != "not known" else "var(--mark)", f"{name}: {written}")
        marks.text(part, written, 25, after=True)
        marks.next(42)
    first = shown[0]
    title = f"{first['region']} has {share(first['customer_share'])} of the customers"
    if len(named) > 3:
        title += f", the first three regions {share(sum(row['customer_share'] for row in shown[:3]))}"
    largest = max(part for _, _, part in bars)
    return Finding(
        title,
        day(newest(rows)),
        lambda width: charts.draw_rows(width, marks, (0, largest * (1.3 if is_wide(width) else 1.9))),
        "Bars of the share of customers of each region. "
        + " ".join(f"{name}: {share1(part)}." for name, _, part in bars),
    )


def returned(tables: Tables) -> Finding | None:
    """How many of a cohort came back, by months since the first purchase. None without whole months."""
    rows = tables.rows("returned")
    if not rows:
        return None
    shown = [row for row in rows if row["cohort_count"] >= min(3, rows[0]["cohort_count"])]
    mark = max((row for row in shown if row["months_since_first"] <= 12), key=lambda row: row["months_since_first"])
    points = [
        {
            "x": row["months_since_first"],
            "y": row["returned_share"],
            "line": "returned",
            "colour": "var(--accent)",
            "tip": f"By month {row['months_since_first']}: {share2(row['returned_share'])} had come back "
            f"({plural(row['cohort_count'], 'cohort')}, {plural(row['customer_count'], 'customer')})",
        }
        for row in shown
    ]
    highest = max(max(row["returned_share"] for row in shown), 0.001)
    last = points[-1]
    label = {
        "x": last["x"],
        "y": last["y"] + highest * 0.07,
        "text": share2(last["y"]),
        "colour": "var(--accent)",
        "align": "right",
    }
    until = "end of their first month"
    if mark["months_since_first"]:
        until = f"{_ordinal(mark['months_since_first'])} month after their first purchase"
    return Finding(
        f"{share(mark['returned_share'])} had come back by the {until}",
        f"{day(tables.as_of)}, complete months only",
        lambda width: charts.lines(
            width,
            points,
            charts.Axis(
                (0, max(row["months_since_first"] for row in shown) + 1), title="months since the first purchase"
            ),
            charts.Axis((0, highest * 1.15), ".1%"),
            labels=[label],
            height=220,
        ),
        "Line of the share of customers who had come back by months since the first purchase. "
        + " ".join(f"Month {row['months_since_first']}: {share2(row['returned_share'])}." for row in shown),
    )


def cohorts(tables: Tables) -> Finding | None:
    """Acquisition cohorts: who bought in which later month. None without whole months."""
    rows = tables.rows("cohorts")
    if not rows:
        return None
    top = max(rows, key=lambda row: (row["active_share"], row["cohort_month"]))
    is_frequent = top["active_share"] >= 0.1
    # Where many come back, bounds for the few would leave nothing to see.
    edges = [top["active_share"] * part for part in (0.1, 0.2, 0.4, 0.6, 0.8)] if is_frequent else _COHORT_EDGES
    cells = [
        charts.cell(
            month(row["cohort_month"]),
            str(row["months_since_first"]),
            binned(row["active_share"], edges, "sequence"),
            f"{row['active_share'] * 100:.{0 if is_frequent else 1}f}",
            f"First bought in {month(row['cohort_month'])}: {share2(row['active_share'])} bought in month "
            f"{row['months_since_first']} ({count(row['active_customer_count'])} of {count(row['customer_count'])})",
        )
        for row in rows
    ]
    labels = unique(month(row["cohort_month"]) for row in rows)
    ages = [str(age) for age in sorted({row["months_since_first"] for row in rows})]
    return Finding(
        f"In no later month did more than {share(top['active_share'])} of a cohort buy",
        f"{day(tables.as_of)}, complete months only",
        lambda width: charts.heat_map(
            width,
            cells,
            charts.Labels(ages),
            charts.Labels(labels),
            22 if is_wide(width) else 18,
            font_size=11 if is_wide(width) else 10,
            has_text=is_wide(width),
        ),
        f"Heat map of {len(labels)} monthly cohorts by months since the first purchase. The highest share is "
        f"{share2(top['active_share'])}, of those who first bought in {month(top['cohort_month'])}, in month "
        f"{top['months_since_first']}.",
    )


def end_labels(x: float, words: Sequence[tuple[float, str, str]], least: float) -> list[dict[str, Any]]:
    """Labels of lines where they end, at `x`: height, text and colour of each, moved until `least` apart."""
    heights = _apart([height for height, _, _ in words], least)
    return [
        {"x": x, "y": height, "text": text, "colour": colour}
        for height, (_, text, colour) in zip(heights, words, strict=True)
    ]


def _apart(heights: Sequence[float], least: float) -> list[float]:
    """The heights, moved as little as keeps neighbours `least` apart, in the order given."""
    order = sorted(range(len(heights)), key=lambda place: -heights[place])
    moved = list(heights)
    for above, below in pairwise(order):
        moved[below] = min(moved[below], moved[above] - least)
    return moved


def month_labels(dates: Sequence[date], at_most: int) -> dict[int, str]:
    """Month names for at most so many of the dates, by place."""
    step = max(1, -(-len(dates) // at_most))
    return {place: month(found) for place, found in enumerate(dates) if place % step == 0}


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
