"""The segments on the screen: what a build prints when it is done."""

from __future__ import annotations

import argparse
from typing import Any

from olist_segments.errors import UserError
from olist_segments.forecast_words import PAST_RATE, model_name, reason_words
from olist_segments.serving.reader import query_rows
from olist_segments.serving.tables import add_source_option, choose_source, open_tables, present_tables
from olist_segments.serving.text_table import text_table
from olist_segments.shop import Shop, read_shop
from olist_segments.structures import SENTENCES

_SEGMENTS = "select * from segment_profiles order by revenue_share desc, segment_key"
_STAGES = """
    select stages.stage_name, boundaries.from_days, boundaries.until_days
    from lifecycle_boundaries as boundaries
    inner join segment_versions as versions on boundaries.model_version = versions.model_version
    inner join lifecycle_stages as stages on boundaries.stage_key = stages.stage_key
    where versions.is_in_force
    order by stages.stage_number
"""
_MEMBERS = """
    select kinds.segment_name, coalesce(profiles.customer_count, 0) as customer_count
    from segment_profiles as kinds
    cross join lifecycle_stages as stages
    left join segment_lifecycle_profiles as profiles
        on kinds.segment_key = profiles.segment_key and stages.stage_key = profiles.stage_key
    order by kinds.revenue_share desc, kinds.segment_key, stages.stage_number
"""
_VERSION = """
    select candidates.*, newest.as_of_date
    from segment_candidates as candidates
    inner join segment_versions as versions on candidates.model_version = versions.model_version
    cross join (select max(as_of_date) as as_of_date from customer_segments) as newest
    where versions.is_in_force and candidates.is_chosen
"""
_WARNINGS = "select sentence from build_warnings order by severity desc, warning_name, sentence"
_FORECAST = """
    select
        versions.model, versions.is_abstaining, versions.reason, totals.expected_orders, totals.expected_revenue,
        candidates.ranking_auc,
        (select max(outcome_until - as_of_date) from forecast_drift_monthly) as outcome_days,
        judged.as_of_date as judged_date, judged.order_ratio
    from forecast_versions as versions
    cross join (
        select sum(expected_orders) as expected_orders, sum(expected_revenue) as expected_revenue from segment_forecasts
    ) as totals
    left join forecast_candidates as candidates
        on
            versions.forecast_version = candidates.forecast_version and versions.model = candidates.model
            and candidates.as_of_date is null
    left join (select * from forecast_drift_monthly where order_ratio is not null) as judged
        on judged.as_of_date = (select max(as_of_date) from forecast_drift_monthly where order_ratio is not null)
    where versions.is_in_force
"""
_FORECAST_TABLES = {"forecast_versions", "forecast_candidates", "forecast_drift_monthly", "segment_forecasts"}
_CAMPAIGNS = """
    select campaign, outcome_until, is_complete, finding from campaigns order by as_of_date desc, campaign
"""


