"""`olist-segments excel`: the segments as a workbook for those who work in Excel; it names no customer.

A sheet is some columns of one table under their own names, so that every figure is found again in SQL. What a column
means is its comment in the table, which is the description in the YAML of its model.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from olist_segments.errors import UserError
from olist_segments.serving.atomic import replace_file
from olist_segments.serving.reader import query_rows
from olist_segments.serving.tables import add_source_option, choose_source, described, open_tables
from olist_segments.serving.workbook import MIXED, Column, Sheet, described_columns, write_workbook
from olist_segments.shop import read_shop
from olist_segments.structures import SENTENCES

TITLE = "Customer segments"


@dataclass(frozen=True)
class Shown:
    """What a sheet shows: some columns of a table, in the order of `order`; left out where it is `optional` and empty.

    `kept_in_view`: its first columns, so many, which say what a row is about.
    """

    sheet: str
    table: str
    columns: tuple[str, ...]
    order: str
    rows: str = "true"
    optional: bool = False
    kept_in_view: int = 1

    @property
    def query(self) -> str:
        """The rows of the sheet."""
        return f"select {', '.join(self.columns)} from {self.table} where {self.rows} order by {self.order}"


_PLAYBOOK = ("recommended_action", "channel", "kpi", "stop_rule")
_NEXT = ("ordered_again_share", "next_spend_per_customer", "smallest_detectable_share")
SHEETS = (
    Shown(
        "Alerts",
        "alerts",
        ("alert_name", "subject", "as_of_date", "since", "affected_count", "sentence", "action"),
        "alert_name, subject, sentence",
        kept_in_view=2,
    ),
    Shown(
        "Segments",
        "segment_profiles",
        (
            *("segment_name", "segment_key", "as_of_date", "customer_count", "customer_share", "total_spend"),
            *("revenue_share", "avg_total_spend", "median_total_spend", "avg_purchase_day_count"),
            *("repeat_buyer_share", "avg_recency_days", "median_recency_days", "avg_review_score"),
            *("reviewed_customer_share", "share_of_reviewed", "late_delivery_share", "is_dissatisfied", "is_dormant"),
            *("avg_segment_probability", *_NEXT, "traits", "top_categories", "top_states", "meaning", *_PLAYBOOK),
        ),
        "revenue_share desc nulls last, segment_key",
    ),
    Shown(
        "Kind by stage",
        "segment_lifecycle_profiles",
        (
            *("segment_stage_name", "segment_name", "stage_name", "segment_key", "stage_key", "as_of_date"),
            *("customer_count", "customer_share", "total_spend", "revenue_share", "avg_total_spend"),
            *("avg_review_score", "repeat_buyer_share", *_NEXT, *_PLAYBOOK),
        ),
        "segment_key, stage_number",
    ),
    Shown(
        "Months",
        "segment_profiles_monthly",
        (
            *("segment_name", "segment_key", "as_of_date", "is_newest", "customer_count", "customer_share"),
            *("total_spend", "revenue_share", "avg_total_spend", "avg_review_score", "share_of_reviewed"),
            *("repeat_buyer_share", "late_delivery_share"),
        ),
        "as_of_date, segment_key",
    ),
    Shown(
        "Moves of kind",
        "segment_migrations_monthly",
        (
            *("as_of_date", "is_newest", "from_segment_name", "to_segment_name", "reason", "customer_count"),
            *("total_spend", "spend_since_previous"),
        ),
        "as_of_date desc, from_segment_key, to_segment_key, reason",
        rows="is_move",
    ),
    Shown(
        "Moves of stage",
        "lifecycle_moves_monthly",
        (
            *("as_of_date", "is_newest", "from_stage_name", "to_stage_name", "reason", "customer_count"),
            *("total_spend", "spend_since_previous"),
        ),
        "as_of_date desc, from_stage_key, to_stage_key, reason",
        rows="is_move",
    ),
    Shown(
        "Contract",
        "maintenance_contract",
        (
            *("threshold", "is_the_contract", "as_of_date", "model_version", "data_as_of", "model_age_days"),
            *("refit_interval_days", "is_interval_at_least", "due_date", "origin_count", "effective_origin_count"),
            *("noise_floor", "present_agreement", "customer_count", "is_broken_today", "is_overdue", "is_stale"),
            *("is_feature_drifting", "drifting_features", "is_segment_share_drifting", "explanation"),
            *("is_forecast_off", "forecast_order_ratio", "forecast_explanation"),
        ),
        "threshold",
    ),
    Shown(
        "Campaigns",
        "campaigns",
        (
            *("campaign", "as_of_date", "launched_at", "promised_outcome", "outcome_days", "outcome_until"),
            *("observed_until", "is_complete", "arm_count", "customer_count", "treated_count", "holdout_count"),
            *("segment_names", "stage_names", "expected_share", "largest_imbalance", "order_count", "revenue"),
            "finding",
        ),
        "as_of_date desc, campaign",
        optional=True,
    ),
    Shown(
        "Data quality",
        "data_quality",
        (
            *("table_name", "rule_name", "breach", "treatment", "is_unexpected", "affected_rows", "checked_rows"),
            "affected_share",
        ),
        "is_unexpected and affected_rows > 0 desc, affected_rows desc, table_name, rule_name",
        kept_in_view=2,
    ),
)
_SUMMARY = """
    select
        newest.as_of_date as "As of",
        profiles.customer_count as "Customers",
        profiles.segment_count as "Segments",
        profiles.total_spend as "Spend so far",
        versions.model_version as "Model version",
        candidates.algorithm || ' ' || candidates.setting || ' on ' || candidates.feature_set as "Model",
        versions.data_as_of as "Fitted on data as of",
        candidates.structure as structure,
        forecasts.expected_orders as "Expected orders",
        forecasts.expected_revenue as "Expected revenue",
        contract.forecast_explanation as "Forecasts",
        contract.explanation as "Maintenance contract",
        alerts.alert_count as "Things that need a person"
    from (select as_of_date from as_of_dates where is_newest) as newest
    cross join (
        select sum(customer_count)::bigint as customer_count, count(*) as segment_count, sum(total_spend) as total_spend
        from segment_profiles
    ) as profiles
    cross join (select * from segment_versions where is_in_force) as versions
    inner join (select * from segment_candidates where is_chosen) as candidates
        on versions.model_version = candidates.model_version
    cross join (
        select sum(expected_orders) as expected_orders, sum(expected_revenue)::decimal(18, 2) as expected_revenue
        from segment_forecasts
    ) as forecasts
    cross join (select * from maintenance_contract where is_the_contract) as contract
    cross join (select count(*) as alert_count from alerts) as alerts
