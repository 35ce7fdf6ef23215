"""Where the time of a full-size build goes."""

from __future__ import annotations

import csv
from pathlib import Path

import duckdb
import yaml
from common import (
    BUILD,
    KINDS,
    LOADED,
    ORDERS,
    PROJECT,
    REPEATS,
    SAME_KIND,
    TESTS,
    Result,
    dbt,
    forget_builds,
    generate,
    kinds,
    middle,
    seconds_by,
    timed,
    without_last_day,
)

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


def bare_read(data: Path, database: Path | str) -> duckdb.DuckDBPyConnection:
    """The nine files into typed tables, with nothing checked."""
    sources = yaml.safe_load((PROJECT / "models/staging/_olist__sources.yml").read_text())["sources"][0]["tables"]
    connection = duckdb.connect(str(database), config={"threads": 2})
    for table in sources:
        with (data / f"{table['name']}.csv").open(encoding="utf-8-sig") as file:
            header = next(csv.reader(file))
        # Some columns are optional.
        columns = ", ".join(
            f"'{column['name']}': '{TYPES.get(column['data_type'], column['data_type'])}'"
            for column in table["columns"]
            if column["name"] in header
        )
        connection.execute(
            f"create or replace table {table['name']} as select * from read_csv('{data}/{table['name']}.csv', "
            f"header = true, auto_detect = false, delim = ',', quote = '\"', escape = '\"', columns = {{{columns}}})"
        )
    return connection


FEATURES, EVIDENCE = "SQL up to the monthly features", "evidence for all candidates"
MAINTENANCE, OTHER = "the room maintenance", "everything else"
# What the monthly features are made of.
UPSTREAM = {
    "stg_olist__orders",
    "stg_olist__customers",
    "stg_olist__order_items",
    "stg_olist__order_payments",
    "stg_olist__order_reviews",
    "reviews",
    "orders",
    "order_months",
    "as_of_dates",
    "as_of_date_digests",
    "customer_features_monthly",
}


def phase_of(kind: str, name: str) -> str:
    """The phase that a node of dbt counts towards."""
    if kind in SAME_KIND:
        return SAME_KIND[kind]
    if name in UPSTREAM:
        return FEATURES
    if name == "fit_segment_candidates":
        return EVIDENCE
    if any((PROJECT / "models" / "maintenance").glob(f"{name}.*")):
        return MAINTENANCE
    return OTHER


def phases(results: list[Result]) -> dict[str, float]:
    """Seconds inside dbt's nodes, by phase."""
    return seconds_by(results, phase_of, (LOADED, FEATURES, EVIDENCE, MAINTENANCE, OTHER, TESTS))


def section(home: Path) -> list[str]:
    """Run every phase in the folder `home`; the lines of the tables."""
    orders = ORDERS
    data = home / "data"
    rows: list[tuple[str, float, str]] = []

    seconds = timed(lambda: generate(data, orders))
    rows.append(("generate the marketplace as CSV", seconds, f"{orders / seconds:,.0f} orders a second"))
    in_memory = timed(lambda: bare_read(data, ":memory:").close(), 3)
    rows.append(("bare DuckDB: read the nine files into memory", in_memory, ""))
    on_disk = timed(lambda: bare_read(data, home / "bare.duckdb").close(), 3)
    rows.append(("bare DuckDB: read the nine files into a file", on_disk, ""))
    connection = bare_read(data, ":memory:")
    bare_features = timed(lambda: connection.execute(BARE_FEATURES), 3)
    rows.append(("bare DuckDB: the monthly features", bare_features, ""))
    connection.close()

    yesterday = without_last_day(data, home / "yesterday")
    runs: dict[str, list[tuple[float, list[Result]]]] = {}
    for _ in range(REPEATS):
        forget_builds(home)
        runs.setdefault("cold (first fit)", []).append(dbt(home, yesterday, *BUILD))
        runs.setdefault("nightly, one new day", []).append(dbt(home, data, *BUILD))
        runs.setdefault("nightly, nothing new", []).append(dbt(home, data, *BUILD))
        runs.setdefault("run --empty: dbt's own overhead, and loading", []).append(dbt(home, data, "run", "--empty"))
    builds = {name: middle(found) for name, found in runs.items()}
    cold, results = builds["cold (first fit)"]
    for phase, seconds in phases(results).items():
        ratios = {
            LOADED: f"{seconds / on_disk:.2f} × the bare read into a file",
            FEATURES: f"{seconds / (in_memory + bare_features):.2f} × bare read and features",
        }
        rows.append(
            (
                f"cold build: {phase}, summed over nodes",
                seconds,
                ratios.get(phase, f"{seconds / cold:.0%} of the build"),
            )
        )

    return [
        f"## Where the time of a build of {orders:,} orders goes",
        "",
        f"Seconds on the wall, medians of {REPEATS} runs, and inside dbt's nodes, of which two run at once. All but",
        "the empty one run every data test, as `make build` does; the cold one also reads the project anew.",
        "",
        "| dbt build | wall | of cold | " + " | ".join(KINDS) + " |",
        "|---|---:|---:|" + "---:|" * len(KINDS),
        *(
            f"| {name} | {wall:.1f} | {wall / cold:.2f} × | "
            + " | ".join(f"{seconds:.1f}" for seconds in kinds(nodes).values())
            + " |"
            for name, (wall, nodes) in builds.items()
        ),
        "",
        "| phase | seconds | |",
        "|---|---:|---|",
        *(f"| {phase} | {seconds:.2f} | {note} |" for phase, seconds, note in rows),
    ]
