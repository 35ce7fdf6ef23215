"""What the benchmarks share: a marketplace, a timed dbt, its seconds by node."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

PROJECT = Path(__file__).resolve().parents[1]
ORDERS = 100_000
LOADED, SQL, PYTHON, TESTS = "loading and checking", "SQL models and seeds", "Python models", "tests"
KINDS = (LOADED, SQL, PYTHON, TESTS)
# Types of dbt's nodes that are one thing however the others are told apart.
SAME_KIND = {"operation": LOADED, "test": TESTS, "unit_test": TESTS}
Result = dict[str, object]
WITHOUT_TESTS = ("--exclude-resource-type", "test", "unit_test")


def generate(data: Path, orders: int, *options: str) -> None:
    """A marketplace of so many orders in the folder `data`; `options` as `olist-segments generate` has them."""
    command = [sys.executable, "-m", "olist_segments.cli", "generate", "--orders", str(orders), "--out", str(data)]
    subprocess.run([*command, *options], check=True, capture_output=True)


def given_or_generated(home: Path) -> tuple[Path, str]:
    """The folder of OLIST_DATA_DIR, or a marketplace made in the folder `home`, and what to call it."""
    given = os.environ.get("OLIST_DATA_DIR")
    if given:
        return Path(given), "the files of OLIST_DATA_DIR"
    generate(home / "data", ORDERS, "--format", "parquet")
    return home / "data", "a generated marketplace"


def timed(action: Callable[[], object], repeats: int = 1) -> float:
    """Seconds of the fastest of `repeats` calls."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def dbt_environment(home: Path, data: Path) -> dict[str, str]:
    """The environment of a dbt that builds `data` into the folder `home`."""
    return os.environ | {
        "OLIST_DATA_DIR": str(data),
        "OLIST_WAREHOUSE": str(home / "warehouse.duckdb"),
        "OLIST_SERVING_DIR": str(home / "serving"),
        "OLIST_CAMPAIGN_DIR": str(home / "campaigns"),
        "OLIST_SPARK_HOME": str(home / "spark"),
        "DBT_TARGET_PATH": str(home / "target"),
        "DBT_LOG_PATH": str(home / "logs"),
    }


def dbt(home: Path, data: Path, *arguments: str) -> tuple[float, list[Result]]:
    """One dbt call: seconds on the wall, and its results by node."""
    command = [sys.executable, "-m", "dbt.cli.main", "--quiet", *arguments]
    start = time.perf_counter()
    subprocess.run(command, cwd=PROJECT, env=dbt_environment(home, data), check=True)
    seconds = time.perf_counter() - start
    results = json.loads((home / "target" / "run_results.json").read_text())["results"]
    return seconds, results


def seconds_by(results: list[Result], key: Callable[[str, str], str], keys: tuple[str, ...]) -> dict[str, float]:
    """Seconds inside dbt's nodes, summed by what `key` makes of a node's type and name: one of `keys`."""
    sums = dict.fromkeys(keys, 0.0)
    for result in results:
        kind, _, name = str(result["unique_id"]).split(".", 2)
        sums[key(kind, name)] += float(result["execution_time"])  # type: ignore[arg-type]
    return sums


def kinds(results: list[Result]) -> dict[str, float]:
    """Seconds inside dbt's nodes, by what runs in them."""
    in_python = {path.stem for path in (PROJECT / "models").rglob("*.py")}
    return seconds_by(results, lambda kind, name: SAME_KIND.get(kind) or (PYTHON if name in in_python else SQL), KINDS)


def customer_months(home: Path) -> int:
    """How many customer-months the warehouse in the folder `home` has labelled."""
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as warehouse:
        return int(warehouse.sql("select count(*) from customer_segments_monthly").fetchall()[0][0])
