"""The maintenance contract as a person, a signatory or a machine reads it.

Everything printed is a figure of the tables maintenance_contract, maintenance_backtest and segment_versions.
"""

from __future__ import annotations

import argparse
import json
from datetime import date
from decimal import Decimal
from importlib.resources import files
from typing import Any

import duckdb
from jinja2 import Environment, StrictUndefined

from olist_segments.errors import UserError
from olist_segments.warehouse import open_warehouse, query_rows, warehouse_path

ASKS_FOR_REFIT = 3
"""Exit code when the contract is broken: a cron job or CI can act on it."""

_HORIZONS = (("1 month", "1_month"), ("2 months", "2_months"), ("3 months", "3_months"), ("6 months", "6_months"))
_QUERIES = {
    "thresholds": "from maintenance_contract order by threshold",
    "backtest": """
        select maintenance_backtest.* from maintenance_backtest
        inner join segment_versions using (model_version)
        where segment_versions.is_in_force and variant = 'all features' order by threshold
    """,
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
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    contract = read_contract()
    print(render(contract, arguments.format))
    return ASKS_FOR_REFIT if contract["terms"]["is_broken_today"] else 0


def read_contract() -> dict[str, Any]:
    """The contract's rows: `terms` (the threshold in force), `thresholds`, `backtest`, `version`, `stability`.

    Raises UserError when there is no warehouse or no contract in it.
    """
    with open_warehouse() as connection:
        try:
            tables = {name: query_rows(connection, query) for name, query in _QUERIES.items()}
        except duckdb.CatalogException as error:
            raise UserError(f"'{warehouse_path()}' holds no contract yet: run dbt build to its end.") from error
    terms = [row for row in tables["thresholds"] if row["is_the_contract"]]
    if not terms or not tables["version"]:
        raise UserError(
            f"'{warehouse_path()}' has no row for the contract's threshold: let contract_threshold be one of "
            "contract_thresholds in dbt_project.yml and run dbt build."
        )
    return {**tables, "terms": terms[0], "version": tables["version"][0]}


def render(contract: dict[str, Any], form: str) -> str:
    """The contract as 'text', 'md' or 'json'."""
    if form == "json":
        return json.dumps(contract, default=_plain, indent=2, sort_keys=True)
    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=False
    )
    environment.filters.update(count=_count, days=_days, share=_share, agreement=_agreement)
    template = files("olist_segments").joinpath("templates", f"contract.{form}.j2").read_text(encoding="utf-8")
    return environment.from_string(template).render(**contract, horizons=_HORIZONS)


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


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0%}"


def _agreement(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"
