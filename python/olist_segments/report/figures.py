"""The figures for everybody: who the customers are, what to do, who moved, what they did next.

Every figure is made from the rows of one query and nothing else; its table shows those rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from itertools import groupby, pairwise
from typing import Any

from olist_segments.report import charts
from olist_segments.report.figure import Choice, Column, Figure, drawn, four, three, unique
from olist_segments.report.palette import binned
from olist_segments.report.source import Answer, Row, newest
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
"""Fewer people than this make no share worth showing."""


def sizes(answer: Answer, colours: Mapping[str, str]) -> Figure:
    """Segments by people and by revenue."""
    rows = answer.rows
    marks = charts.Rows()
    for row in rows:
        colour = colours[row["segment_key"]]
        name = row["segment_name"]
        marks.text(0, short(name, 44), 9, bold=True)
        for offset, column, words, faint in (
            (21, "customer_share", f"of people · {count(row['customer_count'])}", True),
            (38, "revenue_share", f"of revenue · {money(row['total_spend'])}", False),
        ):
            value = max(row[column], 0)
            written = f"{share1(row[column])} {words}"
            marks.bar(value, offset, 14, colour, f"{name}: {written}", faint=faint)
            marks.text(value, written, offset + 7, after=True)
        marks.next(66)
    largest = max(max(row["customer_share"], row["revenue_share"]) for row in rows)
    first = rows[0]
    return Figure(
        "sizes",
        f"{first['segment_name']}: {share(first['customer_share'])} of customers, "
        f"{share(first['revenue_share'])} of revenue",
        "For each segment the pale bar is its share of all customers, the full bar its share of all revenue so far. "
        "Where the full bar is longer, its members spend more than others.",
        answer,
        [
            Column("segment_name", "segment"),
            Column("customer_count", "customers", count),
            Column("customer_share", "share of customers", share1),
            Column("total_spend", "spend so far, BRL", cents),
            Column("revenue_share", "share of revenue", share1),
            Column("avg_total_spend", "spend a head, BRL", cents),
        ],
        day(first["as_of_date"]),
        drawn(
            "sizes",
            lambda width: charts.draw_rows(width, marks, (0, largest * (1.42 if charts.is_wide(width) else 2.3))),
            "Bars of the share of customers and of revenue of each segment. "
            + " ".join(
                f"{row['segment_name']}: {share1(row['customer_share'])} of customers, "
                f"{share1(row['revenue_share'])} of revenue."
                for row in rows
            ),
        ),
    )


def traits(answer: Answer) -> Figure:
    """What sets each segment apart."""
    rows = answer.rows
    sharpest = {}
    for _, members in groupby(rows, key=lambda row: row["segment_key"]):
        best = max(members, key=lambda row: (abs(row["z_score"]), -row["trait_number"]))
        sharpest[best["segment_key"]] = best
    most = max(sharpest.values(), key=lambda row: abs(row["z_score"]))
    if len(sharpest) == 1 or most["z_score"] == 0:
        title = "Nothing sets one group of customers apart from another"
    else:
        side = ("far " if abs(most["z_score"]) >= 2 else "") + ("above" if most["z_score"] > 0 else "below")
        title = f"Set apart most: {most['segment_name']}, by {most['trait']} {side} the average"
    cells = []
    for row in rows:
        fill, ink = binned(row["z_score"], (-1.5, -0.75, -0.25, 0.25, 0.75, 1.5), "diverging")
        tip = f"{row['segment_name']}: {row['trait']} {signed(row['z_score'])} standard deviations from everybody"
        cells.append(
            {
                "row": row["segment_name"],
                "column": row["trait"],
                "fill": fill,
                "ink": ink,
                "text": signed(row["z_score"]),
                "tip": tip,
            }
        )
    names = unique(row["segment_name"] for row in rows)
    words = unique(row["trait"] for row in rows)
    return Figure(
        "traits",
        title,
        "0 is the average of all customers. +1 or −1 is clearly more or less than usual (one standard deviation: about "
        "a sixth of all customers lie further out), ±2 and beyond is rare. Recency counts the days since the last "
        "purchase, so plus means long ago; spend is compared on a logarithmic scale.",
        answer,
        [
            Column("segment_name", "segment"),
            Column("trait", "trait"),
            Column("segment_mean", "mean of the segment", decimals),
            Column("customer_mean", "mean of everybody", decimals),
            Column("z_score", "standard deviations apart", signed),
        ],
        day(newest(rows)),
        drawn(
            "traits",
            lambda width: charts.heat_map(
                width,
                cells,
                charts.Labels(words, 14 if charts.is_wide(width) else 10),
                charts.Labels(names, 30 if charts.is_wide(width) else 14),
                44,
                font_size=13 if charts.is_wide(width) else 11,
            ),
            "Heat map of how far each segment lies from the average. "
            + " ".join(
                f"{row['segment_name']}: most by {row['trait']}, {signed(row['z_score'])}." for row in sharpest.values()
            ),
        ),
    )


def shares_by_month(answer: Answer, colours: Mapping[str, str]) -> Figure:
    """How the segments grew and shrank."""
    rows = answer.rows
    dates = sorted({row["as_of_date"] for row in rows})
    months = [month(date) for date in dates]
    latest = {row["segment_key"]: row for row in rows}
    at = {(row["as_of_date"], row["segment_key"]): row["customer_share"] for row in rows}
    earlier = dates[max(0, len(dates) - 13)]
    change = {key: at.get((dates[-1], key), 0) - at.get((earlier, key), 0) for key in latest}
    grown = max(sorted(change), key=lambda key: change[key])
    if change[grown] <= 0:
        title = "The shares of the segments have not moved"
    else:
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
            "colour": colours[row["segment_key"]],
            "tip": f"{row['segment_name']}, {month(row['as_of_date'])}: {share1(row['customer_share'])} of customers "
            f"({count(row['customer_count'])})",
        }
        for row in rows
    ]
    return Figure(
        "shares",
        title,
        "Share of all customers known at each month end. The number beside each name is today’s.",
        answer,
        [
            Column("as_of_date", "date"),
            Column("segment_name", "segment"),
            Column("customer_count", "customers", count),
            Column("customer_share", "share of customers", share1),
            Column("revenue_share", "share of revenue", share1),
        ],
        day(dates[-1]),
        drawn(
            "shares",
            lambda width: charts.month_panels(
                width,
                points,
                list(titles.values()),
                3 if charts.is_wide(width) else 1,
                months,
                height=110 if charts.is_wide(width) else 64,
            ),
            f"One panel a segment with its share of customers at each month end from {day(dates[0])} to "
            f"{day(dates[-1])}. Today: " + "; ".join(titles[key].replace("  ", " ") for key in order) + ".",
        ),
    )


def reasons(answer: Answer) -> Figure:
    """Why customers moved, month by month."""
    rows = answer.rows
    dates = sorted({row["as_of_date"] for row in rows})
    last = [row for row in rows if row["as_of_date"] == dates[-1]]
    total = sum(row["customer_share"] for row in last)
    main = max(last, key=lambda row: (row["customer_count"], row["reason"]))
    part = main["customer_count"] / sum(row["customer_count"] for row in last)
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
    return Figure(
        "reasons",
        f"In the month to {day(dates[-1])} {share(total)} of known customers changed segment; for "
        f"{share(part)} of them the reason is “{_reason(main)}”",
        "Each bar is a month: the share of the customers known at its start who were in another segment at its end, "
        "by what happened to them in between.",
        answer,
        [
            Column("as_of_date", "month to"),
            Column("reason", "reason"),
            Column("customer_count", "customers who moved", count),
            Column("known_customer_count", "customers known before", count),
            Column("customer_share", "share", share2),
        ],
        day(dates[-1]),
        drawn(
            "reasons",
            lambda width: charts.stacked_months(
                width, points, [month(date) for date in dates], list(REASONS.values()), _REASON_COLOURS, ".0%"
            ),
            f"Stacked bars of the share of customers who changed segment in each month to {day(dates[-1])}, by reason. "
            f"In the last month: " + "; ".join(f"{_reason(row)}, {count(row['customer_count'])}" for row in last) + ".",
        ),
    )


def _reason(row: Row) -> str:
    return REASONS.get(row["reason"], str(row["reason"]))


def _reason_place(row: Row) -> int:
    return list(REASONS).index(row["reason"]) if row["reason"] in REASONS else len(REASONS)


def moves(answer: Answer) -> Figure:
    """Who moved where, for each of the last months."""
    rows = answer.rows
    choices = []
    for as_of_date, found in groupby(rows, key=lambda row: row["as_of_date"]):
        of_month = list(found)
        streams: dict[tuple[str, str], list[Row]] = {}
        for row in of_month:
            streams.setdefault((row["from_segment_key"], row["to_segment_key"]), []).append(row)
        ordered = sorted(streams.values(), key=lambda parts: -sum(part["customer_count"] for part in parts))
        choices.append(
            Choice(
                f"{long_month(as_of_date)}",
                charts.render(
                    f"moves-{as_of_date:%Y%m%d}",
                    _streams(ordered[:10]),
                    f"Bars of the largest streams between segments in the month to {day(as_of_date)}: "
                    + "; ".join(f"{_stream(parts[0])}, {count(_people(parts))}" for parts in ordered[:10])
                    + ".",
                ),
            )
        )
    newest_rows = [row for row in rows if row["as_of_date"] == rows[0]["as_of_date"]]
    first = newest_rows[0]
    same = [
        row
        for row in newest_rows
        if (row["from_segment_key"], row["to_segment_key"]) == (first["from_segment_key"], first["to_segment_key"])
    ]
    return Figure(
        "moves",
        f"{long_month(first['as_of_date'])}: {plural(_people(same), 'customer')} went from "
        f"{first['from_segment_name']} to {first['to_segment_name']}",
        "The ten largest streams of the month; the colours are the reasons, as in the figure above. The table has all "
        "streams of the last twelve dates.",
        answer,
        [
            Column("as_of_date", "month to"),
            Column("from_segment_name", "from"),
            Column("to_segment_name", "to"),
            Column("reason", "reason"),
            Column("customer_count", "customers", count),
            Column("total_spend", "their spend so far, BRL", cents),
        ],
        day(first["as_of_date"]),
        choices,
        "Month",
    )


def _streams(streams: Sequence[Sequence[Row]]) -> Callable[[int], Any]:
    marks = charts.Rows()
    largest = max(_people(parts) for parts in streams)
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
    return lambda width: charts.draw_rows(width, marks, (0, largest * (1.12 if charts.is_wide(width) else 1.25)))


def _stream(row: Row, letters: int = 1000) -> str:
    return f"{short(row['from_segment_name'], letters)} → {short(row['to_segment_name'], letters)}"


def _people(rows: Sequence[Row]) -> int:
    return int(sum(row["customer_count"] for row in rows))


def outcomes(answer: Answer, colours: Mapping[str, str]) -> Figure:
    """What segments did next, with the baseline beside them."""
    rows = answer.rows
    days = (rows[0]["outcome_until"] - rows[0]["as_of_date"]).days
    everybody = next((row for row in rows if row["segmentation"] == "everybody"), None)
    # A share of a few people says little, and its interval would dwarf all others.
    many = [row for row in rows if row["customer_count"] >= FEW] or rows
    largest = max(row["ordered_again_high"] for row in many)
    best = next((row for row in many if row["segmentation"] == "clusters"), many[0])
    title = f"{share2(best['ordered_again_share'])} of {best['segment_name']} ordered again within {days} days"
    if everybody is not None:
        title += f", {share2(everybody['ordered_again_share'])} of everybody"
    return Figure(
        "outcomes",
        title,
        f"Share of the members on {day(rows[0]['as_of_date'])} who ordered again by {day(rows[0]['outcome_until'])}, "
        "the newest period that the data cover in full. The line around each dot is where the share would lie had "
        f"chance played otherwise (95%); it leaves the chart where members are fewer than "
        f"{FEW}. The baseline sorts the same customers by fixed rules on recency, frequency and spend.",
        answer,
        [
            Column("segmentation", "segmentation"),
            Column("segment_name", "segment"),
            Column("customer_count", "customers", count),
            Column("ordered_again_count", "ordered again", count),
            Column("ordered_again_share", "share", share2),
            Column("ordered_again_low", "at least", share2),
            Column("ordered_again_high", "at most", share2),
            Column("ordered_again_lift", "times everybody’s", decimals),
            Column("next_spend_a_head", "spend a head, BRL", cents),
        ],
        f"{day(rows[0]['as_of_date'])}, followed until {day(rows[0]['outcome_until'])}",
        drawn(
            "outcomes",
            lambda width: _outcome_rows(width, rows, colours, everybody, largest or 0.01),
            "Dots with intervals: share of members who ordered again. "
            + " ".join(
                f"{row['segmentation']}, {row['segment_name']}: {share2(row['ordered_again_share'])}." for row in rows
            ),
        ),
    )


def _outcome_rows(
    width: int, rows: Sequence[Row], colours: Mapping[str, str], everybody: Row | None, largest: float
) -> Any:
    """Names left of the dots where there is room, above them where there is not."""
    marks = charts.Rows()
    is_wide = charts.is_wide(width)
    left, right = -largest * 0.62 if is_wide else 0, largest * 1.03
    reference = None
    if everybody is not None:
        marks.text(everybody["ordered_again_share"], f"everybody {share2(everybody['ordered_again_share'])}", 8)
        marks.next(18)
        reference = (everybody["ordered_again_share"], marks.height)
    for heading, segmentation in (("Segments of the model", "clusters"), ("Rules of thumb (RFM)", "rfm")):
        marks.text(left, heading, 12, bold=True)
        marks.next(30)
        for row in (found for found in rows if found["segmentation"] == segmentation):
            colour = colours.get(row["segment_key"], "var(--mark)") if segmentation == "clusters" else "var(--mark)"
            written = share2(row["ordered_again_share"])
            marks.text(left, f"{short(row['segment_name'], 36)}  {written}", 8)
            marks.dot(
                min(row["ordered_again_share"], right),
                8 if is_wide else 25,
                colour,
                f"{row['segment_name']}: {written} ordered again ({plural(row['ordered_again_count'], 'customer')} of "
                f"{count(row['customer_count'])}), {cents(row['next_spend_a_head'])} BRL a head",
                min(row["ordered_again_low"], right),
                min(row["ordered_again_high"], right),
            )
            marks.next(23 if is_wide else 38)
        marks.next(8)
    return charts.draw_rows(width, marks, (left, right), ".1%", reference)


def comparison(answer: Answer) -> Figure | None:
    """Do clusters foretell better than rules of thumb? None while no month can be judged."""
    rows = [row for row in answer.rows if row["ranking_auc"] is not None]
    if not rows:
        return None
    dates = sorted({row["as_of_date"] for row in rows})
    clusters = [row for row in rows if row["segmentation"] == "clusters"]
    better = sum(row["comparison_status"] == "better than rfm" for row in clusters)
    names = {"clusters": "segments", "rfm": "rules of thumb"}
    colours = {"clusters": "var(--accent)", "rfm": "var(--muted)"}
    points = [
        {
            "x": dates.index(row["as_of_date"]),
            "y": row["ranking_auc"],
            "line": row["segmentation"],
            "colour": colours[row["segmentation"]],
            "tip": f"{month(row['as_of_date'])}, {names[row['segmentation']]}: {decimals(row['ranking_auc'], 3)}",
        }
        for row in rows
    ]
    ends = sorted((p for p in points if p["x"] == len(dates) - 1), key=lambda point: -point["y"])
    values = [row["ranking_auc"] for row in rows] + [0.5]
    low, high = min(values) - 0.03, max(values) + 0.03
    last = len(dates) - 1
    words = [(point["y"], names[point["line"]], point["colour"]) for point in ends] + [
        (0.5 - (high - low) * 0.05, "a coin", "var(--muted)")
    ]
    heights = _apart([height for height, _, _ in words], (high - low) * 0.07)
    labels = [
        {"x": last, "y": height, "text": text, "colour": colour}
        for height, (_, text, colour) in zip(heights, words, strict=True)
    ]
    title = (
        f"The rules of thumb ranked customers at least as well in {count(len(clusters) - better)} of "
        f"{plural(len(clusters), 'month')}"
    )
    if better * 2 > len(clusters):
        title = f"The segments ranked customers better than the rules of thumb in {better} of {len(clusters)} months"
    return Figure(
        "comparison",
        title,
        "Take a customer who ordered again and one who did not: how often did the first stand in the segment expected "
        "to return more? 0.5 is a coin, 1 is always. Expectations come only from what was known by then.",
        answer,
        [
            Column("as_of_date", "date"),
            Column("segmentation", "segmentation"),
            Column("segment_count", "segments", count),
            Column("customer_count", "customers", count),
            Column("ranking_auc", "ranking (AUC)", three),
            Column("value_explained", "share of next spend explained", four),
            Column("comparison_status", "verdict"),
        ],
        f"{day(dates[0])} to {day(dates[-1])}",
        drawn(
            "comparison",
            lambda width: charts.lines(
                width,
                points,
                charts.Axis(
                    (-0.3, (last or 1) * (1.16 if charts.is_wide(width) else 1.42)),
                    words=_month_labels(dates, 6 if charts.is_wide(width) else 3),
                ),
                charts.Axis((low, high), ".2f"),
                labels=labels,
                rules=[{"y": 0.5, "colour": "var(--muted)"}],
            ),
            f"Lines of the ranking of customers by the segments and by rules of thumb on {len(dates)} dates. "
            + " ".join(
                f"{month(row['as_of_date'])}, {row['segmentation']}: {three(row['ranking_auc'])}." for row in rows
            ),
        ),
    )


def delivery(answer: Answer) -> Figure:
    """Satisfaction against delivery."""
    rows = answer.rows
    known = [row for row in rows if row["avg_review_score"] is not None and row["review_count"] >= FEW] or [
        row for row in rows if row["avg_review_score"] is not None
    ]
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
            f"From {decimals(best['avg_review_score'], 1)} to {decimals(worst['avg_review_score'], 1)} stars: "
            f"“{best['delivery_band']}” against “{worst['delivery_band']}”"
        )
    return Figure(
        "delivery",
        title,
        "Mean review score, 1 to 5 stars, of the orders that came so early or late against the promised day. Bars "
        "below 3 stars have the colour of alarm.",
        answer,
        [
            Column("delivery_band", "delivery"),
            Column("order_count", "orders", count),
            Column("share_of_orders", "share of orders", share1),
            Column("review_count", "reviews", count),
            Column("avg_review_score", "mean stars", decimals),
            Column("one_star_share", "one star", share1),
            Column("five_star_share", "five stars", share1),
        ],
        day(newest(rows)),
        drawn(
            "delivery",
            lambda width: charts.draw_rows(width, marks, (1, 6.2 if charts.is_wide(width) else 8.2)),
            "Bars of the mean review score by how early or late an order came. "
            + " ".join(
                f"{row['delivery_band']}: {decimals(row['avg_review_score'], 1)} stars, "
                f"{share1(row['share_of_orders'])} of orders."
                for row in rows
            ),
        ),
    )


def states(answer: Answer) -> Figure:
    """The map of Brazil: where customers live."""
    rows = answer.rows
    leading = rows[:3]
    tiles = []
    for row in rows:
        fill, ink = binned(row["customer_share"], (0.002, 0.01, 0.03, 0.08, 0.2), "sequence")
        tiles.append(
            {
                "title": "",
                "row": row["tile_row"],
                "column": row["tile_column"],
                "state": row["state"],
                "text": "<0.1%" if 0 < row["customer_share"] < 0.0005 else share1(row["customer_share"]),
                "fill": fill,
                "ink": ink,
                "edge": "var(--rule)",
                "tip": f"{row['state_name']}: {plural(row['customer_count'], 'customer')}, "
                f"{cents(row['spend_a_head'])} BRL a head",
            }
        )
    return Figure(
        "states",
        f"{leading[0]['state_name']} has {share(leading[0]['customer_share'])} of the customers, the first three "
        f"states {share(sum(row['customer_share'] for row in leading))}",
        "Each state is a tile of the same size, placed about where it lies; the darker (in dark mode the lighter), the "
        "more of the customers live there.",
        answer,
        [
            Column("state", "code"),
            Column("state_name", "state"),
            Column("region", "region"),
            Column("customer_count", "customers", count),
            Column("customer_share", "share of customers", share1),
            Column("total_spend", "spend so far, BRL", cents),
            Column("spend_a_head", "spend a head, BRL", cents),
        ],
        day(newest(rows)),
        drawn(
            "states",
            lambda width: charts.tile_maps(
                width, tiles, [""], 1, size=64 if charts.is_wide(width) else 46, has_text=True
            ),
            "Tile map of Brazil with the share of customers of each state. "
            + " ".join(f"{row['state_name']} {share1(row['customer_share'])}." for row in rows),
        ),
    )


def states_by_segment(answer: Answer) -> Figure:
    """Where each segment is over-represented."""
    rows = answer.rows
    titles = unique(row["segment_name"] for row in rows)
    places = {(row["tile_row"], row["tile_column"]): row["state"] for row in rows}
    found = {(row["segment_name"], row["state"]): row for row in rows}
    tiles = []
    for title in titles:
        for (tile_row, tile_column), state in sorted(places.items()):
            cell = found.get((title, state))
            few = cell is None or cell["customer_count"] < FEW
            fill, ink = (
                ("var(--page)", "var(--muted)")
                if few or cell is None
                else binned(cell["concentration"], (0.67, 0.83, 0.95, 1.05, 1.2, 1.5), "diverging")
            )
            members = 0 if cell is None else cell["customer_count"]
            tip = f"{title}, {state}: {plural(members, 'member')}"
            if not few and cell is not None:
                tip += f", {decimals(cell['concentration'])} times its share of all customers"
            tiles.append(
                {
                    "title": title,
                    "row": tile_row,
                    "column": tile_column,
                    "state": state,
                    "text": "",
                    "fill": fill,
                    "ink": ink,
                    "edge": "var(--rule)" if few else fill,
                    "tip": tip,
                }
            )
    many = [row for row in rows if row["customer_count"] >= FEW]
    title = f"No segment has {FEW} members in any state: too few to compare"
    if many:
        top = max(many, key=lambda row: (row["concentration"], row["segment_key"], row["state"]))
        title = (
            f"{top['segment_name']}: {decimals(top['concentration'], 1)} times as frequent in {top['state_name']} as "
            "in the whole country"
        )
    return Figure(
        "states-by-segment",
        title,
        "One map a segment. Blue: more of them live there than of customers in general; orange: fewer; pale: as many. "
        f"Empty tiles have fewer than {FEW} members, too few to say.",
        answer,
        [
            Column("segment_name", "segment"),
            Column("state_name", "state"),
            Column("customer_count", "members", count),
            Column("share_of_segment", "share of the segment", share1),
            Column("share_of_state", "share of the state", share1),
            Column("concentration", "times its share of all", decimals),
        ],
        day(newest(rows)),
        drawn(
            "states-by-segment",
            lambda width: charts.tile_maps(
                width,
                tiles,
                titles,
                3 if charts.is_wide(width) else 2,
                size=34 if charts.is_wide(width) else 22,
                has_text=False,
            ),
            "One tile map of Brazil a segment with its concentration in each state. "
            + " ".join(_strongest(title, many) for title in titles),
        ),
    )


def _strongest(title: str, rows: Sequence[Row]) -> str:
    own = [row for row in rows if row["segment_name"] == title]
    if not own:
        return f"{title}: too few members in every state."
    top = max(own, key=lambda row: (row["concentration"], row["state"]))
    return f"{title}: most concentrated in {top['state_name']}, {decimals(top['concentration'])} times."


def returned(answer: Answer, as_of: date) -> Figure | None:
    """How many of a cohort came back, by months since the first purchase. None without whole months."""
    rows = answer.rows
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
    return Figure(
        "returned",
        f"{share(mark['returned_share'])} had bought again by the "
        + (
            "end of their first month"
            if mark["months_since_first"] == 0
            else f"{_ordinal(mark['months_since_first'])} month after their first purchase"
        ),
        "Customers by the month of their first purchase, taken together: the share who have bought again so many "
        "months later. Only whole months count, and only ages that three cohorts or more have reached; the oldest "
        "cohorts alone reach the right end.",
        answer,
        [
            Column("months_since_first", "months since", count),
            Column("cohort_count", "cohorts", count),
            Column("customer_count", "customers", count),
            Column("returned_customer_count", "bought again", count),
            Column("returned_share", "share", share2),
        ],
        f"{day(as_of)}, whole months only",
        drawn(
            "returned",
            lambda width: charts.lines(
                width,
                points,
                charts.Axis(
                    (0, max(row["months_since_first"] for row in shown) + 1), title="months since the first purchase"
                ),
                charts.Axis((0, highest * 1.15), ".1%"),
                labels=[
                    {
                        "x": last["x"],
                        "y": last["y"] + highest * 0.07,
                        "text": share2(last["y"]),
                        "colour": "var(--accent)",
                        "align": "right",
                    }
                ],
                height=220,
            ),
            "Line of the share of customers who had bought again by months since the first purchase. "
            + " ".join(f"Month {row['months_since_first']}: {share2(row['returned_share'])}." for row in shown),
        ),
    )


def cohorts(answer: Answer, as_of: date) -> Figure | None:
    """Acquisition cohorts: who bought in which later month. None without whole months."""
    rows = answer.rows
    if not rows:
        return None
    top = max(rows, key=lambda row: (row["active_share"], row["cohort_month"]))
    cells = []
    for row in rows:
        fill, ink = binned(row["active_share"], (0.001, 0.002, 0.004, 0.006, 0.01), "sequence")
        cells.append(
            {
                "row": month(row["cohort_month"]),
                "column": str(row["months_since_first"]),
                "fill": fill,
                "ink": ink,
                "text": f"{row['active_share'] * 100:.1f}",
                "tip": f"First bought in {month(row['cohort_month'])}: {share2(row['active_share'])} bought in month "
                f"{row['months_since_first']} ({count(row['active_customer_count'])} of "
                f"{count(row['customer_count'])})",
            }
        )
    labels = unique(month(row["cohort_month"]) for row in rows)
    ages = [str(age) for age in sorted({row["months_since_first"] for row in rows})]
    return Figure(
        "cohorts",
        f"In no later month did more than {share(top['active_share'])} of a cohort buy",
        "One row for those who first bought in the same month, one column for each month since; a cell is the share of "
        "them, in per cent, who bought in that month.",
        answer,
        [
            Column("cohort_month", "first bought in"),
            Column("months_since_first", "months since", count),
            Column("customer_count", "customers", count),
            Column("active_customer_count", "bought", count),
            Column("active_share", "share", share2),
        ],
        f"{day(as_of)}, whole months only",
        drawn(
            "cohorts",
            lambda width: charts.heat_map(
                width,
                cells,
                charts.Labels(ages),
                charts.Labels(labels),
                22 if charts.is_wide(width) else 18,
                font_size=11 if charts.is_wide(width) else 10,
                has_text=charts.is_wide(width),
            ),
            f"Heat map of {len(labels)} monthly cohorts by months since the first purchase. The highest share is "
            f"{share2(top['active_share'])}, of those who first bought in {month(top['cohort_month'])}, in month "
            f"{top['months_since_first']}.",
        ),
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
