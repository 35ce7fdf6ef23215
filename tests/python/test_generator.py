"""The generated marketplace: published facts, dirt, planted kinds and changes, files, refusals, the shipped sample.

Tolerances are four binomial standard errors of the published share at 100,000 orders unless a test says otherwise:
narrow enough for a wrong figure to fall outside, wide enough for any seed to stay inside.
"""

from __future__ import annotations

import csv
import datetime
import math
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from marketplaces import cut_at, read_tables
from olist_segments.cli import main
from olist_segments.errors import UserError
from olist_segments.generator import Change, Settings, facts, generate, write
from olist_segments.generator.sampling import largest_remainder
from olist_segments.generator.settings import Format, Response
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

ROOT = Path(__file__).resolve().parents[2]
SIZE = 100_000
TABLES = {
    "orders": "olist_orders_dataset",
    "items": "olist_order_items_dataset",
    "payments": "olist_order_payments_dataset",
    "reviews": "olist_order_reviews_dataset",
    "customers": "olist_customers_dataset",
    "products": "olist_products_dataset",
    "sellers": "olist_sellers_dataset",
    "geolocation": "olist_geolocation_dataset",
    "translation": "product_category_name_translation",
}
COLUMNS = {
    "orders": {
        "order_id": "VARCHAR",
        "customer_id": "VARCHAR",
        "order_status": "VARCHAR",
        "order_purchase_timestamp": "TIMESTAMP",
        "order_approved_at": "TIMESTAMP",
        "order_delivered_carrier_date": "TIMESTAMP",
        "order_delivered_customer_date": "TIMESTAMP",
        "order_estimated_delivery_date": "TIMESTAMP",
    },
    "items": {
        "order_id": "VARCHAR",
        "order_item_id": "INTEGER",
        "product_id": "VARCHAR",
        "seller_id": "VARCHAR",
        "shipping_limit_date": "TIMESTAMP",
        "price": "DECIMAL(18,2)",
        "freight_value": "DECIMAL(18,2)",
    },
    "payments": {
        "order_id": "VARCHAR",
        "payment_sequential": "INTEGER",
        "payment_type": "VARCHAR",
        "payment_installments": "INTEGER",
        "payment_value": "DECIMAL(18,2)",
    },
    "reviews": {
        "review_id": "VARCHAR",
        "order_id": "VARCHAR",
        "review_score": "INTEGER",
        "review_comment_title": "VARCHAR",
        "review_comment_message": "VARCHAR",
        "review_creation_date": "TIMESTAMP",
        "review_answer_timestamp": "TIMESTAMP",
    },
    "customers": {
        "customer_id": "VARCHAR",
        "customer_unique_id": "VARCHAR",
        "customer_zip_code_prefix": "VARCHAR",
        "customer_city": "VARCHAR",
        "customer_state": "VARCHAR",
    },
    "products": {
        "product_id": "VARCHAR",
        "product_category_name": "VARCHAR",
        "product_name_lenght": "INTEGER",
        "product_description_lenght": "INTEGER",
        "product_photos_qty": "INTEGER",
        "product_weight_g": "INTEGER",
        "product_length_cm": "INTEGER",
        "product_height_cm": "INTEGER",
        "product_width_cm": "INTEGER",
    },
    "sellers": {
        "seller_id": "VARCHAR",
        "seller_zip_code_prefix": "VARCHAR",
        "seller_city": "VARCHAR",
        "seller_state": "VARCHAR",
    },
    "geolocation": {
        "geolocation_zip_code_prefix": "VARCHAR",
        "geolocation_lat": "DOUBLE",
        "geolocation_lng": "DOUBLE",
        "geolocation_city": "VARCHAR",
        "geolocation_state": "VARCHAR",
    },
    "translation": {"product_category_name": "VARCHAR", "product_category_name_english": "VARCHAR"},
}


def connect(directory: Path, suffix: str = "parquet") -> duckdb.DuckDBPyConnection:
    """A connection with one view for each of the nine files and `truth` for the planted kinds."""
    connection = duckdb.connect(config={"threads": 2})
    for name, base in TABLES.items():
        path = directory / f"{base}.{suffix}"
        source = f"'{path}'" if suffix == "parquet" else f"read_csv('{path}', header = true, columns = {COLUMNS[name]})"
        connection.execute(f"create view {name} as select * from {source}")
    connection.execute(f"create view truth as select * from '{directory / write.TRUTH_FILE}'")
    return connection


