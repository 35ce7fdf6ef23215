"""A refit if the contract asks for one, as a step of its own after the nightly build.

A build can't read the contract before it fits, because the contract is downstream of the fit. So this command reads
the contract of the last build in the warehouse, and the refit is a second build.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from olist_segments.errors import UserError
from olist_segments.serving.contract import read_contract
from olist_segments.serving.reader import open_warehouse, query_rows

BUILD_FAILED = 1
"""Exit code when a refit was due and its build failed."""


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `olist-segments refit-if-due`."""
    parser = commands.add_parser(
        "refit-if-due",
        help="build with a refit if the contract of the last build asks for one; exit code 0: none was due or it "
        "passed, 1: its build failed",
    )
    parser.add_argument("--vars", default="{}", help="vars for the build, as dbt takes them: '{candidate_k_max: 8}'")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    variables = _variables(arguments.vars)
    why = why_due()
    if why is None:
        return 0
    if not Path("dbt_project.yml").exists():
        raise UserError("a refit is due, and there is no dbt_project.yml here: run this in the folder of the project.")
    command = ["build", "--vars", yaml.safe_dump(variables | {"refit": True}, default_flow_style=True, width=10_000)]
    build = subprocess.run([sys.executable, "-m", "dbt.cli.main", *command], check=False)
    if build.returncode:
        print(f"A refit is due ({why}), and its build failed: see above. The versions before stay in force.")
        return BUILD_FAILED
    print(f"Refitted: {why}")
    return 0


def why_due() -> str | None:
    """Why the contract, as the last build left it, asks for a refit; None, with a sentence printed, if it does not.

    UserError if there is no contract, or if its version has been followed by another since.
    """
    terms: dict[str, Any] = read_contract("warehouse")["terms"]
    with open_warehouse() as connection:
        newest = query_rows(connection, "select max(model_version) as model_version from fit_segment_model")[0]
    if newest["model_version"] != terms["model_version"]:
        raise UserError(
            f"the contract is that of model version {terms['model_version']}, and version {newest['model_version']} "
            "has been fitted since: run dbt build to its end first."
        )
    if terms["is_broken_today"]:
        return str(terms["explanation"])
    print(f"No refit: {terms['explanation']}")
    return None


def _variables(text: str) -> dict[str, Any]:
    try:
        given = yaml.safe_load(text)
    except yaml.YAMLError:
        given = None
    if not isinstance(given, dict):
        raise UserError(f"--vars is {text!r}: give a mapping, like '{{candidate_k_max: 8}}'.")
    return given
