"""Nine tiny valid files, ways to damage them, and dbt run on them in this process.

A run that is refused takes about half a second.
"""

from __future__ import annotations

import contextlib
import csv
import gc
import json
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from dbt_here import PROJECT, close_warehouses, opened, parsed_project, shorten_runs

NOBODY = 65534
RunnerOf = Callable[[list[Any]], dbtRunner]
ALL = ("all of the project",)
"""The selection that leaves nothing out."""

ORDERS = "olist_orders_dataset"
CUSTOMERS = "olist_customers_dataset"
ITEMS = "olist_order_items_dataset"
PAYMENTS = "olist_order_payments_dataset"
REVIEWS = "olist_order_reviews_dataset"
PRODUCTS = "olist_products_dataset"
SELLERS = "olist_sellers_dataset"
GEOLOCATION = "olist_geolocation_dataset"
CATEGORIES = "product_category_name_translation"

# The comment of the first review spans lines 2 to 4, with a blank line, a comma and quotes in it.
FILES = {
    ORDERS: """\
order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,order_delivered_carrier_date,\
order_delivered_customer_date,order_estimated_delivery_date
o1,c1,delivered,2017-10-02 10:56:33,2017-10-02 11:07:15,2017-10-04 19:55:00,2017-10-10 21:25:13,2017-10-18 00:00:00
o2,c2,shipped,2018-07-24 20:41:37,,,,2018-08-13 00:00:00
""",
    CUSTOMERS: """\
customer_id,customer_unique_id,customer_zip_code_prefix,customer_city,customer_state
c1,p1,01003,sao paulo,SP
c2,p2,20010,rio de janeiro,RJ
""",
    ITEMS: """\
order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value
o1,1,g1,s1,2017-10-06 11:07:15,29.99,8.72
o1,2,g1,s1,2017-10-06 11:07:15,29.99,8.72
o2,1,g2,s1,2018-07-30 03:24:27,118.70,22.76
""",
    PAYMENTS: """\
order_id,payment_sequential,payment_type,payment_installments,payment_value
o1,1,credit_card,2,77.42
o2,1,boleto,1,141.46
""",
    REVIEWS: """\
review_id,order_id,review_score,review_comment_title,review_comment_message,review_creation_date,review_answer_timestamp
r1,o1,4,,"Chegou, mas

o ""lacre"" estava aberto",2017-10-11 00:00:00,2017-10-12 03:43:48
r2,o2,5,super,,2018-08-08 00:00:00,2018-08-08 18:37:50
r3,o2,3,,ok,2018-08-09 00:00:00,2018-08-09 18:37:50
""",
    PRODUCTS: """\
product_id,product_category_name,product_name_lenght,product_description_lenght,product_photos_qty,product_weight_g,\
product_length_cm,product_height_cm,product_width_cm
g1,perfumaria,40,287,1,225,16,10,14
g2,,,,,,,,
""",
    SELLERS: """\
seller_id,seller_zip_code_prefix,seller_city,seller_state
s1,13023,santa barbara d'oeste,SP
""",
    GEOLOCATION: """\
geolocation_zip_code_prefix,geolocation_lat,geolocation_lng,geolocation_city,geolocation_state
01003,-23.549,-46.635,são paulo,SP
20010,-22.902,-43.175,rio de janeiro,RJ
""",
    CATEGORIES: """\
product_category_name,product_category_name_english
perfumaria,perfumery
""",
}


@dataclass
class Run:
    """What one dbt run came to; `sentences` are its errors without dbt's frame, `log_file` all that it noted."""

    success: bool
    sentences: list[str]
    warnings: list[str]
    log: str
    log_file: str