def number(connection: duckdb.DuckDBPyConnection, query: str) -> float:
    row = connection.execute(query).fetchone()
    assert row is not None
    return float(row[0])


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Clouds this small cluster faster without a team of threads."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="session")
def big(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    directory = tmp_path_factory.mktemp("big") / "data"
    generate(Settings(orders=SIZE), directory, "parquet")
    with connect(directory) as connection:
        yield connection


# --- published facts -------------------------------------------------------------------------------------------------

PER_ORDER = {
    "persons": ("select count(distinct customer_unique_id) from customers", 96_096),
    "persons with several orders": (
        "select count(*) from (from customers select count(*) as n group by customer_unique_id) where n > 1",
        2997,
    ),
    "orders without items": ("select count(*) from orders anti join items using (order_id)", 775),
    "unavailable without items": (
        "select count(*) from orders anti join items using (order_id) where order_status = 'unavailable'",
        603,
    ),
    "canceled without items": (
        "select count(*) from orders anti join items using (order_id) where order_status = 'canceled'",
        164,
    ),
    "orders without payment": ("select count(*) from orders anti join payments using (order_id)", 1),
    "orders without review": ("select count(*) from orders anti join reviews using (order_id)", 768),
    "orders with several reviews": (
        "select count(*) from (from reviews select count(*) as n group by order_id) where n > 1",
        547,
    ),
    "review ids on several orders": (
        "select count(*) from (from reviews select count(*) as n group by review_id) where n > 1",
        789,
    ),
    "rows of reused review ids": ("select count(*) - count(distinct review_id) from reviews", 814),
    "orders with several items": (
        "select count(*) from (from items select count(*) as n group by order_id) where n > 1",
        9803,
    ),
    "orders with several payments": (
        "select count(*) from (from payments select count(*) as n group by order_id) where n > 1",
        2961,
    ),
    "zero payments": ("select count(*) from payments where payment_value = 0", 9),
    "undefined payments": ("select count(*) from payments where payment_type = 'not_defined'", 3),
    "persons with several prefixes": (
        "select count(*) from (from customers select count(distinct customer_zip_code_prefix) as n "
        "group by customer_unique_id) where n > 1",
        250,
    ),
    "persons with several states": (
        "select count(*) from (from customers select count(distinct customer_state) as n "
        "group by customer_unique_id) where n > 1",
        39,
    ),
    "customers unknown to geolocation": (
        "select count(*) from customers where customer_zip_code_prefix not in "
        "(select geolocation_zip_code_prefix from geolocation)",
        278,
    ),
    "no approval": ("select count(*) from orders where order_approved_at is null", 160),
    "no carrier date": ("select count(*) from orders where order_delivered_carrier_date is null", 1783),
    "no delivery date": ("select count(*) from orders where order_delivered_customer_date is null", 2965),
    "delivered without a delivery date": (
        "select count(*) from orders where order_delivered_customer_date is null and order_status = 'delivered'",
        8,
    ),
    "carrier before approval": (
        "select count(*) from orders where order_delivered_carrier_date < order_approved_at",
        1359,
    ),
    "products": ("select count(*) from products", 32_951),
    "sellers": ("select count(*) from sellers", 3095),
    "products without category": ("select count(*) from products where product_category_name is null", 610),
    "products without translation": (
        "select count(*) from products where product_category_name not in "
        "(select product_category_name from translation)",
        13,
    ),
    "orders lost by a join of the four tables": (
        "select count(*) - (select count(*) from orders where order_id in (select order_id from items) and order_id in "
        "(select order_id from payments) and order_id in (select order_id from reviews)) from orders",
        1525,
    ),
}


@pytest.mark.parametrize("name", PER_ORDER)
def test_a_count_per_order_is_as_published(big: duckdb.DuckDBPyConnection, name: str) -> None:
    query, published = PER_ORDER[name]
    share = published / facts.ORDERS
    tolerance = 4 * math.sqrt(share * (1 - share) / SIZE) + 1 / SIZE
    assert number(big, query) / SIZE == pytest.approx(share, abs=tolerance)


ROWS = {"items": 112_650, "payments": 103_886, "reviews": 99_224}


@pytest.mark.parametrize("table", ROWS)
def test_rows_per_order_are_as_published(big: duckdb.DuckDBPyConnection, table: str) -> None:
    # Half a per cent: these are sums over orders, whose published distribution fixes them closer than that.
    assert number(big, f"select count(*) from {table}") / SIZE == pytest.approx(ROWS[table] / facts.ORDERS, rel=0.005)


DISTRIBUTIONS: dict[str, tuple[str, dict[str, float]]] = {
    "status": (
        "select order_status, count(*) from orders group by 1",
        {name: count / facts.ORDERS for name, count in facts.STATUS_ORDERS.items()},
    ),
    "month": (
        "select strftime(order_purchase_timestamp, '%Y-%m'), count(*) from orders group by 1",
        {f"{year}-{month:02}": count / facts.ORDERS for (year, month), count in facts.MONTH_ORDERS.items()},
    ),
    "state": (
        "select customer_state, count(*) from customers group by 1",
        {state: count / facts.ORDERS for state, count in facts.STATE_ORDERS.items()},
    ),
    "payment": (
        "select payment_type, count(*) from payments group by 1",
        {name: count / facts.PAYMENT_ROWS for name, count in facts.PAYMENT_TYPES.items()},
    ),
    "items": (
        "select n::varchar, count(*) from (from items select count(*) as n group by order_id) group by 1",
        {str(n): count / sum(facts.ORDER_ITEMS.values()) for n, count in facts.ORDER_ITEMS.items()},
    ),
    "orders of a person": (
        "select n::varchar, count(*) from (from customers select count(*) as n group by customer_unique_id) group by 1",
        {str(n): count / facts.PERSONS for n, count in facts.PERSON_ORDERS.items()},
    ),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_a_distribution_is_as_published(big: duckdb.DuckDBPyConnection, name: str) -> None:
    query, published = DISTRIBUTIONS[name]
    counts = dict(big.execute(query).fetchall())
    total = sum(counts.values())
    assert set(counts) == set(published)
    for value, share in published.items():
        tolerance = 4 * math.sqrt(share * (1 - share) / total) + 1 / total
        assert counts[value] / total == pytest.approx(share, abs=tolerance), value


def test_review_scores_are_as_published(big: duckdb.DuckDBPyConnection) -> None:
    counts = dict(big.execute("select review_score, count(*) from reviews group by 1").fetchall())
    for score, share in facts.REVIEW_SCORES.items():
        # The published shares are rounded to a tenth of a per cent: 0.05 points more than four standard errors.
        tolerance = 4 * math.sqrt(share * (1 - share) / SIZE) + 0.0005
        assert counts[score] / sum(counts.values()) == pytest.approx(share, abs=tolerance), score


def test_largest_orders_and_tables_of_fixed_size(big: duckdb.DuckDBPyConnection) -> None:
    assert number(big, "select max(n) from (select count(*) as n from customers group by customer_unique_id)") == 17
    assert number(big, "select max(n) from (select count(*) as n from items group by order_id)") == 21
    assert number(big, "select max(n) from (select count(*) as n from payments group by order_id)") == 29
    assert number(big, "select max(n) from (select count(*) as n from reviews group by order_id)") == 3
    assert number(big, "select count(*) from translation") == 71
    assert number(big, "select count(*) from geolocation") == 1_000_163
    assert number(
        big, "select count(*) - (select count(*) from (select distinct * from geolocation)) from geolocation"
    ) == (pytest.approx(261_831, abs=5))


def test_prices_freight_and_payments_are_as_published(big: duckdb.DuckDBPyConnection) -> None:
    # The mean's standard error is 183 / sqrt(113,000) = 0.55 BRL; the median's is 0.3.
    assert number(big, "select median(price) from items") == pytest.approx(74.99, abs=1.2)
    assert number(big, "select avg(price) from items") == pytest.approx(120.65, abs=2.2)
    assert 5000 < number(big, "select max(price) from items") <= 6735
    assert number(big, "select avg(freight_value) from items") == pytest.approx(19.99, abs=0.4)
    totals = """from (from payments select order_id, sum(payment_value) as paid group by 1)
        join (from items select order_id, sum(price + freight_value) as owed group by 1) using (order_id)"""
    wrong = number(big, f"select avg((paid <> owed)::int) {totals}")
    assert wrong == pytest.approx(0.0058, abs=4 * math.sqrt(0.0058 / SIZE))
    # Published: payments of 16,008,872.12 for items plus freight of 15,843,553.24, each within three per cent.
    assert number(big, "select sum(payment_value) from payments") / SIZE == pytest.approx(160.99, rel=0.03)
    assert number(big, "select sum(price + freight_value) from items") / SIZE == pytest.approx(159.33, rel=0.03)
    inflated = number(
        big,
        "select sum(payment_value) / (select sum(payment_value) from payments) from orders "
        "join items using (order_id) join payments using (order_id) join reviews using (order_id)",
    )
    assert inflated == pytest.approx(1.26, abs=0.05)


LATE = "order_delivered_customer_date > order_estimated_delivery_date"


def test_deliveries_are_as_published(big: duckdb.DuckDBPyConnection) -> None:
    days = "order_{}_date::date - order_purchase_timestamp::date"
    assert number(big, f"select median({days.format('delivered_customer')}) from orders") == pytest.approx(10, abs=0.5)
    assert number(big, f"select median({days.format('estimated_delivery')}) from orders") == pytest.approx(24, abs=0.5)
    # 0.4 points are four standard errors; the published figure is "about 8 %".
    assert number(big, f"select avg(({LATE})::int) from orders") == pytest.approx(0.081, abs=0.004)
    march = "strftime(order_purchase_timestamp, '%Y-%m') = '2018-03'"
    assert number(big, f"select avg(({LATE})::int) from orders where {march}") == pytest.approx(0.19, abs=0.019)


def test_reviews_follow_delivery(big: duckdb.DuckDBPyConnection) -> None:
    # Scores have a standard deviation of about 1.6 when late (8,000 reviews) and 1.2 on time (89,000).
    by_lateness = dict(
        big.execute(f"select {LATE}, avg(review_score) from orders join reviews using (order_id) group by 1").fetchall()
    )
    assert by_lateness[True] == pytest.approx(2.6, abs=0.12)
    assert by_lateness[False] == pytest.approx(4.3, abs=0.05)
    march = number(
        big,
        "select avg(review_score) from orders join reviews using (order_id) "
        "where strftime(order_purchase_timestamp, '%Y-%m') = '2018-03'",
    )
    assert march == pytest.approx(3.75, abs=0.07)
    ends = big.execute(
        "select max(order_delivered_customer_date)::date, max(review_answer_timestamp)::date "
        "from orders join reviews using (order_id)"
    ).fetchone()
    assert ends is not None
    assert ends[0] <= datetime.date(2018, 10, 17)
    assert ends[1] <= datetime.date(2018, 10, 29)
    early = number(
        big,
        "select count(*) from orders join reviews using (order_id) "
        "where review_creation_date < order_purchase_timestamp",
    )
    assert early == 0
    assert number(big, "select count(*) from reviews where review_answer_timestamp <= review_creation_date") == 0


def test_the_calendar_peaks_on_black_friday_and_thins_out_at_the_end(big: duckdb.DuckDBPyConnection) -> None:
    daily = big.execute(
        "select order_purchase_timestamp::date as day, count(*) as n from orders "
        "group by 1 order by n desc, day limit 2"
    ).fetchall()
    assert daily[0][0] == datetime.date(2017, 11, 24)
    assert daily[0][1] == pytest.approx(1176 * SIZE / facts.ORDERS, abs=4 * math.sqrt(1176))
    assert daily[0][1] > 2 * daily[1][1]
    last = big.execute(
        "select max(order_purchase_timestamp)::date from orders where order_status = 'delivered'"
    ).fetchone()
    assert last == (datetime.date(2018, 8, 29),)
    assert (
        number(big, "select count(*) from orders where order_purchase_timestamp between '2016-11-01' and '2016-12-01'")
        == 0
    )
    after = "order_purchase_timestamp >= '2018-08-29' and order_purchase_timestamp < '2018-09-01'"
    assert 0 < number(big, f"select count(*) from orders where {after}") < 100
    tail = "order_purchase_timestamp >= '2018-09-01'"
    assert number(big, f"select avg((order_status = 'canceled')::int) from orders where {tail}") > 0.5
    recency = "(select max(order_purchase_timestamp::date) as day from orders join customers using (customer_id) "
    recency += "group by customer_unique_id)"
    assert number(big, f"select count(distinct day) from {recency}") == pytest.approx(632, abs=15)


def test_keys_and_references_hold(big: duckdb.DuckDBPyConnection) -> None:
    for table, key in (
        ("orders", "order_id"),
        ("customers", "customer_id"),
        ("products", "product_id"),
        ("sellers", "seller_id"),
        ("items", "(order_id, order_item_id)"),
        ("payments", "(order_id, payment_sequential)"),
        ("reviews", "(review_id, order_id)"),
        ("truth", "customer_unique_id"),
    ):
        assert number(big, f"select count(*) - count(distinct {key}) from {table}") == 0, table
    for child, parent, key in (
        ("orders", "customers", "customer_id"),
        ("customers", "orders", "customer_id"),
        ("customers", "truth", "customer_unique_id"),
        ("truth", "customers", "customer_unique_id"),
        ("items", "orders", "order_id"),
        ("items", "products", "product_id"),
        ("items", "sellers", "seller_id"),
        ("payments", "orders", "order_id"),
        ("reviews", "orders", "order_id"),
    ):
        assert number(big, f"select count(*) from {child} anti join {parent} using ({key})") == 0, (child, parent)
    assert number(big, "select count(*) from orders where not regexp_full_match(order_id, '[0-9a-f]{32}')") == 0


def test_a_reused_review_is_the_same_review(big: duckdb.DuckDBPyConnection) -> None:
    differing = """select count(*) from (from reviews select review_id, count(distinct (review_score,
        review_creation_date, review_answer_timestamp, review_comment_message)) as versions
        group by 1) where versions > 1"""
    assert number(big, differing) == 0


def test_coordinates_lie_in_brazil_and_prefixes_in_their_state(big: duckdb.DuckDBPyConnection) -> None:
    outside = "geolocation_lat not between -33.8 and 5.3 or geolocation_lng not between -74 and -34.79"
    assert number(big, f"select count(*) from geolocation where {outside}") == 0
    for state, first, last in (("SP", "01", "19"), ("RJ", "20", "28"), ("MG", "30", "39"), ("RS", "90", "99")):
        wrong = f"(customer_state = '{state}') <> (left(customer_zip_code_prefix, 2) between '{first}' and '{last}')"
        assert number(big, f"select count(*) from customers where {wrong}") == 0, state


def test_kinds_are_tendencies_when_the_published_shares_hold(big: duckdb.DuckDBPyConnection) -> None:
    tendencies = big.execute(
        """with spent as (from items select order_id, sum(price) as spent group by 1),
        scored as (from reviews select order_id, avg(review_score) as score group by 1)
        select planted_segment, avg(orders_of), avg(epoch(newest)), avg(spent_of), avg(score_of), count(*)
        from (
            select customer_unique_id, count(*) as orders_of, max(order_purchase_timestamp) as newest,
                avg(spent) as spent_of, avg(score) as score_of
            from customers join orders using (customer_id) left join spent using (order_id)
            left join scored using (order_id) group by 1
        ) join truth using (customer_unique_id) group by 1"""
    ).fetchall()
    by_kind = {row[0]: row[1:] for row in tendencies}
    assert set(by_kind) == {"recent_happy", "lapsed_happy", "disappointed", "big_spender", "loyal"}
    assert min(row[4] for row in by_kind.values()) > 0.08 * SIZE

    def top(column: int) -> str:
        return max(by_kind, key=lambda kind: by_kind[kind][column])

    assert top(0) == "loyal"
    assert top(1) == "recent_happy"
    assert top(2) == "big_spender"
    assert min(by_kind, key=lambda kind: by_kind[kind][3]) == "disappointed"


# --- planted kinds ---------------------------------------------------------------------------------------------------

FEATURES = """
    with owed as (from items select order_id, sum(price + freight_value)::double as spend group by 1),
    scored as (from reviews select order_id, avg(review_score) as score group by 1),
    persons as (
        select
            customer_unique_id,
            (date '2018-09-01' - max(order_purchase_timestamp)::date)::double as recency_days,
            ln(count(*)) as log_orders,
            ln(sum(spend)) as log_spend,
            avg(score) as score
        from orders join customers using (customer_id) join owed using (order_id) left join scored using (order_id)
        where order_status not in ('canceled', 'unavailable')
        group by 1
    )
    select recency_days, log_orders, log_spend, coalesce(score, avg(score) over ()) as score, planted_segment
    from persons join truth using (customer_unique_id)
    order by customer_unique_id
"""


def features(directory: Path) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.str_]]:
    """Standardised features of everybody with a valid purchase, and their planted kinds."""
    with connect(directory) as connection:
        columns = connection.execute(FEATURES).fetchnumpy()
    kinds = np.asarray(columns.pop("planted_segment"), dtype=np.str_)
    values = np.column_stack(list(columns.values())).astype(np.float64)
    scale = values.std(axis=0)
    return (values - values.mean(axis=0)) / np.where(scale == 0, 1, scale), kinds


