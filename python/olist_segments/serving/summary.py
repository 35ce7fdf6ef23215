"""The segments on the screen: what a build prints when it is done."""

from __future__ import annotations

import argparse
from typing import Any

import duckdb

from olist_segments.errors import UserError
from olist_segments.serving.reader import open_warehouse, query_rows, warehouse_path

_SEGMENTS = """
    select
        segment_name, customer_count, customer_share, revenue_share, avg_total_spend, avg_recency_days,
        avg_order_count, avg_review_score, late_delivery_share
    from segment_profiles
    order by revenue_share desc, segment_key
"""
_VERSION = """
    select segment_versions.*, newest.as_of_date, candidates.is_eligible
    from segment_versions
    inner join segment_candidates as candidates
        on segment_versions.model_version = candidates.model_version and candidates.is_chosen
    cross join (select max(as_of_date) as as_of_date from customer_segments) as newest
    where segment_versions.is_in_force
"""
_WARNINGS = "select sentence from build_warnings order by severity desc, warning_name, sentence"
_COLUMNS = (
    ("segment", "{}"),
    ("customers", "{:,}"),
    ("share", "{:.1%}"),
    ("revenue", "{:.1%}"),
    ("BRL a head", "{:,.2f}"),
    ("days since", "{:,.0f}"),
    ("orders", "{:.2f}"),
    ("review", "{:.2f}"),
    ("late", "{:.1%}"),
)


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `olist-segments summary`."""
    parser = commands.add_parser("summary", help="print today's segments and the model behind them")
    parser.set_defaults(run=lambda arguments: print(summary()))


def summary() -> str:
    """Today's segments as a table of text, with the model behind them. UserError without a built warehouse."""
    with open_warehouse() as connection:
        try:
            segments = connection.sql(_SEGMENTS).fetchall()
            in_force = query_rows(connection, _VERSION)
            # A warehouse of an earlier release has no such table.
            tables = connection.sql("select table_name from duckdb_tables()").fetchall()
            has_warnings = ("build_warnings",) in tables
            warnings = [row["sentence"] for row in query_rows(connection, _WARNINGS)] if has_warnings else []
        except duckdb.CatalogException as error:
            raise UserError(f"'{warehouse_path()}' holds no segments yet: run dbt build to its end.") from error
    if not in_force:
        raise UserError(f"'{warehouse_path()}' holds no segments yet: run dbt build to its end.")
    model: dict[str, Any] = in_force[0]
    rows = [[name for name, _ in _COLUMNS]] + [
        ["-" if value is None else style.format(value) for value, (_, style) in zip(row, _COLUMNS, strict=True)]
        for row in segments
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    lines = [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    people = sum(row[1] for row in segments)
    title = (
        f"{people:,} customers in {len(segments)} segments on {model['as_of_date']} "
        f"(model version {model['model_version']}, {model['algorithm']} {model['setting']} on {model['feature_set']}, "
        f"data as of {model['data_as_of']})"
    )
    if not model["is_eligible"]:
        warnings.insert(0, f"{model['reason']}.")
    notes = [line for sentence in warnings for line in ("", f"Beware: {sentence}")]
    return "\n".join(["", title, "", *lines, *notes, "", f"All tables are in '{warehouse_path()}'."])
