"""What the figures for specialists say: how the segmentation was chosen, how it ages, what was left out.

Each function takes the tables and returns the finding of the figure of the same name in report.yml, or None if there
is too little data for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from olist_segments.bounds import DISSOLVED, RECOVERED
from olist_segments.report import charts
from olist_segments.report.charts import is_wide
from olist_segments.report.figure import Finding, Tables, unique
from olist_segments.report.source import Row, newest
from olist_segments.report.words import a_number, count, day, decimals, long_month, month, plural, share, short, three


def candidates(tables: Tables) -> Finding:
    """How the segmentation was chosen."""
    rows = tables.rows("candidates")
    eligible = sum(row["is_eligible"] for row in rows)
    chosen = next(row for row in rows if row["is_chosen"])
    points = [
        {
            "title": f"features: {short(row['feature_set'], 36)}",
            "x": row["k"],
            "y": row["structure_gap"],
            "shape": short(row["algorithm"], 24),
            "colour": "var(--accent)" if row["is_chosen"] else "var(--mark)" if row["is_eligible"] else "transparent",
            "edge": "var(--accent)" if row["is_chosen"] else "var(--mark)",
            "size": 170 if row["is_chosen"] else 60,
            "label": "chosen" if row["is_chosen"] else "",
            "tip": f"{row['feature_set']}, {row['algorithm']} {row['setting']}{_keeps(row)}: {row['reason']}",
        }
        for row in rows
        if row["structure_gap"] is not None
    ]
    titles = unique(sorted(point["title"] for point in points))
    title = (
        f"{chosen['algorithm']} {chosen['setting']} on {chosen['feature_set']} was chosen; {count(eligible)} of "
        f"{plural(len(rows), 'candidate')} met every bound"
    )
    return Finding(
        title,
        day(chosen["data_as_of"]),
        (
            lambda width: charts.scatter_panels(
                width,
                points,
                titles,
                min(len(titles), 2) if is_wide(width) else 1,
                x_title="segments",
                y_title="structure gap",
            )
        )
        if points
        else None,
        f"Candidates by number of segments and by how much tighter they are than a cloud without segments. {title}. "
        f"Reason: {chosen['reason']}.",
        words={
            "reason": chosen["reason"],
            "shelf_life": ""
            if chosen["shelf_life_days"] is None
            else f"The chosen one keeps for {plural(chosen['shelf_life_days'], 'day')}. ",
        },
    )


def _keeps(row: Row) -> str:
    return "" if row["shelf_life_days"] is None else f", keeps for {plural(row['shelf_life_days'], 'day')}"


def stability(tables: Tables) -> Finding | None:
    """Would each segment be found again? None if nothing was measured."""
    rows = [row for row in tables.rows("stability") if row["jaccard"] is not None]
    if not rows:
        return None
    stable = sum(row["jaccard"] >= RECOVERED for row in rows)
    weakest = rows[-1]
    title = (
        f"{a_number(stable).capitalize()} of {a_number(len(rows))} segments "
        f"{'is' if stable == 1 else 'are'} found again in resamples; the least stable is {weakest['segment_name']}, "
        f"{decimals(weakest['jaccard'])} of 1"
    )
    if stable == len(rows) > 1:
        title = f"Every segment is found again in resamples, the least stable with {decimals(weakest['jaccard'])} of 1"
    return Finding(
        title,
        day(rows[0]["data_as_of"]),
        lambda width: _stability_rows(width, rows, tables.colours),
        "Dots with intervals of the bootstrap Jaccard of each segment. "
        + " ".join(f"{row['segment_name']}: {decimals(row['jaccard'])}, {row['stability_status']}." for row in rows),
        words={"recovered": str(RECOVERED), "dissolved": str(DISSOLVED)},
    )


def _stability_rows(width: int, rows: Sequence[Row], colours: Mapping[str, str]) -> Any:
    left = -0.72 if is_wide(width) else 0
    marks = charts.Rows()
    marks.text(RECOVERED, f"stable from {RECOVERED}", 8)
    marks.next(24)
    for row in rows:
        marks.named_dot(
            width,
            left,
            f"{short(row['segment_name'], 30)}  {decimals(row['jaccard'])}, {short(row['stability_status'], 20)}",
            row["jaccard"],
            colours.get(row["segment_key"], "var(--mark)"),
            f"{row['segment_name']}: {decimals(row['jaccard'])} ({decimals(row['jaccard_low'])} to "
            f"{decimals(row['jaccard_high'])}), {row['stability_status']}",
            (row["jaccard_low"], row["jaccard_high"]),
        )
    return charts.draw_rows(width, marks, (left, 1.02 if is_wide(width) else 1.15), ".1f", (RECOVERED, 16))


def ageing(tables: Tables) -> Finding | None:
    """How the segmentation ages. None if history is too short to tell."""
    threshold = tables.terms["threshold"] if tables.terms else None
    noise_floor = tables.terms["noise_floor"] if tables.terms else None
    rows = [row for row in tables.rows("ageing") if row["origin_count"] >= 5]
    frozen = [row for row in rows if row["variant"] == "all features"]
    clocked = [row for row in rows if row["variant"] == "with recency"]
    if not frozen:
        return None
    is_clocked = bool(tables.rows("version")[0]["has_clock"])
    longest = max(row["horizon_days"] for row in rows)
    points = [
        {
            "x": row["horizon_days"],
            "y": row["agreement_median"],
            "line": row["variant"],
            "colour": "var(--accent)" if row["variant"] == "all features" else "var(--mark)",
            "tip": f"{row['horizon_days']} days old, {row['variant']}: agreement {decimals(row['agreement_median'])} "
            f"(median of {plural(row['origin_count'], 'origin')})",
        }
        for row in rows
    ]
    bands = [
        {
            "x": row["horizon_days"],
            "y": row["agreement_p10"],
            "y2": row["agreement_p90"],
            "line": row["variant"],
            "colour": "var(--accent)",
        }
        for row in frozen
    ]
    title = (
        f"A model left alone for {frozen[-1]['horizon_days']} days still has an agreement of "
        f"{decimals(frozen[-1]['agreement_median'])} with a fresh one"
    )
    below = next((row for row in frozen if threshold is not None and row["agreement_median"] < threshold), None)
    if below is not None:
        title = (
            f"After {below['horizon_days']} days the agreement of a model left alone with a fresh one is below "
            f"{decimals(threshold)}"
        )
    lowest = min([row["agreement_p10"] for row in frozen] + [row["agreement_median"] for row in rows])
    bottom = max(min(lowest - 0.05, 0.6), -0.5)
    return Finding(
        title,
        day(newest(rows, "newest_later_date")),
        lambda width: charts.lines(
            width,
            points,
            charts.Axis((0, longest * 1.02), title="age of the model, days"),
            charts.Axis((bottom, 1.02), ".1f"),
            bands=bands,
            labels=_ageing_labels(frozen, clocked, threshold, longest, 1.02 - bottom, is_clocked=is_clocked),
            rules=[] if threshold is None else [{"y": threshold, "colour": "var(--alarm)"}],
        ),
        "Lines of the agreement of a frozen model with a fresh one by its age. "
        + " ".join(
            f"{row['horizon_days']} days: {decimals(row['agreement_median'])}." for row in frozen[3::4] or frozen
        ),
        words={
            "noise_floor": ""
            if noise_floor is None
            else f" Two fits of the same day have an agreement of {decimals(noise_floor)} (median).",
            "with_recency": " With recency as well is the same history with recency among the features: what the "
            "calendar alone would cost."
            if clocked
            else "",
        },
    )


def _ageing_labels(
    frozen: Sequence[Row],
    clocked: Sequence[Row],
    threshold: float | None,
    longest: int,
    height: float,
    *,
    is_clocked: bool,
) -> list[dict[str, Any]]:
    """Words beside the lines, where they lie on no other line; `height` is that of the chart in units of y."""
    reach = 0.4 * longest  # of words on a phone

    def below(row: Row) -> float:
        start = row["horizon_days"]
        reached = [other["agreement_p10"] for other in frozen if start <= other["horizon_days"] <= start + reach]
        return float(min(reached) - 0.06 * height)

    def room(row: Row) -> float:
        start, y = row["horizon_days"], below(row)
        others = [
            other["agreement_median"]
            for other in clocked
            if start - reach / 4 <= other["horizon_days"] <= start + reach
        ]
        return min((abs(y - other) for other in [*others, threshold] if other is not None), default=1.0)

    widest = max(frozen[len(frozen) // 8 : len(frozen) * 5 // 8 + 1], key=room)
    words = {"text": "with the clock" if is_clocked else "without the clock", "colour": "var(--accent)"}
    labels: list[dict[str, Any]] = [{"x": widest["horizon_days"], "y": below(widest), **words}]
    if clocked:
        # The line falls, so that there is room on the right above it.
        middle = clocked[len(clocked) // 2]
        words = {"text": "with recency as well", "colour": "var(--muted)"}
        labels.append({"x": middle["horizon_days"], "y": middle["agreement_median"] + 0.05 * height, **words})
    if threshold is not None:
        side = -1 if frozen[-1]["agreement_p10"] > threshold else 1
        promised = {"text": f"promised: {decimals(threshold)}", "colour": "var(--alarm)", "align": "right"}
        labels.append({"x": longest, "y": threshold + side * 0.045 * height, **promised})
    return labels


def contract(tables: Tables) -> Finding | None:
    """The terms of the maintenance contract, as a table. None if no contract is in force."""
    if tables.terms is None:
        return None
    is_compared = any(row["refit_interval_days_with_recency"] is not None for row in tables.rows("contract"))
    return Finding(
        str(tables.terms["explanation"]).rstrip("."),
        day(tables.terms["as_of_date"]),
        words={
            "with_recency": " With recency as well is what the interval would be if the kinds depended on the calendar."
            if is_compared
            else ""
        },
    )


def contract_costs(tables: Tables) -> Finding | None:
    """What it costs to leave the model alone, as a table. None if history is too short to simulate."""
    rows = tables.rows("contract_costs")
    if not rows:
        return None
    last = rows[-1]
    return Finding(
        f"Left alone for {count(last['horizon_days'])} days, the model would place "
        f"{share(last['reassigned_share'])} of customers in another segment than a fresh one",
        day(last["as_of_date"]),
    )


def backtest(tables: Tables) -> Finding | None:
    """Were such promises kept? A table; None if none could be checked."""
    judged = [row for row in tables.rows("backtest") if row["judgement_count"]]
    if not judged:
        return None
    kept, judgements = (sum(row[name] for row in judged) for name in ("kept_count", "judgement_count"))
    return Finding(
        f"Promises made in the past from what was known then were kept in {share(kept / judgements)} of their checks",
        day(tables.as_of),
    )


_STATUSES = {
    "calm": (("var(--panel)", "var(--muted)"), ""),
    "watch": (("var(--accent-soft)", "var(--ink)"), "w"),
    "act": (("var(--alarm-soft)", "var(--alarm)"), "a"),
}
_POPULATIONS = {"everybody": "all customers", "recent_buyers": "recent buyers", "reviewed": "with a review"}


def drift(tables: Tables) -> Finding | None:
    """What drifted, month by month. None if nothing was measured."""
    rows = tables.rows("drift")
    if not rows:
        return None
    dates = sorted({row["as_of_date"] for row in rows})
    cells = [
        charts.cell(
            _followed(row),
            month(row["as_of_date"]),
            *_STATUSES[row["drift_status"]],
            f"{_followed(row)}, {month(row['as_of_date'])}: {row['drift_status']}, "
            f"{decimals(row['severity'])} of the way to act (PSI {three(row['psi'])})",
        )
        for row in rows
    ]
    names = unique(sorted(cell["row"] for cell in cells))
    behaviour = [row for row in rows if row["as_of_date"] == dates[-1] and not row["is_clock_driven"]]
    acting = [row for row in behaviour if row["drift_status"] == "act"]

    def chart(width: int) -> Any:
        shown = [month(date) for date in dates[-15 if is_wide(width) else -6 :]]
        return charts.heat_map(
            width,
            [cell for cell in cells if cell["column"] in shown],
            charts.Labels(shown, 4),
            charts.Labels(names, 40 if is_wide(width) else 18),
            26 if is_wide(width) else 42,
            font_size=11 if is_wide(width) else 10,
        )

    how_many = a_number(len(acting)) if acting else "none"
    return Finding(
        f"On {day(dates[-1])} {how_many} of {plural(len(behaviour), 'signal')} changed more than history explains",
        day(dates[-1]),
        chart,
        f"Heat map of drift by feature and month. On {day(dates[-1])}: "
        + "; ".join(f"{_followed(row)}, {row['drift_status']}" for row in behaviour)
        + ".",
    )


def _followed(row: Row) -> str:
    clock = ", clock" if row["is_clock_driven"] else ""
    population = _POPULATIONS.get(row["population"], row["population"])
    return f"{str(row['followed']).replace('_', ' ')}{clock} ({population})"


def months(tables: Tables) -> Finding:
    """Which months are part of history."""
    rows, left_out = tables.rows("months"), tables.rows("left_out")[0]
    kinds = ["part of history", "left out"]
    points = [
        {
            "month": month(row["month_start"]),
            "kind": kinds[0] if row["is_in_window"] else kinds[1],
            "order": 0,
            "value": row["valid_purchase_count"],
            "tip": f"{month(row['month_start'])}: {plural(row['valid_purchase_count'], 'purchase')}, "
            + ("left out" if not row["is_in_window"] else "in history" if row["has_data"] else "a gap in history"),
        }
        for row in rows
    ]
    outside = left_out["outside_month_count"]
    first, last = left_out["first_month"], left_out["last_month"]
    title = f"History runs from {long_month(first)} to {long_month(last)}" if first else "No month has enough purchases"
    if outside:
        title += f"; {plural(outside, 'thin month')} {'is' if outside == 1 else 'are'} left out"
    return Finding(
        title,
        day(tables.as_of),
        lambda width: charts.stacked_months(
            width,
            points,
            [month(row["month_start"]) for row in rows],
            kinds,
            ["var(--accent)", "var(--mark)"],
            ",d",
        ),
        f"Bars of purchases per month. {title}.",
    )


def quality(tables: Tables) -> Finding | None:
    """The rules of data quality that are broken, as a table. None if none is."""
    if not tables.rows("quality"):
        return None
    totals = tables.rows("quality_total")[0]
    broken, unexpected = totals["broken_rule_count"], totals["unexpected_rule_count"]
    return Finding(
        f"{count(broken)} of {plural(totals['rule_count'], 'rule')} about the raw files "
        f"{'is' if broken == 1 else 'are'} broken by some rows, "
        f"{a_number(unexpected) if unexpected else 'none'} unexpectedly",
        day(tables.as_of),
    )