def recovered(directory: Path) -> float:
    values, kinds = features(directory)
    labels = KMeans(5, n_init=5, random_state=0).fit_predict(values)
    return float(adjusted_rand_score(kinds, labels))


def prediction_strength(values: npt.NDArray[np.float64], k: int, rng: np.random.Generator) -> float:
    """Tibshirani and Walther (2005): the least share of pairs of a half's cluster that the other half keeps."""
    order = rng.permutation(len(values))
    train, test = values[order[::2]], values[order[1::2]]
    fitted = KMeans(k, n_init=4, random_state=0).fit(train)
    own = KMeans(k, n_init=4, random_state=1).fit_predict(test)
    theirs = fitted.predict(test)
    strengths = []
    for cluster in range(k):
        counts = np.bincount(theirs[own == cluster], minlength=k).astype(np.float64)
        pairs = counts.sum() * (counts.sum() - 1)
        strengths.append(float((counts * (counts - 1)).sum() / pairs) if pairs else 0.0)
    return min(strengths)


def planted(directory: Path, separation: float, orders: int = 6000) -> Path:
    generate(Settings(orders=orders, separation=separation), directory / "planted", "parquet")
    return directory / "planted"


def test_well_separated_kinds_are_found_again(tmp_path: Path) -> None:
    assert recovered(planted(tmp_path, 6)) >= 0.95


