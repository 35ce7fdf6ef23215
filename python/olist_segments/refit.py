"""A refit as a step of its own: now, if the contract asks for one, or tried on a copy to see what it would change.

A build can't read the contract before it fits, because the contract is downstream of the fit. So `refit-if-due` reads
the contract of the last build in the warehouse, and the refit is a second build.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import yaml

from olist_segments.dbt_io import WITHOUT_TESTS_OF_CODE
from olist_segments.errors import UserError
from olist_segments.model.agreement import contingency
from olist_segments.model.events import Event, events
from olist_segments.serving.contract import read_contract
from olist_segments.serving.reader import open_warehouse, query_rows, warehouse_path
from olist_segments.serving.text_table import text_table

BUILD_FAILED = 1
"""Exit code when a refit was due, or tried, and its build failed."""

_FIT = ("segment_fit_input", "fit_segment_candidates", "fit_segment_model", "fit_segment_labels")
_LABELS = """
    select
        today.segment_key as key_before, today.segment_name as name_before, labels.segment_key as key_after,
        segments.segment_name as name_after, cast(today.total_spend as double) as spend
    from fit_segment_labels as labels
    inner join customer_segments as today using (customer_unique_id)
    inner join (select distinct model_version, segment_key, segment_name from fit_segment_model) as segments
        on labels.model_version = segments.model_version and labels.segment_key = segments.segment_key
    where labels.model_version = $version
"""
_TOLD = {
    "survives": "goes on",
    "merges": "goes on, together with others",
    "splits": "is split",
    "disappears": "disappears",
    "emerges": "is new",
}


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `olist-segments refit` and `olist-segments refit-if-due`."""
    if_due = commands.add_parser(
        "refit-if-due",
        help="build with a refit if the contract of the last build asks for one; exit code 0: none was due or it "
        "passed, 1: its build failed",
    )
    if_due.set_defaults(run=_run_if_due)
    refit = commands.add_parser("refit", help="build with a refit; exit code 0: it passed, 1: its build failed")
    refit.add_argument(
        "--dry-run", action="store_true", help="fit on a copy of the warehouse and say what would change for whom"
    )
    refit.set_defaults(run=_run)
    for parser in (if_due, refit):
        parser.add_argument(
            "--vars", default="{}", help="vars for the build, as dbt takes them: '{candidate_k_max: 8}'"
        )


def _run_if_due(arguments: argparse.Namespace) -> int:
    variables = _variables(arguments.vars)
    why = why_due()
    if why is None:
        return 0
    _check_project("a refit is due, and ")
    if _dbt("build", variables, *WITHOUT_TESTS_OF_CODE):
        print(f"A refit is due ({why}), and its build failed: see above. The versions before stay in force.")
        return BUILD_FAILED
    print(f"Refitted: {why}")
    return 0


def _run(arguments: argparse.Namespace) -> int:
    variables = _variables(arguments.vars)
    _check_project("")
    if arguments.dry_run:
        return _dry_run(variables)
    if _dbt("build", variables, *WITHOUT_TESTS_OF_CODE):
        print("The build of the refit failed: see above. The versions before stay in force.")
        return BUILD_FAILED
    print("Refitted.")
    return 0


def _dry_run(variables: dict[str, Any]) -> int:
    """Fit on a copy that is thrown away, from the tables of the last build, and print what would change."""
    with tempfile.TemporaryDirectory(prefix="olist-refit-") as scratch:
        home = Path(scratch)
        copy = home / "warehouse.duckdb"
        # An open connection keeps builds out while the file is copied.
        with open_warehouse():
            try:
                shutil.copy(warehouse_path(), copy)
            except OSError as error:
                raise UserError(
                    f"the warehouse could not be copied to '{scratch}' ({error.strerror}): set TMPDIR to a folder with "
                    "room for it."
                ) from error
        places = {"OLIST_WAREHOUSE": str(copy), "OLIST_SERVING_DIR": str(home / "serving")}
        places |= {"DBT_TARGET_PATH": str(home / "target"), "DBT_LOG_PATH": str(home / "logs")}
        if _dbt("run", variables, "--quiet", "--select", *_FIT, environment=places):
            print("The fit of the dry run failed: see above. Nothing has changed.")
            return BUILD_FAILED
        print(what_would_change(copy))
    return 0


