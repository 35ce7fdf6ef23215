"""The maintenance contract as a person, a signatory or a machine reads it.

Everything printed is a figure of the tables maintenance_contract, maintenance_contract_costs, maintenance_backtest,
segment_stability and segment_versions.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined

from olist_segments.errors import UserError
from olist_segments.serving.reader import query_rows
from olist_segments.serving.tables import add_source_option, choose_source, open_tables
from olist_segments.shop import Shop, read_shop

ASKS_FOR_REFIT = 3
"""Exit code when the contract is broken: a cron job or CI can act on it."""

_QUERIES = {
    "thresholds": "from maintenance_contract order by threshold",
    "backtest": """
        select maintenance_backtest.* from maintenance_backtest
        inner join segment_versions using (model_version)
        where segment_versions.is_in_force and variant = 'all features' order by threshold
    """,
    "costs": "from maintenance_contract_costs order by horizon_days",
    "version": "from segment_versions where is_in_force",
    "stability": """
        select segment_stability.* from segment_stability
        inner join segment_versions using (model_version)
        where segment_versions.is_in_force order by jaccard desc, segment_key
    """,
}


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `olist-segments contract`."""
    parser = commands.add_parser(
        "contract", help="print the maintenance contract; exit 0 when it holds, 3 when it asks for a refit"
    )
    parser.add_argument(
        "--format", choices=("text", "md", "json"), default="text", help="for people, to sign, for machines"
    )
    add_source_option(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    contract = read_contract(arguments.source)
    print(render(contract, arguments.format))
    return ASKS_FOR_REFIT if contract["terms"]["is_broken_today"] else 0


def read_contract(kind: str | None = None) -> dict[str, Any]:
    """The contract's rows: `terms` (the threshold in force), `thresholds`, `backtest`, `costs`,
    `version`, `stability`, and the `shop`.

    `kind`: one of SOURCES, or None for the published tables if there are any. UserError if there are no tables or no
    contract in them.
    """
    path = choose_source(kind)
    with open_tables(path) as connection:
        tables = {name: query_rows(connection, query) for name, query in _QUERIES.items()}
        shop = read_shop(connection)
    terms = [row for row in tables["thresholds"] if row["is_the_contract"]]
    if not terms or not tables["version"]:
        raise UserError(
            f"'{path}' has no row for the contract's threshold: let contract_threshold be one of "
            "contract_thresholds in dbt_project.yml and run dbt build."
        )
    return {**tables, "terms": terms[0], "version": tables["version"][0], "shop": asdict(shop)}


def render(contract: dict[str, Any], form: str) -> str:
    """The contract as 'text', 'md' or 'json'."""
    if form == "json":
        return json.dumps(contract, default=_plain, indent=2, sort_keys=True)
    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=False
    )
    environment.filters.update(count=_count, days=_days, agreement=_agreement, kept=_kept, interval=_interval)
    template = files("olist_segments.serving").joinpath("templates", f"contract.{form}.j2").read_text(encoding="utf-8")
    # Kinds that hold recency themselves are not compared with kinds that do.
    tells_recency = any(row["refit_interval_days_with_recency"] is not None for row in contract["thresholds"])
    shop = Shop(**contract["shop"])
    return environment.from_string(template).render(**contract | {"shop": shop, "tells_recency": tells_recency})


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value)} has no place in a contract")


def _count(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,.0f}"


def _days(value: int | None) -> str:
    return "unknown" if value is None else f"{value} days"


def _interval(row: dict[str, Any]) -> str:
    """The refit interval of a row of maintenance_contract; tables of an earlier release do not tell a minimum."""
    days = _days(row["refit_interval_days"])
    return f"at least {days}" if row.get("is_interval_at_least") else days


def _agreement(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"


def _kept(threshold: float, backtest: list[dict[str, Any]]) -> str:
    """What the backtest says of promises at `threshold`: in what share they were kept, or why none could be judged."""
    tested = next((row for row in backtest if row["threshold"] == threshold), None)
    if tested is None:
        return "too little history to judge"
    if "judgement_count" not in tested:
        return "not told by tables of an earlier release"
    if not tested["judgement_count"]:
        return "no promise could be judged"
    return (
        f"{tested['kept_share']:.1%} of {tested['judgement_count']:,} checks of "
        f"{tested['judged_promise_count']:,} promises"
    )