class Project:
    """A temporary data folder and warehouse, and the dbt runner that all cases share."""

    def __init__(self, runner_of: RunnerOf, home: Path) -> None:
        self.runner_of = runner_of
        self.home = home
        self.folder = home / "data"
        self.warehouse = home / "warehouse.duckdb"
        self.campaigns = home / "campaigns"
        self.folder.mkdir(parents=True)

    def path(self, name: str, ending: str = "csv") -> Path:
        return self.folder / f"{name}.{ending}"

    def replace(self, name: str, old: str, new: str) -> None:
        """Damage one place of one file."""
        text = self.path(name).read_bytes().decode()
        assert text.count(old) >= 1, f"{old!r} is not in {name}"
        self.write(name, text.replace(old, new, 1))

    def write(self, name: str, content: str | bytes) -> None:
        self.path(name).write_bytes(content if isinstance(content, bytes) else content.encode())

    def write_all(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            self.write(name, text)

    def to_parquet(self, name: str, query: str = "select * from file") -> None:
        """Turn one CSV file into Parquet with the types that a sniffing tool would give it."""
        target = self.path(name, "parquet")
        with duckdb.connect() as connection:
            connection.execute(
                f"create view file as select * from read_csv('{self.path(name)}', header = true, "
                "types = {" + ", ".join(f"'{column}': 'varchar'" for column in zip_columns(self.path(name))) + "})"
            )
            connection.execute(f"copy ({query}) to '{target}' (format parquet)")
        self.path(name).unlink()

    def point_commands_here(self) -> None:
        """Have dbt and the commands of this process read the folder and use the warehouse."""
        os.environ["OLIST_DATA_DIR"] = str(self.folder)
        os.environ["OLIST_WAREHOUSE"] = str(self.warehouse)
        os.environ["OLIST_SERVING_DIR"] = str(self.warehouse.parent / "serving")
        os.environ["OLIST_CAMPAIGN_DIR"] = str(self.campaigns)

    def run(
        self,
        *select: str,
        command: str = "run",
        variables: str = "{}",
        settings: Mapping[str, object] | None = None,
        options: Collection[str] = (),
    ) -> Run:
        """`dbt run` (or another command) of the selected nodes, stg_olist__orders where none are given.

        The text `variables` is for dbt to judge; the project is read anew under `settings`, so Python models see them.
        """
        self.point_commands_here()
        events: list[Any] = []
        arguments = [command, *options, "--no-write-json", "--log-level", "none", "--log-level-file", "none"]
        arguments += ["--target-path", str(self.home / "target"), "--log-path", str(self.home / "logs")]
        arguments += ["--vars", json.dumps(dict(settings)) if settings else variables]
        if select != ALL:
            arguments += ["--select", *(select or ["stg_olist__orders"])]
        runner = self.runner_of(events)
        if settings:
            runner = dbtRunner(manifest=parsed_project(settings), callbacks=[events.append])
        result = runner.invoke(arguments)
        close_warehouses()
        messages = {level: [e.info.msg for e in events if e.info.level == level] for level in ("error", "warn")}
        log = "\n".join(str(event.info.msg) for event in events if event.info.level != "debug")
        log_file = "\n".join(str(event.info.msg) for event in events)
        return Run(bool(result.success), [sentence_of(m) for m in messages["error"]], messages["warn"], log, log_file)

    def tables(self, schemas: tuple[str, ...] = ("raw", "main")) -> dict[str, list[tuple[Any, ...]]]:
        """Every table and view of the warehouse with its rows."""
        if not self.warehouse.exists():
            return {}
        with opened(self.warehouse) as connection:
            names = connection.execute(
                "select table_schema || '.' || table_name from information_schema.tables where table_schema in "
                f"{schemas} order by all"
            ).fetchall()
            return {name: connection.execute(f"select * from {name} order by all").fetchall() for (name,) in names}

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with opened(self.warehouse) as connection:
            return connection.execute(sql).fetchall()


def sentence_of(message: str) -> str:
    """What an error of dbt says, without the frame that dbt puts around it."""
    found = re.search(r"^Runtime Error\n  (.*)", message, re.M)
    return found[1] if found else message


def zip_columns(path: Path) -> list[str]:
    """The columns that keep their leading zeros."""
    header = path.read_text(encoding="utf-8").splitlines()[0]
    return [name for name in header.split(",") if name.endswith("zip_code_prefix")]


@contextlib.contextmanager
def runners(manifest: Manifest, home: Path) -> Iterator[RunnerOf]:
    """What makes a dbt runner of a list that takes its events; environment and folder are put back at the end."""
    patch = pytest.MonkeyPatch()
    patch.chdir(PROJECT)
    for name in ("OLIST_WAREHOUSE", "OLIST_DATA_DIR", "OLIST_SERVING_DIR", "OLIST_CAMPAIGN_DIR"):
        patch.setenv(name, str(home / name))
    patch.setenv("DBT_LOG_PATH", str(home / "logs"))
    shorten_runs(patch)
    yield lambda events: dbtRunner(manifest=manifest, callbacks=[events.append])
    close_warehouses()
    patch.undo()


@contextlib.contextmanager
def as_nobody(folder: Path) -> Iterator[None]:
    """Without the rights of root, who may read everything; modules must be loaded by then (the fixture valid)."""
    if os.geteuid() != 0:
        yield
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        # What nobody could close is closed now.
        gc.collect()


Rows = list[dict[str, str]]
NUMBERS = {"order_item_id", "payment_sequential", "payment_installments", "review_score"}
AMOUNTS = {"price", "freight_value", "payment_value"}


def read_rows(path: Path) -> Rows:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def one_row_a_key(rows: Rows, key: list[str], others: list[str]) -> Rows:
    """Of the rows of a key the first in the order of `others`, what is missing last: as staging promises."""

    def place(row: dict[str, str]) -> list[tuple[bool, Any]]:
        return [(row[name] == "", typed(name, row[name])) for name in others]

    first: dict[tuple[str, ...], dict[str, str]] = {}
    for row in rows:
        of_key = tuple(str(typed(name, row[name])) for name in key)
        if of_key not in first or place(row) < place(first[of_key]):
            first[of_key] = row
    return list(first.values())


def typed(name: str, text: str) -> Any:
    if text and name in AMOUNTS | NUMBERS:
        return Decimal(text)
    return text


def totals_of_files(folder: Path, until: str) -> dict[str, Decimal]:
    """What the nine CSV files add up to, in plain Python; `until` is the date that features are known at."""
    orders = {
        row["order_id"]: row
        for row in one_row_a_key(
            read_rows(folder / f"{ORDERS}.csv"),
            ["order_id"],
            [
                "customer_id",
                "order_status",
                "order_purchase_timestamp",
                "order_approved_at",
                "order_delivered_carrier_date",
                "order_delivered_customer_date",
                "order_estimated_delivery_date",
            ],
        )
    }
    persons = {
        row["customer_id"]: row["customer_unique_id"]
        for row in one_row_a_key(
            read_rows(folder / f"{CUSTOMERS}.csv"),
            ["customer_id"],
            ["customer_unique_id", "customer_zip_code_prefix", "customer_city", "customer_state"],
        )
    }
    items = one_row_a_key(
        read_rows(folder / f"{ITEMS}.csv"),
        ["order_id", "order_item_id"],
        ["product_id", "seller_id", "shipping_limit_date", "price", "freight_value"],
    )
    payments = one_row_a_key(
        read_rows(folder / f"{PAYMENTS}.csv"),
        ["order_id", "payment_sequential"],
        ["payment_type", "payment_installments", "payment_value"],
    )
    reviews = one_row_a_key(
        read_rows(folder / f"{REVIEWS}.csv"),
        ["review_id", "order_id"],
        [
            "review_answer_timestamp",
            "review_score",
            "review_creation_date",
            "review_comment_title",
            "review_comment_message",
        ],
    )
    spent: dict[str, Decimal] = {}
    for item in items:
        if item["order_id"] in orders:
            amount = Decimal(item["price"]) + Decimal(item["freight_value"])
            spent[item["order_id"]] = spent.get(item["order_id"], Decimal(0)) + amount
    person_of = {order_id: persons.get(row["customer_id"]) for order_id, row in orders.items()}
    purchases = [
        order_id
        for order_id, row in orders.items()
        if order_id in spent
        and row["order_status"] not in ("canceled", "unavailable")
        and row["order_purchase_timestamp"]
        and person_of[order_id]
    ]
    scores = [Decimal(r["review_score"]) for r in reviews if r["order_id"] in orders and r["review_score"]]
    known = [o for o in purchases if orders[o]["order_purchase_timestamp"][:10] <= until]
    return {
        "orders": Decimal(len(orders)),
        "items and freight": sum(spent.values(), Decimal(0)),
        "payments": sum((Decimal(p["payment_value"]) for p in payments if p["order_id"] in orders), Decimal(0)),
        "reviews": Decimal(len(scores)),
        "scores": sum(scores, Decimal(0)),
        "customers": Decimal(len({person for person in person_of.values() if person})),
        "spend of customers": sum((spent[o] for o in purchases), Decimal(0)),
        "customers with features": Decimal(len({person_of[o] for o in known})),
        "spend in features": sum((spent[o] for o in known), Decimal(0)),
        "orders in features": Decimal(len(known)),
    }


def totals_of_tables(project: Project) -> tuple[dict[str, Decimal], str]:
    """The same sums from the built tables, and the date that features are known at."""
    (orders,) = project.query(
        "select count(*), sum(item_total) + sum(freight_total), sum(payment_total), sum(review_count), "
        "coalesce(sum(review_count * review_score), 0) from orders"
    )
    (customers,) = project.query("select count(*), coalesce(sum(total_spend), 0) from customers")
    (features,) = project.query(
        "select count(*), coalesce(sum(total_spend), 0), coalesce(sum(order_count), 0) from customer_features"
    )
    ((until,),) = project.query("select coalesce(max(as_of_date)::varchar, '') from as_of_dates")
    names = ["orders", "items and freight", "payments", "reviews", "scores", "customers", "spend of customers"]
    names += ["customers with features", "spend in features", "orders in features"]
    values = [Decimal(str(value)) for value in (*orders, *customers, *features)]
    return {name: round(value, 2) for name, value in zip(names, values, strict=True)}, until


def assert_totals_tie(project: Project) -> None:
    built, until = totals_of_tables(project)
    assert built == totals_of_files(project.folder, until)