def _columns(shop: Shop) -> dict[str, tuple[str, str]]:
    """The columns of segment_profiles that are shown, with their headings and how their values are written."""
    columns = {
        "segment_name": ("segment", "{}"),
        "customer_count": ("customers", "{:,}"),
        "customer_share": ("share", "{:.1%}"),
        "revenue_share": ("revenue", "{:.1%}"),
        "avg_total_spend": (f"{shop.currency or 'spend'} each", "{:,.2f}"),
        "avg_recency_days": ("days since", "{:,.0f}"),
        "avg_purchase_day_count": ("days", "{:.2f}"),
    }
    if shop.has_reviews:
        columns["avg_review_score"] = ("review", "{:.2f}")
    if shop.has_deliveries and shop.has_promises:
        columns["late_delivery_share"] = ("late", "{:.1%}")
    return columns


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `olist-segments summary`."""
    parser = commands.add_parser("summary", help="print today's segments and the model behind them")
    add_source_option(parser)
    parser.set_defaults(run=lambda arguments: print(summary(arguments.source)))


def summary(kind: str | None = None) -> str:
    """Today's segments as a table of text, with the model behind them.

    `kind`: one of SOURCES, or None for the published tables if there are any. UserError if there are no tables.
    """
    path = choose_source(kind)
    with open_tables(path) as connection:
        segments = query_rows(connection, _SEGMENTS)
        in_force = query_rows(connection, _VERSION)
        present = present_tables(connection)
        # Tables of an earlier release have no warnings, no stages, no purchase days, or no forecasts.
        warnings = [row["sentence"] for row in query_rows(connection, _WARNINGS)] if "build_warnings" in present else []
        has_stages = "segment_lifecycle_profiles" in present
        stages = query_rows(connection, _STAGES) if has_stages else []
        members = query_rows(connection, _MEMBERS) if has_stages else []
        forecasts = query_rows(connection, _FORECAST) if present >= _FORECAST_TABLES else []
        campaigns = query_rows(connection, _CAMPAIGNS) if "campaigns" in present else []
        shop = read_shop(connection)
    if not in_force:
        raise UserError(f"'{path}' holds no segments yet: run dbt build to its end.")
    model: dict[str, Any] = in_force[0]
    shown = {column: words for column, words in _columns(shop).items() if all(column in row for row in segments)}
    rows = [[name for name, _ in shown.values()]] + [
        ["-" if row[column] is None else style.format(row[column]) for column, (_, style) in shown.items()]
        for row in segments
    ]
    customers = sum(row["customer_count"] for row in segments)
    title = (
        f"{customers:,} customers in {len(segments)} segments on {model['as_of_date']} "
        f"(model version {model['model_version']}, {model['algorithm']} {model['setting']} on {model['feature_set']}, "
        f"data as of {model['data_as_of']})"
    )
    if not model["is_eligible"]:
        warnings.insert(0, f"{model['reason']}.")
    notes = [line for sentence in warnings for line in ("", f"Warning: {sentence}")]
    # Those of an earlier release do not say what the segments are.
    structure = SENTENCES.get(str(model.get("structure")))
    lines = [*text_table(rows), *_stages_table(stages, members), *(["", structure] if structure else [])]
    lines += _dissatisfied(segments) + _expected(forecasts, shop) + _ran(campaigns)
    return "\n".join(["", title, "", *lines, *notes, "", f"All tables are in '{path}'."])


def _stages_table(stages: list[dict[str, Any]], members: list[dict[str, Any]]) -> list[str]:
    """Kinds by stages: how many customers; nothing for tables without stages."""
    if not stages:
        return []
    across = len(stages)
    rows = [
        ["customers by stage", *(stage["stage_name"].lower() for stage in stages)],
        ["days since last purchase", *(_days(stage) for stage in stages)],
    ]
    for first in range(0, len(members), across):
        counts = [row["customer_count"] for row in members[first : first + across]]
        rows.append([members[first]["segment_name"], *(f"{count:,}" if count else "-" for count in counts)])
    return ["", *text_table(rows)]


def _dissatisfied(segments: list[dict[str, Any]]) -> list[str]:
    """What a dissatisfied segment is among all customers and among those with a review; nothing for older tables."""
    return [
        line
        for row in segments
        if row.get("share_of_reviewed") is not None and row["is_dissatisfied"]
        for line in (
            "",
            f"{row['segment_name']}: {row['customer_share']:.1%} of all customers, {row['share_of_reviewed']:.1%} of "
            "those with a review. The first falls when fewer customers write reviews, the second does not.",
        )
    ]


def _expected(forecasts: list[dict[str, Any]], shop: Shop) -> list[str]:
    """What the outcome period is to bring, and by what model or why by none; nothing for older tables."""
    lines = []
    for row in forecasts:
        period = "The outcome period" if row["outcome_days"] is None else f"The next {row['outcome_days']} days"
        if row["expected_orders"] is None:
            lines += ["", f"{period}: no forecast, as no date of the past has been followed long enough."]
            continue
        revenue = shop.amount(row["expected_revenue"], 0) + ("" if shop.currency else " of revenue")
        expected = f"{period}: {row['expected_orders']:,.0f} orders and {revenue} are expected"
        past = (
            ""
            if row["order_ratio"] is None
            else f" After {row['judged_date']}, {row['order_ratio']:.2f} orders were expected for each that came."
        )
        if row["is_abstaining"]:
            abstaining = f"No model could be trusted, so {PAST_RATE} ({reason_words(row['reason'])})."
            lines += ["", f"{expected}.{past} {abstaining}"]
            continue
        ranking = "" if row["ranking_auc"] is None else f", which ranks to {row['ranking_auc']:.2f}; 0.5 is chance"
        lines += ["", f"{expected} ({model_name(row['model'])}{ranking}).{past}"]
    return lines


def _ran(campaigns: list[dict[str, Any]]) -> list[str]:
    """Campaigns that run, and the last that ended, in one line; nothing where there are none."""
    running = [f"{row['campaign']} until {row['outcome_until']}" for row in campaigns if not row["is_complete"]]
    ended = [row for row in campaigns if row["is_complete"]]
    told = [f"running: {', '.join(running)}"] if running else []
    if ended:
        told.append(f"the last to end, {ended[0]['campaign']}: {str(ended[0]['finding'] or 'no finding').rstrip('.')}")
    return ["", f"Campaigns: {'; '.join(told)}."] if told else []


def _days(stage: dict[str, Any]) -> str:
    low, high = stage["from_days"], stage["until_days"]
    return f"{low}+" if high is None else f"{low}-{high}"
