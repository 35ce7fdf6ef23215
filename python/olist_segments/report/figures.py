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
from olist_segments.report.words import (
    cents,
    count,
    day,
    decimals,
    long_month,
    money,
    month,
    plural,
    share,
    share1,
    share2,
    short,
    signed,
    three,
)

REASONS = {
    "clock_only": "only time passed",
    "bought_again": "bought again",
    "review_arrived": "a review arrived",
    "delivery_arrived": "a parcel arrived",
    "several_reasons": "several of these together",
    "model_changed": "the model changed",
}
_REASON_COLOURS = [f"var(--reason-{number})" for number in range(1, len(REASONS) + 1)]
FEW = 30
"""Fewer customers than this make no share worth showing."""


def sizes(tables: Tables) -> Finding:
    """Segments by customers and by revenue."""
    rows = tables.rows("segments")
    marks = charts.Rows()
    for row in rows:
        colour = tables.colours[row["segment_key"]]
        name = row["segment_name"]
        marks.text(0, short(name, 44), 9, bold=True)
        for offset, column, words, faint in (
            (21, "customer_share", f"of customers · {count(row['customer_count'])}", True),
            (38, "revenue_share", f"of revenue · {money(row['total_spend'])}", False),
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
        "Bars of the share of customers and of revenue of each segment. "
        + " ".join(
            f"{row['segment_name']}: {share1(row['customer_share'])} of customers, "
            f"{share1(row['revenue_share'])} of revenue."
            for row in rows
        ),
    )


def traits(tables: Tables) -> Finding:
    """How each segment differs from all customers."""
    rows = tables.rows("traits")
    sharpest = {}
    for _, members in groupby(rows, key=lambda row: row["segment_key"]):
        best = max(members, key=lambda row: (abs(row["z_score"]), -row["trait_number"]))
        sharpest[best["segment_key"]] = best
    most = max(sharpest.values(), key=lambda row: abs(row["z_score"]))
    if len(sharpest) == 1 or most["z_score"] == 0:
        title = "No segment differs from the average"
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
        "Heat map of how far each segment lies from the average. "
        + " ".join(
            f"{row['segment_name']}: most by {row['trait']}, {signed(row['z_score'])}." for row in sharpest.values()
        ),
    )


