"""The figures for those who want to check: how it was chosen, how firm it is, how it ages, what was left out.

Every figure is made from the rows of one query; its table shows those rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from olist_segments.bounds import DISSOLVED, RECOVERED
from olist_segments.report import charts
from olist_segments.report.figure import Column, Figure, drawn, three, unique
from olist_segments.report.source import Answer, Row, newest
from olist_segments.report.words import (
    a_number,
    cents,
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
)


def candidates(answer: Answer) -> Figure:
    """How the segmentation was chosen."""
    rows = answer.rows
    eligible = sum(row["is_eligible"] for row in rows)
    chosen = next(row for row in rows if row["is_chosen"])
    points = []
    for row in (row for row in rows if row["structure_gap"] is not None):
        colour = "var(--accent)" if row["is_chosen"] else "var(--mark)" if row["is_eligible"] else "transparent"
        points.append(
            {
                "title": f"features: {short(row['feature_set'], 36)}",
                "x": row["k"],
                "y": row["structure_gap"],
                "shape": short(row["algorithm"], 24),
                "colour": colour,
                "edge": "var(--accent)" if row["is_chosen"] else "var(--mark)",
                "size": 170 if row["is_chosen"] else 60,
                "label": "chosen" if row["is_chosen"] else "",
                "tip": f"{row['feature_set']}, {row['algorithm']} {row['setting']}: {row['reason']}",
            }
        )
    titles = unique(sorted(point["title"] for point in points))
    title = (
        f"{chosen['algorithm']} {chosen['setting']} on {chosen['feature_set']} was chosen; {count(eligible)} of "
        f"{plural(len(rows), 'candidate')} met every bound"
    )
    alternative = (
        f"Candidates by number of segments and by how much tighter they are than a cloud without segments. {title}. "
        f"Reason: {chosen['reason']}."
    )
    return Figure(
        "candidates",
        title,
        "Right is more segments, up is tighter than a single cloud of the same spread (the structure gap; 0 or less is "
        "no structure at all). Hollow candidates broke a bound of the rule, like stability in resamples or agreement "
        f"between seeds; grey ones met all bounds and lost. The reason on record: {chosen['reason']}.",
        answer,
        [
            Column("feature_set", "features"),
            Column("algorithm", "algorithm"),
            Column("setting", "setting"),
            Column("k", "segments", count),
            Column("structure_gap", "structure gap", three),
            Column("jaccard_min", "weakest Jaccard", three),
            Column("prediction_strength", "prediction strength", three),
            Column("ari_seeds", "agreement of seeds", three),
            Column("silhouette", "silhouette", three),
            Column("davies_bouldin", "Davies-Bouldin", three),
            Column("smallest_share", "smallest segment", share1),
            Column("is_eligible", "eligible"),
            Column("is_chosen", "chosen"),
            Column("reason", "reason"),
        ],
        day(chosen["data_as_of"]),
        drawn(
            "candidates",
            lambda width: charts.scatter_panels(
                width,
                points,
                titles,
                min(len(titles), 2) if charts.is_wide(width) else 1,
                x_title="segments",
                y_title="structure gap",
            ),
            alternative,
        )
        if points
        else [],
    )


def stability(answer: Answer, colours: Mapping[str, str]) -> Figure | None:
    """Would each segment be found again? None where nothing was measured."""
    rows = [row for row in answer.rows if row["jaccard"] is not None]
    if not rows:
        return None
    firm = [row for row in rows if row["jaccard"] >= RECOVERED]
    weakest = rows[-1]
    title = (
        f"{a_number(len(firm)).capitalize()} of {a_number(len(rows))} segments "
        f"{'is' if len(firm) == 1 else 'are'} found again in resamples; the weakest is {weakest['segment_name']}, "
        f"{decimals(weakest['jaccard'])} of 1"
    )
    if len(firm) == len(rows) > 1:
        title = f"Every segment is found again in resamples, the weakest with {decimals(weakest['jaccard'])} of 1"
    return Figure(
        "stability",
        title,
        "The customers are drawn anew many times and clustered again; the dot is how much of a segment is found again "
        f"on average (bootstrap Jaccard: 1 is all of it, below {RECOVERED} it is doubtful, below {DISSOLVED} it is "
        "gone), the line holds 95% of the resamples.",
        answer,
        [
            Column("segment_name", "segment"),
            Column("jaccard", "Jaccard", three),
            Column("jaccard_low", "2.5% quantile", three),
            Column("jaccard_high", "97.5% quantile", three),
            Column("resamples", "resamples", count),
            Column("stability_status", "verdict"),
        ],
        day(rows[0]["data_as_of"]),
        drawn(
            "stability",
            lambda width: _stability_rows(width, rows, colours),
            "Dots with intervals of the bootstrap Jaccard of each segment. "
            + " ".join(
                f"{row['segment_name']}: {decimals(row['jaccard'])}, {row['stability_status']}." for row in rows
            ),
        ),
    )


def _stability_rows(width: int, rows: Sequence[Row], colours: Mapping[str, str]) -> Any:
    marks = charts.Rows()
    is_wide = charts.is_wide(width)
    left = -0.72 if is_wide else 0
    marks.text(RECOVERED, f"stable from {RECOVERED}", 8)
    marks.next(24)
    for row in rows:
        marks.text(
            left,
            f"{short(row['segment_name'], 30)}  {decimals(row['jaccard'])}, {short(row['stability_status'], 20)}",
            8,
        )
        marks.dot(
            row["jaccard"],
            8 if is_wide else 25,
            colours.get(row["segment_key"], "var(--mark)"),
            f"{row['segment_name']}: {decimals(row['jaccard'])} ({decimals(row['jaccard_low'])} to "
            f"{decimals(row['jaccard_high'])}), {row['stability_status']}",
            row["jaccard_low"],
            row["jaccard_high"],
        )
        marks.next(25 if is_wide else 38)
    return charts.draw_rows(width, marks, (left, 1.02 if is_wide else 1.15), ".1f", (RECOVERED, 16))


def ageing(answer: Answer, threshold: float | None, noise_floor: float | None) -> Figure | None:
    """How the segmentation ages. None where history is too short to tell."""
    rows = [row for row in answer.rows if row["origin_count"] >= 5]
    frozen = [row for row in rows if row["variant"] == "all features"]
    stopped = [row for row in rows if row["variant"] == "clock stopped"]
    if not frozen:
        return None
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
    rules = []
    labels = [
        {
            "x": frozen[len(frozen) // 2]["horizon_days"],
            "y": frozen[len(frozen) // 2]["agreement_median"] + 0.06,
            "text": "as it is",
            "colour": "var(--accent)",
        }
    ]
    if stopped:
        middle = stopped[len(stopped) // 2]
        labels.append(
            {
                "x": middle["horizon_days"],
                "y": middle["agreement_median"] - 0.075,
                "text": "with the clock stopped",
                "colour": "var(--muted)",
            }
        )
    if threshold is not None:
        rules.append({"y": threshold, "colour": "var(--alarm)"})
        labels.append(
            {
                "x": longest,
                "y": threshold + 0.03,
                "text": f"promised: {decimals(threshold)}",
                "colour": "var(--alarm)",
                "align": "right",
            }
        )
    title = (
        f"A model left alone for {frozen[-1]['horizon_days']} days still agrees with a fresh one to "
        f"{decimals(frozen[-1]['agreement_median'])}"
    )
    if threshold is not None:
        below = next((row for row in frozen if row["agreement_median"] < threshold), None)
        if below is not None:
            title = (
                f"After {below['horizon_days']} days a model left alone agrees with a fresh one to less than "
                f"{decimals(threshold)}"
            )
    lowest = min([row["agreement_p10"] for row in frozen] + [row["agreement_median"] for row in rows])
    floor = "" if noise_floor is None else f" Two fits of the same day agree to {decimals(noise_floor)} (median)."
    return Figure(
        "ageing",
        title,
        "A model is frozen at many dates of the past and, as it grows older, held against a fresh fit of the same "
        "people: the line is the median agreement (adjusted Rand index, 1 is the same labels, 0 is chance), the band "
        "holds the middle 80% of the origins. With the clock stopped, recency is held at its value at the origin: "
        "what is lost there is behaviour, the rest is the calendar. Ages that fewer than five origins reached are not "
        f"drawn.{floor}",
        answer,
        [
            Column("variant", "variant"),
            Column("horizon_days", "age, days", count),
            Column("origin_count", "origins", count),
            Column("agreement_p10", "10% quantile", three),
            Column("agreement_median", "median agreement", three),
            Column("agreement_p90", "90% quantile", three),
            Column("reassigned_share", "addressed otherwise", share1),
        ],
        day(newest(rows, "newest_later_date")),
        drawn(
            "ageing",
            lambda width: charts.lines(
                width,
                points,
                charts.Axis((0, longest * 1.02), title="age of the model, days"),
                charts.Axis((max(min(lowest - 0.05, 0.6), -0.5), 1.02), ".1f"),
                bands=bands,
                labels=labels,
                rules=rules,
            ),
            "Lines of the agreement of a frozen model with a fresh one by its age. "
            + " ".join(
                f"{row['horizon_days']} days: {decimals(row['agreement_median'])}." for row in frozen[3::4] or frozen
            ),
        ),
    )


def contract(answer: Answer, terms: Row) -> Figure:
    """The terms of the maintenance contract, as a table."""
    return Figure(
        "contract",
        str(terms["explanation"]).rstrip("."),
        "The model scores everybody every night and is fitted again at the interval of the promised agreement, or "
        "earlier when a trigger fires.",
        answer,
        [
            Column("threshold", "promised agreement", decimals),
            Column("is_the_contract", "in force"),
            Column("refit_interval_days", "refit every, days", count),
            Column("refit_interval_days_clock_stopped", "clock stopped, days", count),
            Column("due_date", "due"),
            Column("is_broken_today", "asks for a refit today"),
        ],
        day(terms["as_of_date"]),
    )


def contract_costs(answer: Answer) -> Figure | None:
    """What a model left alone costs. None where history is too short to simulate."""
    rows = answer.rows
    if not rows:
        return None
    last = rows[-1]
    return Figure(
        "contract_costs",
        f"Left alone for {count(last['horizon_days'])} days, the model would place "
        f"{share(last['reassigned_share'])} of customers in another segment than a fresh one",
        "The share of customers in another segment, median of the simulated origins, applied to today’s customers.",
        answer,
        [
            Column("horizon_days", "age of the model, days", count),
            Column("origin_count", "origins", count),
            Column("reassigned_customer_count", "customers in another segment", count),
            Column("reassigned_share", "share of customers", share1),
            Column("reassigned_spend", "their spend, BRL", cents),
        ],
        day(last["as_of_date"]),
    )


def backtest(answer: Answer, as_of: date) -> Figure | None:
    """Did such promises hold? None where none was judged."""
    judged = [row for row in answer.rows if row["judged_origin_count"]]
    if not judged:
        return None
    held = sum(row["held_origin_count"] for row in judged)
    origins = sum(row["judged_origin_count"] for row in judged)
    title = (
        f"Promises made with the first half of history were kept in {count(held)} of {count(origins)} cases "
        "in the second"
    )
    return Figure(
        "backtest",
        title,
        "What was known by the middle of history made the promise; the origins after it judge it.",
        answer,
        [
            Column("threshold", "promised agreement", decimals),
            Column("promised_interval_days", "refit every, days", count),
            Column("judged_origin_count", "origins that judge", count),
            Column("held_origin_count", "kept", count),
            Column("worst_agreement", "worst agreement", decimals),
        ],
        day(as_of),
    )


def drift(answer: Answer) -> Figure | None:
    """What drifted, month by month. None where nothing was measured."""
    rows = answer.rows
    if not rows:
        return None
    verdicts = {
        "calm": ("var(--panel)", "var(--muted)", ""),
        "watch": ("var(--accent-soft)", "var(--ink)", "watch"),
        "act": ("var(--alarm-soft)", "var(--alarm)", "act"),
    }
    dates = sorted({row["as_of_date"] for row in rows})
    populations = {"everybody": "everybody", "recent_buyers": "recent buyers"}
    cells = []
    for row in rows:
        fill, ink, text = verdicts[row["drift_status"]]
        cells.append(
            {
                "row": _followed(row, populations),
                "column": month(row["as_of_date"]),
                "fill": fill,
                "ink": ink,
                "text": text[:1],
                "tip": f"{_followed(row, populations)}, {month(row['as_of_date'])}: {row['drift_status']}, "
                f"{decimals(row['severity'])} of the way to act (PSI {decimals(row['psi'], 3)})",
            }
        )
    names = unique(cell["row"] for cell in sorted(cells, key=lambda cell: cell["row"]))
    behaviour = [row for row in rows if row["as_of_date"] == dates[-1] and not row["is_clock_driven"]]
    acting = [row for row in behaviour if row["drift_status"] == "act"]
    signals = plural(len(behaviour), "signal")
    return Figure(
        "drift",
        f"On {day(dates[-1])} {a_number(len(acting))} of {signals} changed more than history explains",
        "w (watch) and a (act) mark months in which a feature lay further from the fit, or from the month before, than "
        "chance and the ups and downs of history explain (population stability index against bands of its own past). "
        "Features marked “clock” drift by the passing of time alone. The contract counts only dates after the fit, and "
        "features of the model that the clock does not drive.",
        answer,
        [
            Column("as_of_date", "date"),
            Column("population", "population"),
            Column("followed", "followed"),
            Column("psi", "PSI from the fit", three),
            Column("psi_step", "PSI from the date before", three),
            Column("severity", "severity (1 is act)", decimals),
            Column("drift_status", "verdict"),
            Column("is_clock_driven", "by the clock"),
        ],
        day(dates[-1]),
        drawn(
            "drift",
            lambda width: charts.heat_map(
                width,
                [cell for cell in cells if cell["column"] in {month(date) for date in dates[-_columns(width) :]}],
                charts.Labels([month(date) for date in dates[-_columns(width) :]], 4),
                charts.Labels(names, 40 if charts.is_wide(width) else 18),
                26 if charts.is_wide(width) else 42,
                font_size=11 if charts.is_wide(width) else 10,
            ),
            f"Heat map of drift verdicts by feature and month. On {day(dates[-1])}: "
            + "; ".join(f"{_followed(row, populations)}, {row['drift_status']}" for row in behaviour)
            + ".",
        ),
    )


def _columns(width: int) -> int:
    return 15 if charts.is_wide(width) else 6


def _followed(row: Row, populations: Mapping[str, str]) -> str:
    clock = ", clock" if row["is_clock_driven"] else ""
    return f"{str(row['followed']).replace('_', ' ')}{clock} ({populations.get(row['population'], row['population'])})"


def months(answer: Answer, left_out: Row, as_of: date) -> Figure:
    """Which months count."""
    rows = answer.rows
    kinds = ["counts", "left out"]
    words = {True: "a month of the history", False: "left out of the history"}
    points = [
        {
            "month": month(row["month_start"]),
            "kind": kinds[0] if row["is_in_window"] else kinds[1],
            "order": 0,
            "value": row["valid_purchase_count"],
            "tip": f"{month(row['month_start'])}: {plural(row['valid_purchase_count'], 'purchase')}, "
            f"{'a gap in the history' if row['is_in_window'] and not row['has_data'] else words[row['is_in_window']]}",
        }
        for row in rows
    ]
    outside = left_out["outside_month_count"]
    first, last = left_out["first_month"], left_out["last_month"]
    title = f"History runs from {long_month(first)} to {long_month(last)}" if first else "No month has enough purchases"
    if outside:
        title += f"; {plural(outside, 'thin month')} {'is' if outside == 1 else 'are'} left out"
    return Figure(
        "months",
        title,
        "Purchases per month. History runs from the first to the newest month that has enough of them; a thinner month "
        "in between is a gap inside it. Purchases before it still count for the customers who made them; those after "
        "it do not.",
        answer,
        [
            Column("month_start", "month"),
            Column("order_count", "orders", count),
            Column("valid_purchase_count", "purchases", count),
            Column("share_of_typical_month", "of a typical month", decimals),
            Column("has_data", "enough"),
            Column("is_in_window", "counts"),
        ],
        day(as_of),
        drawn(
            "months",
            lambda width: charts.stacked_months(
                width,
                points,
                [month(row["month_start"]) for row in rows],
                kinds,
                ["var(--accent)", "var(--mark)"],
                ",d",
            ),
            f"Bars of purchases per month. {title}.",
        ),
    )


def quality(answer: Answer, totals: Row, as_of: date) -> Figure:
    """The rules of data quality that are broken, as a table."""
    broken, unexpected = totals["broken_rule_count"], totals["unexpected_rule_count"]
    title = (
        f"{count(broken)} of {plural(totals['rule_count'], 'rule')} about the raw files "
        f"{'is' if broken == 1 else 'are'} broken by some rows, "
        f"{a_number(unexpected) if unexpected else 'none'} unexpectedly"
    )
    return Figure(
        "quality",
        title,
        "Odd rows are kept and counted, never dropped silently; the last column says what is done with them. "
        "Unexpected ones are new to this kind of data and worth a look.",
        answer,
        [
            Column("table_name", "table"),
            Column("breach", "what is wrong"),
            Column("affected_rows", "rows", count),
            Column("checked_rows", "of", count),
            Column("affected_share", "share", share2),
            Column("treatment", "what is done"),
            Column("is_unexpected", "unexpected"),
        ],
        day(as_of),
    )