def test_recovery_grows_with_the_separation(tmp_path: Path) -> None:
    found = [recovered(planted(tmp_path, separation, orders=3000)) for separation in (0, 2, 4, 8)]
    assert found == sorted(found)
    assert abs(found[0]) < 0.02
    assert found[3] >= 0.97


def test_without_separation_there_is_no_structure(tmp_path: Path) -> None:
    directory = planted(tmp_path, 0)
    values, _ = features(directory)
    rng = np.random.default_rng(0)
    for k in range(2, 9):
        assert np.mean([prediction_strength(values, k, rng) for _ in range(2)]) < 0.8, k
    with connect(directory) as connection:
        assert number(connection, "select count(distinct customer_unique_id) from customers") == 6000
        scores = dict(connection.execute("select review_score, count(*) from reviews group by 1").fetchall())
    assert scores[1] < scores[2] < scores[3] > scores[4] > scores[5]


@pytest.mark.parametrize("separation", [0.0, 1.0, 3.0, 6.0, 12.0])
def test_planted_months_all_have_orders(tmp_path: Path, separation: float) -> None:
    with connect(planted(tmp_path, separation)) as connection:
        months = connection.execute(
            "select strftime(order_purchase_timestamp, '%Y-%m') as month, count(*) from orders group by 1 order by 1"
        ).fetchall()
    assert (months[0][0], months[-1][0], len(months)) == ("2017-01", "2018-08", 20)
    counts = [count for _, count in months]
    assert min(counts) >= 0.1 * float(np.median(counts))


