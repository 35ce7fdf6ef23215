"""SQL scoring against the bare arithmetic, on the same columns, in one connection."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import duckdb
from common import ORDERS, WITHOUT_TESTS, dbt, generate, timed

REPEATS = 7
COPIES = 10
FEATURES = "customer_features_monthly"
# How the two queries name the table that they read.
READ = re.compile(rf'from (?:"\w+"\.)*"?{FEATURES}"?')
FORMS = {"identity": "{}", "ln": "ln({})", "log1p": "ln(1 + {})", "sqrt": "sqrt({})"}


def scoring_query(home: Path) -> str:
    """The select that the project scores with, as dbt compiled it: labels, probability and runner-up by number."""
    models = home / "target" / "compiled" / "olist_segments" / "models"
    text = (models / "segmentation" / "customer_segments_monthly.sql").read_text()
    return text.split(",\n\nfinal as (")[0] + "\nselect * from scored"


def bare_query(warehouse: duckdb.DuckDBPyConnection) -> str:
    """The same columns with the numbers of the model in force written out and nothing looked up."""
    rows = warehouse.sql(
        "select feature, transform, shift, scale, impute_value, lower_bound, upper_bound, segment_number, bias, "
        "centre, inverse_variance from segment_model inner join segments using (model_version, segment_number) "
        "inner join segment_versions using (model_version) "
        "where is_in_force order by segment_number, feature"
    ).fetchall()
    standardised: dict[str, str] = {}
    distances: dict[int, list[str]] = {}
    biases: dict[int, float] = {}
    for feature, transform, shift, scale, impute_value, lower, upper, segment, bias, centre, inverse_variance in rows:
        known = f"coalesce(cast({feature} as double), {impute_value!r})"
        value = FORMS[transform].format(f"least(greatest({known}, {lower!r}), {upper!r})")
        standardised[feature] = f"({value} - ({shift!r})) / {scale!r} as z_{feature}"
        distance = f"(z_{feature} - ({centre!r}))"
        distances.setdefault(segment, []).append(f"{inverse_variance!r} * {distance} * {distance}")
        biases[segment] = bias
    scores = ", ".join(f"{biases[s]!r} + {' + '.join(terms)} as s{s}" for s, terms in distances.items())
    best = ", ".join(f"s{s}" for s in distances)
    label = " ".join(f"when s{s} then {s}" for s in distances)
    others = ", ".join(f"case when label <> {s} then s{s} end" for s in distances)
    weights = " + ".join(f"exp((best - s{s}) / 2)" for s in distances)
    runner_up = " ".join(f"when label <> {s} and s{s} = second then {s}" for s in distances)
    return f"""
        with standardised as (
            select customer_unique_id, as_of_date, {", ".join(standardised.values())} from customer_features_monthly
        ),
        scored as (select customer_unique_id, as_of_date, {scores} from standardised),
        best as (select *, least({best}) as best from scored),
        labelled as (select *, case best {label} end as label from best),
        compared as (select *, least({others}) as second from labelled)
        select customer_unique_id, as_of_date, label, 1 / ({weights}) as probability,
            case {runner_up} end as runner_up
        from compared
    """


def section(home: Path) -> list[str]:
    """Build once without tests in `home`, then time both queries, on Olist and on ten of it; the lines of the table."""
    data = home / "data"
    generate(data, ORDERS, "--format", "parquet")
    dbt(home, data, "build", "--exclude", "path:models/maintenance", *WITHOUT_TESTS)
    rows = []
    with duckdb.connect(str(home / "warehouse.duckdb"), config={"threads": 2}) as warehouse:
        queries = {"bare arithmetic": bare_query(warehouse), "SQL scoring": scoring_query(home)}
        # The same columns in all of them: what a query costs before its first row, a build's own months, many of them.
        for schema, rest in (("single", "limit 1"), ("own", ""), ("many", f"cross join range({COPIES})")):
            table = f"{schema}.{FEATURES}"
            warehouse.execute(f"create schema {schema}; create table {table} as select * from main.{FEATURES} {rest}")
            months = warehouse.sql(f"select count(*) from {table}").fetchall()[0][0]
            taken = {}
            for name, query in queries.items():
                create = f"create or replace temp table scores as {READ.sub(f'from {table}', query)}"
                taken[name] = timed(partial(warehouse.execute, create), REPEATS)
            bare, ours = taken["bare arithmetic"], taken["SQL scoring"]
            rows.append(
                f"| {months:,} | {bare:.3f} | {ours:.3f} | {ours / bare:.2f} × "
                f"| {f'{months / ours:,.0f}' if months > 1 else ''} |"
            )
    return [
        "## Scoring months in SQL",
        "",
        "Label, probability and runner-up of every customer-month, against the same arithmetic with the numbers of the",
        f"model written out; the fastest of {REPEATS} runs each, in seconds. A single one costs what planning costs.",
        "",
        "| customer-months | bare arithmetic | SQL scoring | of bare | customer-months a second |",
        "|---:|---:|---:|---:|---:|",
        *rows,
    ]
