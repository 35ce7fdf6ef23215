"""What the benchmarks share: a marketplace, a timed dbt, its seconds by node."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import duckdb
from olist_segments.dbt_io import WITHOUT_TESTS_OF_CODE

PROJECT = Path(__file__).resolve().parents[1]
ORDERS = 100_000
LOADED, SQL, PYTHON, TESTS = "loading and checking", "SQL models and seeds", "Python models", "tests"
KINDS = (LOADED, SQL, PYTHON, TESTS)
# Types of dbt's nodes that are one thing however the others are told apart.
SAME_KIND = {"operation": LOADED, "test": TESTS, "unit_test": TESTS}
Result = dict[str, object]
T = TypeVar("T")
BUILD = ("build", *WITHOUT_TESTS_OF_CODE)
"""The build of `make build` and of a night: every test of the data, none of the code."""
WITHOUT_TESTS = ("--exclude-resource-type", "test", "unit_test")
REPEATS = 3
"""Runs behind a figure that a ratio is made of."""


def generate(data: Path, orders: int, *options: str) -> None:
    """A marketplace of so many orders in the folder `data`; `options` as `olist-segments generate` has them."""
    command = [sys.executable, "-m", "olist_segments.cli", "generate", "--orders", str(orders), "--out", str(data)]
    subprocess.run([*command, *options], check=True, capture_output=True)


def given_or_generated(home: Path, form: str = "parquet") -> tuple[Path, str]:
    """The folder of OLIST_DATA_DIR, or a marketplace made in the folder `home`, and what to call it."""
    given = os.environ.get("OLIST_DATA_DIR")
    if given:
        return Path(given), "the files of OLIST_DATA_DIR"
    generate(home / "data", ORDERS, "--format", form)
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


def without_last_day(data: Path, out: Path) -> Path:
    """The files in `data`, CSV or Parquet, as they were a day before the last purchase, into the new folder `out`."""
    out.mkdir()
    connection = duckdb.connect()
    files = [*data.glob("olist_*_dataset.*"), *data.glob("product_category_name_translation.*")]
    for file in files:
        source = f"read_csv('{file}', header = true, all_varchar = true)" if file.suffix == ".csv" else f"'{file}'"
        connection.execute(f"create table {file.stem} as from {source}")
    last_day = "(select max(order_purchase_timestamp)::timestamp::date from olist_orders_dataset)"
    delivered = "order_delivered_customer_date"
    connection.execute(f"""
        create or replace table olist_orders_dataset as
        select * replace (case when {delivered}::timestamp < {last_day} then {delivered} end as {delivered})
        from olist_orders_dataset where order_purchase_timestamp::timestamp < {last_day};
        delete from olist_order_reviews_dataset where review_answer_timestamp::timestamp >= {last_day};
        delete from olist_customers_dataset where customer_id not in (select customer_id from olist_orders_dataset)
    """)
    for table in ("olist_order_items_dataset", "olist_order_payments_dataset", "olist_order_reviews_dataset"):
        connection.execute(f"delete from {table} where order_id not in (select order_id from olist_orders_dataset)")
    for file in files:
        form = "(header true)" if file.suffix == ".csv" else "(format parquet)"
        connection.execute(f"copy {file.stem} to '{out / file.name}' {form}")
    return out


def forget_builds(home: Path) -> None:
    """Leave the folder `home` as it was before the first build in it."""
    for folder in ("target", "logs", "serving", "campaigns"):
        shutil.rmtree(home / folder, ignore_errors=True)
    (home / "warehouse.duckdb").unlink(missing_ok=True)


def middle(runs: list[tuple[float, T]]) -> tuple[float, T]:
    """The run whose seconds, its first figure, are the median."""
    return sorted(runs, key=lambda run: run[0])[len(runs) // 2]