def test_planted_mode_keeps_the_rest(tmp_path: Path) -> None:
    with connect(planted(tmp_path, 6, orders=20_000)) as connection:
        for query, share in (
            ("select avg((customer_state = 'SP')::int) from customers", 0.4198),
            ("select avg((order_status = 'delivered')::int) from orders", 0.9702),
            ("select avg((payment_type = 'boleto')::int) from payments", 0.1904),
            ("select count(*) / 20000 from orders anti join items using (order_id)", 0.0078),
        ):
            tolerance = 4 * math.sqrt(share * (1 - share) / 20_000)
            assert number(connection, query) == pytest.approx(share, abs=tolerance), query
        # Lateness is given by month, and the planted calendar weighs the months otherwise than the published one.
        assert number(connection, f"select avg(({LATE})::int) from orders") == pytest.approx(0.07, abs=0.02)


# --- planted changes -------------------------------------------------------------------------------------------------

CHANGE_DAY = datetime.date(2018, 3, 1)
MODES = pytest.mark.parametrize("separation", [None, 3.0])
LATE_ITEMS = "items join orders using (order_id) where order_purchase_timestamp {} '2018-03-01'"
LATE_REVIEWS = "reviews join orders using (order_id) where order_purchase_timestamp {} '2018-03-01'"


def with_and_without(directory: Path, feature: str, separation: float | None) -> tuple[Path, Path]:
    change = Change.parse(f"{feature}@{CHANGE_DAY}")
    for name, planned in (("plain", None), ("changed", change)):
        generate(Settings(20_000, separation=separation, change=planned), directory / name, "parquet")
    return directory / "plain", directory / "changed"


def differing(first: Path, second: Path) -> set[str]:
    before, after = contents(first), contents(second)
    return {name.split(".")[0] for name in before if before[name] != after[name]}


@MODES
def test_a_change_of_spend_touches_money_alone(tmp_path: Path, separation: float | None) -> None:
    plain, changed = with_and_without(tmp_path, "spend", separation)
    assert differing(plain, changed) == {"olist_order_items_dataset", "olist_order_payments_dataset"}
    mean = "select avg(price) from " + LATE_ITEMS
    with connect(plain) as before, connect(changed) as after:
        assert number(after, mean.format("<")) == number(before, mean.format("<"))
        # A few prices stop at the published maximum.
        assert 1.7 < number(after, mean.format(">=")) / number(before, mean.format(">=")) <= 1.801