def what_would_change(path: Path) -> str:
    """What the newest model version of the warehouse at `path` changes for the customers of today, as text."""
    with duckdb.connect(str(path), read_only=True) as connection:
        version, reason = connection.execute(
            "select model_version, any_value(reason) from fit_segment_model group by 1 order by 1 desc limit 1"
        ).fetchall()[0]
        labels = connection.execute(_LABELS, {"version": version}).df()
    moved = labels["key_before"] != labels["key_after"]
    spend = labels["spend"].sum()
    money = labels.loc[moved, "spend"].sum() / spend if spend else 0.0
    lines = [
        f"A refit would be model version {version}: {reason}.",
        "",
        *_table(labels),
        "",
        f"{moved.sum():,} of {len(labels):,} customers ({moved.mean():.1%}), with {money:.1%} of the spend so far, "
        "would be in a segment of another key.",
        "This was tried on a copy: nothing has changed. olist-segments refit does it.",
    ]
    return "\n".join(lines)


def _table(labels: pd.DataFrame) -> list[str]:
    """One line for each segment of today and each new one: what becomes of it."""
    before, after = (
        dict(zip(labels[f"key_{side}"], labels[f"name_{side}"], strict=True)) for side in ("before", "after")
    )
    keys = {side: sorted(names) for side, names in (("before", before), ("after", after))}
    rows, columns = (
        np.array([keys[side].index(key) for key in labels[f"key_{side}"]], dtype=np.int64) for side in keys
    )
    table = contingency(rows, columns, len(before), len(after))
    cells = [("segment", "customers", "becomes", "customers", "of today's members")]
    for event in events(table):
        name = before[keys["before"][event.before]] if event.before >= 0 else "-"
        size = f"{table[event.before].sum():,}" if event.before >= 0 else "-"
        for heir in event.after or (-1,):
            cells.append((name, size, *_heir(event, heir, table, [after[key] for key in keys["after"]])))
            name, size = "", ""
    return text_table(cells, left=(0, 2, 4))


def _heir(event: Event, heir: int, table: Any, names: list[str]) -> tuple[str, str, str]:
    """The columns about the later segment of an event; `heir` is -1 where there is none."""
    told = _TOLD[event.kind]
    if heir < 0:
        return told, "-", ""
    size = f"{table[:, heir].sum():,}"
    kept = "" if event.before < 0 else f"{table[event.before, heir] / table[event.before].sum():.0%}"
    return f"{told}: {names[heir]}", size, kept


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


def _dbt(verb: str, variables: dict[str, Any], *options: str, environment: dict[str, str] | None = None) -> int:
    """Run dbt with a refit; its exit code."""
    given = yaml.safe_dump(variables | {"refit": True}, default_flow_style=True, width=10_000)
    # Python warns of a module that its package has imported already.
    python = [sys.executable, "-W", "ignore::RuntimeWarning:runpy"]
    command = [*python, "-m", "dbt.cli.main", verb, *options, "--vars", given]
    return subprocess.run(command, env=os.environ | (environment or {}), check=False).returncode


def _check_project(why: str) -> None:
    if not Path("dbt_project.yml").exists():
        raise UserError(f"{why}there is no dbt_project.yml here: run this in the folder of the project.")


def _variables(text: str) -> dict[str, Any]:
    try:
        given = yaml.safe_load(text)
    except yaml.YAMLError:
        given = None
    if not isinstance(given, dict):
        raise UserError(f"--vars is {text!r}: give a mapping, like '{{candidate_k_max: 8}}'.")
    return given