"""


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `olist-segments excel`."""
    parser = commands.add_parser("excel", help="write the segments as an Excel workbook")
    parser.add_argument("--out", type=Path, default=Path("segments.xlsx"), metavar="FILE.xlsx", help="segments.xlsx")
    add_source_option(parser)
    parser.set_defaults(run=lambda arguments: print(excel(arguments.out, arguments.source)))


def excel(file: Path, kind: str | None = None) -> str:
    """Write the workbook to `file`, whole or not at all; a sentence that says so.

    `kind`: one of SOURCES, or None for the published tables if there are any. UserError if there are no tables, if
    `file` is no name of a workbook, or if it can't be written.
    """
    check_name(file)
    path = choose_source(kind)
    with open_tables(path) as connection:
        summary = query_rows(connection, _SUMMARY)
        if not summary:
            raise UserError(f"'{path}' holds no segments yet: run dbt build to its end.")
        shop = read_shop(connection)
        sheets = [sheet for shown in SHEETS if (sheet := _sheet(connection, shown))]
        meanings = [_table_meaning(connection, shown.table) for shown in SHEETS]
    told = dict(zip((shown.sheet for shown in SHEETS), meanings, strict=True))
    as_of: date = summary[0]["As of"]
    content = write_workbook(
        [_summary_sheet(summary[0], sheets, told), *sheets, _definitions(sheets)], TITLE, as_of, shop.currency
    )
    replace_file(file, content)
    return f"Wrote '{file}' ({len(sheets) + 2} sheets, {len(content) / 1e3:,.0f} kB), as of {as_of}, from '{path}'."


def check_name(file: Path) -> None:
    """UserError unless `file` is called as Excel wants a workbook to be called."""
    if file.suffix.lower() != ".xlsx":
        raise UserError(f"'{file}' is no name of an Excel workbook: give one that ends with .xlsx.")


def _sheet(connection: duckdb.DuckDBPyConnection, shown: Shown) -> Sheet | None:
    rows = connection.execute(shown.query).fetchall()
    if shown.optional and not rows:
        return None
    return Sheet(
        shown.sheet, described_columns(connection, [shown.table], shown.columns), rows, kept_in_view=shown.kept_in_view
    )


def _table_meaning(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    of_table = described(connection, table)
    return " ".join((of_table.comment or "").split()) if of_table else ""


def _summary_sheet(summary: dict[str, Any], sheets: list[Sheet], meanings: dict[str, str]) -> Sheet:
    """What there is to know first, and what each sheet holds."""
    rows: list[tuple[str, Any]] = []
    for name, value in summary.items():
        if name == "structure":
            rows.append(("Kinds", SENTENCES.get(str(value))))
        else:
            rows.append((name, value))
    rows += [(f"Sheet {sheet.name}", meanings[sheet.name]) for sheet in sheets]
    rows.append(("Sheet Definitions", "What each column of the sheets means, and the table that it is from."))
    return Sheet("Summary", (Column("what"), Column("value", MIXED)), rows)


def _definitions(sheets: list[Sheet]) -> Sheet:
    tables = {shown.sheet: shown.table for shown in SHEETS}
    rows = [
        (sheet.name, column.name, tables[sheet.name], column.meaning) for sheet in sheets for column in sheet.columns
    ]
    return Sheet("Definitions", [Column(name) for name in ("sheet", "column", "table", "meaning")], rows, 2)