@MODES
def test_a_change_of_satisfaction_touches_reviews_alone(tmp_path: Path, separation: float | None) -> None:
    plain, changed = with_and_without(tmp_path, "satisfaction", separation)
    assert differing(plain, changed) == {"olist_order_reviews_dataset"}
    mean = "select avg(review_score) from " + LATE_REVIEWS
    with connect(plain) as before, connect(changed) as after:
        assert number(after, mean.format("<")) == pytest.approx(number(before, mean.format("<")), abs=0.01)
        assert 0.75 < number(before, mean.format(">=")) - number(after, mean.format(">=")) <= 1


@MODES
def test_a_change_of_frequency_leaves_money_and_scores(tmp_path: Path, separation: float | None) -> None:
    plain, changed = with_and_without(tmp_path, "frequency", separation)
    again = """select avg((turn > 1)::int) from (select order_purchase_timestamp as bought,
        row_number() over (partition by customer_unique_id order by order_purchase_timestamp, order_id) as turn
        from orders join customers using (customer_id)) where bought {} '2018-03-01'"""
    with connect(plain) as before, connect(changed) as after:
        assert number(after, again.format("<")) == pytest.approx(number(before, again.format("<")), abs=0.005)
        assert number(after, again.format(">=")) - number(before, again.format(">=")) > 0.09
        for query, tolerance in (
            ("select avg(price) from items", 0.5),
            ("select avg(review_score) from reviews", 0.03),
        ):
            assert number(after, query) == pytest.approx(number(before, query), abs=tolerance)
        assert number(after, "select count(*) from truth anti join customers using (customer_unique_id)") == 0


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("text") / "data"
    generate(Settings(orders=3000), directory, "csv")
    return directory


def test_csv_looks_like_the_export(text: Path) -> None:
    translation = (text / "product_category_name_translation.csv").read_bytes()
    assert translation.startswith(b"\xef\xbb\xbfproduct_category_name,product_category_name_english\n")
    customers = (text / "olist_customers_dataset.csv").read_text().splitlines()
    assert customers[0] == 'customer_id,customer_unique_id,"customer_zip_code_prefix",customer_city,customer_state'
    assert all(re.fullmatch(r'[0-9a-f]{32},[0-9a-f]{32},"\d{5}",[a-z -]+,[A-Z]{2}', line) for line in customers[1:])
    assert any(',"0' in line for line in customers)
    items = (text / "olist_order_items_dataset.csv").read_text().splitlines()
    assert all(re.search(r",\d{4}-\d\d-\d\d \d\d:\d\d:00,\d+(\.[1-9]|\.\d[1-9])?,", line) for line in items[1:])
    payments = (text / "olist_order_payments_dataset.csv").read_text().splitlines()
    assert all(re.search(r",\d+,[a-z_]+,\d+,\d+\.\d{1,2}$", line) for line in payments[1:])
    orders = (text / "olist_orders_dataset.csv").read_text()
    assert ",,," in orders
    assert re.search(r"delivered(,\d{4}-\d\d-\d\d \d\d:\d\d:\d\d){5}\n", orders)
    with (text / "olist_order_reviews_dataset.csv").open(encoding="utf-8", newline="") as file:
        reviews = list(csv.DictReader(file))
    messages = [row["review_comment_message"] for row in reviews]
    assert any("\n" in message for message in messages)
    assert any('"' in message for message in messages)
    assert any("," in message for message in messages)
    assert "" in messages
    geolocation = (text / "olist_geolocation_dataset.csv").read_text().splitlines()
    assert len(geolocation) > len(set(geolocation))
    assert geolocation[0].startswith('"geolocation_zip_code_prefix",')


def test_csv_and_parquet_hold_the_same_rows(text: Path, tmp_path: Path) -> None:
    generate(Settings(orders=3000), tmp_path / "parquet", "parquet")
    with connect(tmp_path / "parquet") as typed, connect(text, "csv") as read:
        for name, columns in COLUMNS.items():
            described = typed.execute(f"describe {name}").fetchall()
            assert {row[0]: row[1] for row in described} == columns
            assert read.execute(f"from {name}").fetchall() == typed.execute(f"from {name}").fetchall(), name
    truth = (text / write.TRUTH_FILE).read_bytes()
    assert truth == (tmp_path / "parquet" / write.TRUTH_FILE).read_bytes()


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_same_seed_same_bytes_whatever_the_threads(tmp_path: Path, file_format: Format) -> None:
    for name, threads in (("one", 1), ("three", 3)):
        generate(Settings(orders=5000), tmp_path / name, file_format, threads)
    generate(Settings(orders=5000, seed=7), tmp_path / "other", file_format)
    assert contents(tmp_path / "one") == contents(tmp_path / "three")
    assert len(differing(tmp_path / "one", tmp_path / "other")) == 9


@pytest.mark.parametrize("separation", [None, 0.0, 6.0])
@pytest.mark.parametrize("orders", [1, 2, 10, 100])
def test_tiny_marketplaces_work(tmp_path: Path, orders: int, separation: float | None) -> None:
    generate(Settings(orders, separation=separation), tmp_path / "tiny", "parquet")
    with connect(tmp_path / "tiny") as connection:
        assert number(connection, "select count(*) from orders") == orders
        assert number(connection, "select count(*) from customers anti join truth using (customer_unique_id)") == 0
        assert number(connection, "select count(*) from items") >= orders - 1