def shares_by_month(tables: Tables) -> Finding:
    """How the segments grew and shrank."""
    rows = tables.rows("shares_by_month")
    dates = sorted({row["as_of_date"] for row in rows})
    months = [month(date) for date in dates]
    latest = {row["segment_key"]: row for row in rows}
    at = {(row["as_of_date"], row["segment_key"]): row["customer_share"] for row in rows}
    earlier = dates[max(0, len(dates) - 13)]
    change = {key: at.get((dates[-1], key), 0) - at.get((earlier, key), 0) for key in latest}
    grown = max(sorted(change), key=lambda key: change[key])
    title = "The shares of the segments have not changed"
    if change[grown] > 0:
        title = (
            f"Since {long_month(earlier)} {latest[grown]['segment_name']} grew most: "
            f"from {share(at.get((earlier, grown), 0))} to {share(at.get((dates[-1], grown), 0))} of customers"
        )
    order = sorted(latest, key=lambda key: (-at.get((dates[-1], key), 0), key))
    titles = {key: f"{latest[key]['segment_name']}  {share1(at.get((dates[-1], key), 0))}" for key in order}
    points = [
        {
            "title": titles[row["segment_key"]],
            "month": month(row["as_of_date"]),
            "value": row["customer_share"],
            "colour": tables.colours[row["segment_key"]],
            "tip": f"{row['segment_name']}, {month(row['as_of_date'])}: {share1(row['customer_share'])} of customers "
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
        f"One panel per segment with its share of customers at each month end from {day(dates[0])} to "
        f"{day(dates[-1])}. Today: " + "; ".join(titles[key].replace("  ", " ") for key in order) + ".",
    )


def reasons(tables: Tables) -> Finding | None:
    """Why customers moved, month by month."""
    rows = tables.rows("moves_by_reason")
    if not rows:
        return None
    dates = sorted({row["as_of_date"] for row in rows})
    last = [row for row in rows if row["as_of_date"] == dates[-1]]
    total = sum(row["customer_share"] for row in last)
    main = max(last, key=lambda row: (row["customer_count"], row["reason"]))
    part = main["customer_count"] / _customers(last)
    points = [
        {
            "month": month(row["as_of_date"]),
            "kind": _reason(row),
            "order": _reason_place(row),
            "value": row["customer_share"],
            "tip": f"{month(row['as_of_date'])}: {plural(row['customer_count'], 'customer')} moved because "
            f"{_reason(row)} ({share1(row['customer_share'])})",
        }
        for row in rows
    ]
    return Finding(
        f"In the month to {day(dates[-1])} {share(total)} of known customers changed segment; for "
        f"{share(part)} of them the reason is “{_reason(main)}”",
        day(dates[-1]),
        lambda width: charts.stacked_months(
            width, points, [month(date) for date in dates], list(REASONS.values()), _REASON_COLOURS, ".0%"
        ),
        f"Stacked bars of the share of customers who changed segment in each month to {day(dates[-1])}, by reason. "
        f"In the last month: " + "; ".join(f"{_reason(row)}, {count(row['customer_count'])}" for row in last) + ".",
    )


def _reason(row: Row) -> str:
    return REASONS.get(row["reason"], str(row["reason"]))


def _reason_place(row: Row) -> int:
    return list(REASONS).index(row["reason"]) if row["reason"] in REASONS else len(REASONS)


def moves(tables: Tables) -> Finding | None:
    """Who moved where, for each of the last months."""
    rows = tables.rows("moves")
    if not rows:
        return None
    choices = {}
    for as_of_date, found in groupby(rows, key=lambda row: row["as_of_date"]):
        streams: dict[tuple[str, str], list[Row]] = {}
        for row in found:
            streams.setdefault((row["from_segment_key"], row["to_segment_key"]), []).append(row)
        ordered = sorted(streams.values(), key=lambda parts: -_customers(parts))[:10]
        choices[long_month(as_of_date)] = (
            _streams(ordered),
            f"Bars of the largest moves between segments in the month to {day(as_of_date)}: "
            + "; ".join(f"{_stream(parts[0])}, {count(_customers(parts))}" for parts in ordered)
            + ".",
        )
    first = rows[0]
    alike = ("as_of_date", "from_segment_key", "to_segment_key")
    same = [row for row in rows if all(row[column] == first[column] for column in alike)]
    return Finding(
        f"{long_month(first['as_of_date'])}: {plural(_customers(same), 'customer')} went from "
        f"{first['from_segment_name']} to {first['to_segment_name']}",
        day(first["as_of_date"]),
        choices=choices,
    )


def _streams(streams: Sequence[Sequence[Row]]) -> Callable[[int], Any]:
    marks = charts.Rows()
    largest = max(_customers(parts) for parts in streams)
    for parts in streams:
        name = _stream(parts[0])
        marks.text(0, _stream(parts[0], 30), 9)
        start = 0.0
        for part in sorted(parts, key=_reason_place):
            place = _reason_place(part)
            colour = _REASON_COLOURS[place] if place < len(_REASON_COLOURS) else "var(--mark)"
            end = start + part["customer_count"]
            who = plural(part["customer_count"], "customer")
            tip = f"{name}: {who}, {_reason(part)}, {money(part['total_spend'])} of spend"
            marks.bar(end, 20, 14, colour, tip, start=start)
            start = end
        marks.text(start, count(start), 27, bold=True, after=True)
        marks.next(46)
    return lambda width: charts.draw_rows(width, marks, (0, largest * (1.12 if is_wide(width) else 1.25)))


def _stream(row: Row, letters: int = 1000) -> str:
    return f"{short(row['from_segment_name'], letters)} → {short(row['to_segment_name'], letters)}"


def _customers(rows: Sequence[Row]) -> int:
    return int(sum(row["customer_count"] for row in rows))


def outcomes(tables: Tables) -> Finding | None:
    """What the segments did next, beside the RFM rules."""
    rows = tables.rows("outcomes")
    if not rows:
        return None
    days = (rows[0]["outcome_until"] - rows[0]["as_of_date"]).days
    everybody = next((row for row in rows if row["segmentation"] == "everybody"), None)
    # The wide interval of a few customers would dwarf all others.
    many = [row for row in rows if row["customer_count"] >= FEW] or rows
    largest = max(row["ordered_again_high"] for row in many) or 0.01
    best = next((row for row in many if row["segmentation"] == "clusters"), many[0])
    title = f"{share2(best['ordered_again_share'])} of {best['segment_name']} ordered again within {days} days"
    if everybody is not None:
        title += f", {share2(everybody['ordered_again_share'])} of all customers"
    return Finding(
        title,
        f"{day(rows[0]['as_of_date'])}, followed until {day(rows[0]['outcome_until'])}",
        lambda width: _outcome_rows(width, rows, tables.colours, everybody, largest),
        "Dots with intervals: share of members who ordered again. "
        + " ".join(
            f"{row['segmentation']}, {row['segment_name']}: {share2(row['ordered_again_share'])}." for row in rows
        ),
        words={
            "from_day": day(rows[0]["as_of_date"]),
            "until_day": day(rows[0]["outcome_until"]),
            "few": str(FEW),
        },
    )


def _outcome_rows(
    width: int, rows: Sequence[Row], colours: Mapping[str, str], everybody: Row | None, largest: float
) -> Any:
    left, right = -largest * 0.62 if is_wide(width) else 0, largest * 1.03
    marks = charts.Rows()
    reference = None
    if everybody is not None:
        marks.text(everybody["ordered_again_share"], f"all customers {share2(everybody['ordered_again_share'])}", 8)
        marks.next(18)
        reference = (everybody["ordered_again_share"], marks.height)
    for heading, segmentation in (("Segments of the model", "clusters"), ("RFM rules", "rfm")):
        marks.text(left, heading, 12, bold=True)
        marks.next(30)
        for row in (found for found in rows if found["segmentation"] == segmentation):
            written = share2(row["ordered_again_share"])
            marks.named_dot(
                width,
                left,
                f"{short(row['segment_name'], 36)}  {written}",
                min(row["ordered_again_share"], right),
                colours.get(row["segment_key"], "var(--mark)") if segmentation == "clusters" else "var(--mark)",
                f"{row['segment_name']}: {written} ordered again ({plural(row['ordered_again_count'], 'customer')} of "
                f"{count(row['customer_count'])}), {cents(row['next_spend_per_customer'])} BRL per customer",
                (min(row["ordered_again_low"], right), min(row["ordered_again_high"], right)),
            )
        marks.next(8)
    return charts.draw_rows(width, marks, (left, right), ".1%", reference)


def comparison(tables: Tables) -> Finding | None:
    """Do clusters predict better than the RFM rules? None while no month can be judged."""
    rows = [row for row in tables.rows("comparison") if row["ranking_auc"] is not None]
    if not rows:
        return None
    dates = sorted({row["as_of_date"] for row in rows})
    clusters = [row for row in rows if row["segmentation"] == "clusters"]
    better = sum(row["comparison_status"] == "better than rfm" for row in clusters)
    names = {"clusters": "segments", "rfm": "RFM rules"}
    colours = {"clusters": "var(--accent)", "rfm": "var(--muted)"}
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
    heights = _apart([height for height, _, _ in words], (high - low) * 0.07)
    labels = [
        {"x": last, "y": height, "text": text, "colour": colour}
        for height, (_, text, colour) in zip(heights, words, strict=True)
    ]
    title = (
        f"The RFM rules ranked customers at least as well in {count(len(clusters) - better)} of "
        f"{plural(len(clusters), 'month')}"
    )
    if better * 2 > len(clusters):
        title = f"The segments ranked customers better than the RFM rules in {better} of {len(clusters)} months"
    return Finding(
        title,
        f"{day(dates[0])} to {day(dates[-1])}",
        lambda width: charts.lines(
            width,
            points,
            charts.Axis(
                (-0.3, (last or 1) * (1.16 if is_wide(width) else 1.42)),
                words=_month_labels(dates, 6 if is_wide(width) else 3),
            ),
            charts.Axis((low, high), ".2f"),
            labels=labels,
            rules=[{"y": 0.5, "colour": "var(--muted)"}],
        ),
        f"Lines of the ranking of customers by the segments and by the RFM rules on {len(dates)} dates. "
        + " ".join(f"{month(row['as_of_date'])}, {row['segmentation']}: {three(row['ranking_auc'])}." for row in rows),
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
            f"{cents(row['spend_per_customer'])} BRL per customer",
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
    """Where each segment is more frequent than in the whole country."""
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
    title = f"No segment has {FEW} members in any state: too few to compare"
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
        "One tile map of Brazil per segment with its concentration in each state. "
        + " ".join(_strongest(title, many) for title in titles),
        words={"few": str(FEW)},
    )


def _strongest(title: str, rows: Sequence[Row]) -> str:
    own = [row for row in rows if row["segment_name"] == title]
    if not own:
        return f"{title}: too few members in every state."
    top = max(own, key=lambda row: (row["concentration"], row["state"]))
    return f"{title}: most concentrated in {top['state_name']}, {decimals(top['concentration'])} times."


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
            "tip": f"By month {row['months_since_first']}: {share2(row['returned_share'])} had bought again "
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
        f"{share(mark['returned_share'])} had bought again by the {until}",
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
        "Line of the share of customers who had bought again by months since the first purchase. "
        + " ".join(f"Month {row['months_since_first']}: {share2(row['returned_share'])}." for row in shown),
    )


def cohorts(tables: Tables) -> Finding | None:
    """Acquisition cohorts: who bought in which later month. None without whole months."""
    rows = tables.rows("cohorts")
    if not rows:
        return None
    top = max(rows, key=lambda row: (row["active_share"], row["cohort_month"]))
    cells = [
        charts.cell(
            month(row["cohort_month"]),
            str(row["months_since_first"]),
            binned(row["active_share"], (0.001, 0.002, 0.004, 0.006, 0.01), "sequence"),
            f"{row['active_share'] * 100:.1f}",
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


def _apart(heights: Sequence[float], least: float) -> list[float]:
    """The heights, moved as little as keeps neighbours `least` apart, in the order given."""
    order = sorted(range(len(heights)), key=lambda place: -heights[place])
    moved = list(heights)
    for above, below in pairwise(order):
        moved[below] = min(moved[below], moved[above] - least)
    return moved


def _month_labels(dates: Sequence[date], at_most: int) -> dict[int, str]:
    step = max(1, -(-len(dates) // at_most))
    return {place: month(found) for place, found in enumerate(dates) if place % step == 0}


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
