"""Where the time of a full-size build goes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import yaml

PROJECT = Path(__file__).resolve().parents[1]
ORDERS = 100_000
TYPES = {"text": "varchar", "integer": "integer", "double": "double", "timestamp": "timestamp"}
# The monthly features as plain SQL over the raw files, without dbt, staging, contracts or order: the least it can cost.
BARE_FEATURES = """
    create or replace table bare_features as
    with totals as (
        select order_id, sum(price + freight_value) as total from olist_order_items_dataset group by order_id
    ),
    purchases as (
        select * from olist_orders_dataset inner join olist_customers_dataset using (customer_id)
        inner join totals using (order_id) where order_status not in ('canceled', 'unavailable')
    ),
    dates as (select unnest(generate_series(date '2017-02-01', date '2018-09-01', interval 1 month)) as next_day),
    known as (
        select customer_unique_id, next_day, count(*) as orders, sum(total) as spend,
            max(order_purchase_timestamp) as last_purchase,
            count(*) filter (order_delivered_customer_date < next_day) as delivered,
            count(*) filter (
                order_delivered_customer_date < next_day
                and order_delivered_customer_date > order_estimated_delivery_date
            ) as late
        from purchases inner join dates on order_purchase_timestamp < next_day group by all
    ),
    reviewed as (
        select customer_unique_id, next_day, avg(review_score) as score
        from olist_order_reviews_dataset inner join purchases using (order_id)
        inner join dates on review_answer_timestamp < next_day and order_purchase_timestamp < next_day group by all
    )
    select * from known left join reviewed using (customer_unique_id, next_day)
"""


def timed(action: object, repeats: int = 1) -> float:
    """Seconds of the fastest of `repeats` calls."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()  # type: ignore[operator]
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def bare_read(data: Path, database: Path | str) -> duckdb.DuckDBPyConnection:
    """The nine files into typed tables, with nothing checked."""
    sources = yaml.safe_load((PROJECT / "models/staging/_olist__sources.yml").read_text())["sources"][0]["tables"]
    connection = duckdb.connect(str(database), config={"threads": 2})
    for table in sources:
        columns = ", ".join(
            f"'{column['name']}': '{TYPES.get(column['data_type'], column['data_type'])}'"
            for column in table["columns"]
        )
        connection.execute(
            f"create or replace table {table['name']} as select * from read_csv('{data}/{table['name']}.csv', "
            f"header = true, auto_detect = false, delim = ',', quote = '\"', escape = '\"', columns = {{{columns}}})"
        )
    return connection


def dbt(home: Path, data: Path, *arguments: str) -> tuple[float, list[dict[str, object]]]:
    """One dbt call: seconds on the wall, and its results by node."""
    environment = os.environ | {
        "OLIST_DATA_DIR": str(data),
        "OLIST_WAREHOUSE": str(home / "warehouse.duckdb"),
        "OLIST_SERVING_DIR": str(home / "serving"),
        "DBT_TARGET_PATH": str(home / "target"),
        "DBT_LOG_PATH": str(home / "logs"),
    }
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "--quiet", *arguments], cwd=PROJECT, env=environment, check=True
    )
    seconds = time.perf_counter() - start
    results = json.loads((home / "target" / "run_results.json").read_text())["results"]
    return seconds, results


LOADED, FEATURES, EVIDENCE = "loading and checking", "SQL up to the monthly features", "evidence for all candidates"
MAINTENANCE, OTHER, TESTS = "the room maintenance", "everything else", "tests"
# What the monthly features are made of.
UPSTREAM = {
    "stg_olist__orders",
    "stg_olist__customers",
    "stg_olist__order_items",
    "stg_olist__order_payments",
    "stg_olist__order_reviews",
    "orders",
    "order_months",
    "as_of_dates",
    "customer_features_monthly",
}


def phase_of(kind: str, name: str) -> str:
    """The phase that a node of dbt counts towards."""
    if kind == "operation":
        return LOADED
    if kind in ("test", "unit_test"):
        return TESTS
    if name in UPSTREAM:
        return FEATURES
    if name == "fit_segment_candidates":
        return EVIDENCE
    if any((PROJECT / "models" / "maintenance").glob(f"{name}.*")):
        return MAINTENANCE
    return OTHER


def phases(results: list[dict[str, object]]) -> dict[str, float]:
    """Seconds inside dbt's nodes, by phase."""
    sums = dict.fromkeys((LOADED, FEATURES, EVIDENCE, MAINTENANCE, OTHER, TESTS), 0.0)
    for result in results:
        kind, _, name = str(result["unique_id"]).split(".", 2)
        sums[phase_of(kind, name)] += float(result["execution_time"])  # type: ignore[arg-type]
    return sums


def section(home: Path) -> list[str]:
    """Run every phase once (short ones thrice) in the folder `home`; the lines of the table."""
    orders = ORDERS
    data = home / "data"
    generate = [sys.executable, "-m", "olist_segments.cli", "generate", "--orders", str(orders), "--out", str(data)]
    rows: list[tuple[str, float, str]] = []

    seconds = timed(lambda: subprocess.run(generate, check=True, capture_output=True))
    rows.append(("generate the marketplace as CSV", seconds, f"{orders / seconds:,.0f} orders a second"))
    in_memory = timed(lambda: bare_read(data, ":memory:").close(), 3)
    rows.append(("bare DuckDB: read the nine files into memory", in_memory, ""))
    on_disk = timed(lambda: bare_read(data, home / "bare.duckdb").close(), 3)
    rows.append(("bare DuckDB: read the nine files into a file", on_disk, ""))
    connection = bare_read(data, ":memory:")
    bare_features = timed(lambda: connection.execute(BARE_FEATURES), 3)
    rows.append(("bare DuckDB: the monthly features", bare_features, ""))
    connection.close()

    cold, results = dbt(home, data, "build")
    inside = phases(results)
    rows.append(("dbt build, cold (first fit, all tests)", cold, ""))
    for phase, seconds in inside.items():
        ratios = {
            LOADED: f"{seconds / on_disk:.2f} × the bare read into a file",
            FEATURES: f"{seconds / (in_memory + bare_features):.2f} × bare read and features",
        }
        rows.append(
            (f"… of which {phase}, summed over nodes", seconds, ratios.get(phase, f"{seconds / cold:.0%} of the build"))
        )
    nightly, _ = dbt(home, data, "build")
    rows.append(("dbt build, nightly (no fit, all tests)", nightly, f"{nightly / cold:.2f} × cold"))
    empty, _ = dbt(home, data, "run", "--empty")
    rows.append(("dbt run --empty (dbt's own overhead, and loading)", empty, f"{empty / cold:.2f} × cold"))

    return [
        f"## Where the time of a build of {orders:,} orders goes",
        "",
        "| phase | seconds | |",
        "|---|---:|---|",
        *(f"| {phase} | {seconds:.2f} | {note} |" for phase, seconds, note in rows),
    ]