def test_an_earlier_output_is_replaced(tmp_path: Path) -> None:
    out = tmp_path / "data"
    generate(Settings(orders=50), out, "csv")
    generate(Settings(orders=60), out, "parquet")
    assert {path.name for path in out.iterdir()} == {f"{base}.parquet" for base in TABLES.values()} | {write.TRUTH_FILE}
    assert list(tmp_path.iterdir()) == [out]


def test_a_failed_run_leaves_the_earlier_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "data"
    generate(Settings(orders=50), out, "csv")
    before = contents(out)

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(write, "_write_translation", fail)
    with pytest.raises(OSError, match="disk full"):
        generate(Settings(orders=60), out, "csv")
    assert contents(out) == before
    assert list(tmp_path.iterdir()) == [out]


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--orders", "0"], "--orders 0 is out of range"),
        (["--orders", "-5"], "--orders -5 is out of range"),
        (["--seed", "-1"], "--seed -1 is out of range"),
        (["--separation", "-0.5"], "--separation -0.5 is not a distance"),
        (["--separation", "nan"], "--separation nan is not a distance"),
        (["--separation", "inf"], "--separation inf is not a distance"),
        (["--change", "mood@2018-03-01"], "--change 'mood@2018-03-01' is not FEATURE@DATE"),
        (["--change", "spend@2018-02-30"], "--change 'spend@2018-02-30' is not FEATURE@DATE"),
        (["--change", "spend@2019-01-01"], "--change 'spend@2019-01-01' is not FEATURE@DATE"),
        (["--change", "spend"], "--change 'spend' is not FEATURE@DATE"),
    ],
)
def test_bad_arguments_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert main(["generate", "--out", str(tmp_path / "data"), *arguments]) == 2
    message = capsys.readouterr().err
    assert sentence in message
    assert message.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_destination_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(UserError, match="is a file: give a directory"):
        generate(Settings(orders=1), file)
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"holds notes\.txt, which this command did not write"):
        generate(Settings(orders=1), foreign)
    with pytest.raises(UserError, match="cannot be written"):
        generate(Settings(orders=1), file / "below")
    assert (foreign / "notes.txt").read_text() == file.read_text() == "mine"


@given(st.lists(st.integers(0, 10_000), min_size=1).filter(any), st.integers(0, 100_000))
def test_largest_remainder_adds_up_and_stays_close(weights: list[int], size: int) -> None:
    parts = largest_remainder(weights, size)
    exact = np.array(weights) * size / sum(weights)
    assert parts.sum() == size
    assert np.all(np.abs(parts - exact) < 1 + 1e-6)


# --- the sample that the project ships -------------------------------------------------------------------------------


def test_the_sample_comes_from_the_command(tmp_path: Path) -> None:
    assert main(["generate", "--orders", "3000", "--format", "parquet", "--out", str(tmp_path / "sample")]) == 0
    sample = contents(ROOT / "data" / "sample")
    assert contents(tmp_path / "sample") == sample
    assert sum(map(len, sample.values())) < 1_500_000


def test_the_sample_comes_from_a_plainer_processor_too(tmp_path: Path) -> None:
    """Without what NumPy uses of this one."""
    newer = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    if not newer:
        pytest.skip("this processor has nothing that NumPy could do without")
    command = [sys.executable, "-m", "olist_segments.cli", "generate", "--orders", "3000", "--format", "parquet"]
    plainer = os.environ | {"NPY_DISABLE_CPU_FEATURES": " ".join(newer)}
    subprocess.run([*command, "--out", str(tmp_path / "sample")], env=plainer, check=True, capture_output=True)
    assert contents(tmp_path / "sample") == contents(ROOT / "data" / "sample")


def test_the_sample_has_something_nearly_every_day() -> None:
    with connect(ROOT / "data" / "sample") as connection:
        days = number(
            connection,
            """select count(distinct day) from (
                select order_purchase_timestamp::date as day from orders
                union all select order_delivered_customer_date::date from orders
                union all select review_answer_timestamp::date from reviews
            ) where day between '2017-01-01' and '2018-08-31'""",
        )
        months = connection.execute(
            "select count(*) from orders where order_purchase_timestamp between '2017-01-01' and '2018-09-01' "
            "group by date_trunc('month', order_purchase_timestamp)"
        ).fetchall()
    assert days >= 0.97 * 608
    assert len(months) == 20
    assert min(months)[0] >= 20


def test_the_export_of_a_day_is_that_of_the_end_cut_at_the_day(tmp_path: Path) -> None:
    day = datetime.date(2018, 5, 31)
    generate(Settings(2000), tmp_path / "all", "parquet")
    generate(Settings(2000, until=day), tmp_path / "until", "parquet")
    tables = {name: table for name, table in read_tables(tmp_path / "all").items() if name != "planted_segments"}
    for name, table in cut_at(tables, day).items():
        found = duckdb.execute(f"from '{tmp_path / 'until' / name}.parquet'").df()
        pd.testing.assert_frame_equal(found, table.reset_index(drop=True), check_exact=True)
    persons = duckdb.execute(f"select customer_unique_id from '{tmp_path / 'until' / write.TRUTH_FILE}'").df()
    customers = duckdb.execute(f"from '{tmp_path / 'until' / 'olist_customers_dataset.parquet'}'").df()
    assert set(persons["customer_unique_id"]) == set(customers["customer_unique_id"])
    # Nothing is left to come after the last day.
    generate(Settings(2000, until=datetime.date(2018, 10, 31)), tmp_path / "end", "parquet")
    assert contents(tmp_path / "end") == contents(tmp_path / "all")


def campaign_list(directory: Path, file: Path, share: float, day: datetime.date) -> list[str]:
    """A list of a part of the customers known on `day`."""
    customers = duckdb.execute(
        f"select distinct customer_unique_id as id from '{directory / 'olist_customers_dataset.parquet'}' order by 1"
    ).df()["id"]
    listed = customers.iloc[: int(share * len(customers))].tolist()
    lines = ["campaign,customer_unique_id,as_of_date", *(f"spring,{key},{day}" for key in listed)]
    file.write_text("\r\n".join(lines) + "\r\n", encoding="utf-8-sig")
    return listed


def test_an_answer_to_a_campaign_changes_who_bought_and_nothing_else(tmp_path: Path) -> None:
    day = datetime.date(2018, 5, 31)
    generate(Settings(6000, until=day), tmp_path / "until", "parquet")
    listed = campaign_list(tmp_path / "until", tmp_path / "list.csv", 0.5, day)
    response = Response.parse(f"{tmp_path / 'list.csv'}:0.1")
    generate(Settings(6000), tmp_path / "without", "parquet")
    generate(Settings(6000, responses=(response,)), tmp_path / "with", "parquet")
    assert differing(tmp_path / "without", tmp_path / "with") == {"olist_customers_dataset", "planted_segments"}
    orders = """
        select customers.*, order_purchase_timestamp::date as day, order_status, count(*) over (
            partition by customer_unique_id) as orders
        from '{0}/olist_customers_dataset.parquet' as customers
        inner join '{0}/olist_orders_dataset.parquet' as placed using (customer_id) order by customer_id
    """
    before, after = (duckdb.execute(orders.format(tmp_path / name)).df() for name in ("without", "with"))
    given = before["customer_unique_id"] != after["customer_unique_id"]
    # The answers: one more order each, of newcomers who had no other, in time.
    assert given.sum() == round(0.1 * len(listed))
    assert set(after.loc[given, "customer_unique_id"]) <= set(listed)
    assert after.loc[given, "customer_unique_id"].is_unique
    assert (before.loc[given, "orders"] == 1).all()
    assert (before.loc[given, "order_status"] == "delivered").all()
    days = after.loc[given, "day"].dt.date
    assert days.min() > day
    assert days.max() <= day + datetime.timedelta(days=90)
    # The parcel goes where they live.
    homes = ["customer_unique_id", "customer_zip_code_prefix"]
    assert after[given].merge(before[homes].drop_duplicates(), on=homes)["customer_id"].nunique() == given.sum()
    # Until the list was made, everything is as it was.
    generate(Settings(6000, until=day, responses=(response,)), tmp_path / "cut", "parquet")
    assert contents(tmp_path / "cut") == contents(tmp_path / "until")


def test_answers_to_two_lists_do_not_share_newcomers(tmp_path: Path) -> None:
    day = datetime.date(2018, 5, 31)
    generate(Settings(6000, until=day), tmp_path / "until", "parquet")
    campaign_list(tmp_path / "until", tmp_path / "list.csv", 0.2, day)
    response = Response.parse(f"{tmp_path / 'list.csv'}:0.1")
    people = "select count(distinct customer_unique_id) from '{}/olist_customers_dataset.parquet'"
    counts = []
    for number in range(3):
        generate(Settings(6000, responses=(response,) * number), tmp_path / str(number), "parquet")
        counts.append(duckdb.execute(people.format(tmp_path / str(number))).fetchall()[0][0])
    assert counts[0] - counts[1] == counts[1] - counts[2] == round(0.1 * len(response.customers))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--response", "none.csv:0.1"], "can't be read as a campaign list (No such file or directory)"),
        (["--response", "list.csv"], "is not LIST.csv:SHARE"),
        (["--response", "list.csv:2"], "is not LIST.csv:SHARE"),
        (["--response", "list.csv:nan"], "is not LIST.csv:SHARE"),
        (["--response", "empty.csv:0.1"], "it has no customers of one as-of date"),
        (["--response", "two.csv:0.1"], "it has no customers of one as-of date"),
        (["--response", "list.csv:0.1", "--seed", "1"], "whom this marketplace does not have"),
        (["--response", "late.csv:0.9"], "give a smaller share or more --orders"),
    ],
)
def test_an_answer_that_cannot_be_planted_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    generate(Settings(500), tmp_path / "all", "parquet")
    campaign_list(tmp_path / "all", tmp_path / "list.csv", 0.5, datetime.date(2018, 5, 31))
    campaign_list(tmp_path / "all", tmp_path / "late.csv", 0.5, datetime.date(2018, 8, 29))
    Path("empty.csv").write_text("customer_unique_id,as_of_date\n")
    Path("two.csv").write_text("customer_unique_id,as_of_date\na,2018-05-31\nb,2018-06-30\n")
    assert main(["generate", "--orders", "500", "--out", "made", *arguments]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert said in told
    assert not Path("made").exists()


@pytest.mark.parametrize("day", ["2018-02-30", "yesterday", "2016-12-31", "2019-01-01"])
def test_a_day_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], day: str) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["generate", "--orders", "500", "--out", str(tmp_path / "made"), "--until", day])
    assert exit_.value.code == 2
    assert "is no day from 2017-01-02 to 2018-10-31" in capsys.readouterr().err
