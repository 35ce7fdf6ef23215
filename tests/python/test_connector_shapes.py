"""The generated marketplace in the shape of other shops gives the core tables that the nine files give.

Orders are matched by their number, which is their place in time, and customers by the hash of what the shop knows them
by. What a format does not know is not compared: KNOWN lists what it knows.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd
import pytest
from conftest import made_once
from olist_segments.connectors import input_layer
from olist_segments.errors import UserError
from olist_segments.generator import Settings, generate
from olist_segments.generator.shapes import SHAPE_NAMES
from warehouses import Warehouse

ORDERS = 600
# A marketplace of this size in which every kind of order occurs; the tests say so.
SEED = 3
SALT = "the salt of these tests"
# By their files: metrics have names like theirs.
CORE = ("run", "--select", "+path:models/core/purchases.sql", "+path:models/core/customers.sql")

_MONEY = ["item_total", "freight_total", "order_total"]
_PLACE = ["zip_code_prefix", "city", "state"]
# Columns of `orders` that a format knows, beside customer and time, which all know.
KNOWN = {
    "shopify": [
        *_PLACE,
        "is_valid_purchase",
        "approved_at",
        "handed_to_carrier_at",
        "purchase_date",
        "item_count",
        "seller_count",
        *_MONEY,
    ],
    "woocommerce": [
        *_PLACE,
        "is_valid_purchase",
        "approved_at",
        "purchase_date",
        "item_count",
        "seller_count",
        *_MONEY,
    ],
}


def hashed(text: str) -> str:
    return hashlib.sha256(f"{SALT}|{text.strip().lower()}".encode()).hexdigest()[:32]


@pytest.fixture(scope="module")
def nine(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The core tables of the nine files."""

    def make(home: Path) -> None:
        generate(Settings(ORDERS, SEED), home / "files")
        Warehouse(home).dbt(*CORE, data=home / "files")

    return Warehouse(made_once(tmp_path_factory, "nine", make))


def mapped(name: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """The core tables of the marketplace in the shape of the connector `name`."""
    monkeypatch.setenv("OLIST_CONNECTOR", name)
    monkeypatch.setenv("OLIST_ID_SALT", SALT)
    generate(Settings(ORDERS, SEED), home / "files", shape=name)  # type: ignore[arg-type]
    warehouse = Warehouse(home)
    warehouse.dbt(*CORE, data=home / "files")
    return warehouse


def orders_of_nine(nine: Warehouse) -> pd.DataFrame:
    """Orders with the number that the shapes give them."""
    return nine.query(
        "select row_number() over (order by purchased_at, order_id) as number, * from orders order by number"
    )


@pytest.mark.parametrize("name", KNOWN)
def test_a_shop_gives_the_core_tables_of_the_nine_files(
    name: str, nine: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = mapped(name, tmp_path, monkeypatch)
    theirs = shop.query(
        "select cast(replace(order_id, '#', '') as integer) - 1000 as number, * from orders order by number"
    )
    ours = orders_of_nine(nine)
    ours["customer_unique_id"] = [hashed(f"{person}@mail.example") for person in ours["customer_unique_id"]]
    columns = ["number", "customer_unique_id", "purchased_at", *KNOWN[name]]
    pd.testing.assert_frame_equal(theirs[columns], ours[columns], check_dtype=False)

    purchases = ours[ours["is_valid_purchase"]]
    theirs = shop.query(
        "select cast(replace(order_id, '#', '') as integer) - 1000 as number, * from purchases order by number"
    )
    columns.remove("is_valid_purchase")
    pd.testing.assert_frame_equal(theirs[columns], purchases[columns].reset_index(drop=True), check_dtype=False)

    customers = nine.query("select * from customers")
    customers["customer_unique_id"] = [hashed(f"{person}@mail.example") for person in customers["customer_unique_id"]]
    pd.testing.assert_frame_equal(
        shop.query("select * from customers order by customer_unique_id"),
        customers.sort_values("customer_unique_id").reset_index(drop=True),
        check_dtype=False,
    )
    # Nothing that names a person is stored.
    stored = shop.query("select count(*) from raw.olist_customers_dataset where customer_unique_id like '%@%'")
    assert stored.iloc[0, 0] == 0


@pytest.mark.parametrize("name", KNOWN)
def test_all_the_dirt_of_a_format_is_there_and_counted(
    name: str, nine: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = mapped(name, tmp_path, monkeypatch)
    counted = shop.query("select rule_name, affected_rows from raw.input_counts").set_index("rule_name")[
        "affected_rows"
    ]
    for rule in ("cancelled_order", "refunded_order", "refunded_in_part", "test_order", "no_customer"):
        assert counted[rule] > 0, rule
    lost = shop.query("select count(*) from orders where order_status in ('canceled', 'refunded', 'unavailable')")
    assert counted["cancelled_order"] + counted["refunded_order"] <= lost.iloc[0, 0]
    assert shop.query("select max(cast(quantity as integer)) as most from raw.olist_order_items_dataset")["most"][0] > 1
    assert shop.query("select count(*) as several from stg_olist__order_items where order_item_number > 1").iloc[0, 0]
    assert shop.query("select currency from raw.shop").iloc[0, 0] == "BRL"


def test_invoices_give_the_purchases_of_the_nine_files(
    nine: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = mapped("invoices", tmp_path, monkeypatch)
    numbers = customer_numbers(nine)
    ours = orders_of_nine(nine)
    ours = ours[ours["is_valid_purchase"]].reset_index(drop=True)
    ours["customer_unique_id"] = ours["customer_unique_id"].map(numbers)
    theirs = shop.query("select cast(order_id as integer) - 536000 as number, * from purchases order by number")
    columns = ["number", "customer_unique_id", "purchased_at", "item_count", *_MONEY]
    pd.testing.assert_frame_equal(theirs[columns], ours[columns], check_dtype=False)


def test_transactions_give_the_days_and_amounts_of_the_nine_files(
    nine: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = mapped("transactions", tmp_path, monkeypatch)
    columns = ["customer_unique_id", "purchase_date", "order_total"]
    ours = nine.query("select * from purchases")
    ours["customer_unique_id"] = ours["customer_unique_id"].map(customer_numbers(nine))
    pd.testing.assert_frame_equal(
        shop.query("select * from purchases").sort_values(columns)[columns].reset_index(drop=True),
        ours.sort_values(columns)[columns].reset_index(drop=True),
        check_dtype=False,
    )


def customer_numbers(nine: Warehouse) -> dict[str, str]:
    """Customer → the number that invoices and transactions call them by."""
    people = nine.query("select distinct customer_unique_id from stg_olist__customers order by customer_unique_id")
    return {person: str(12346 + rank) for rank, person in enumerate(people["customer_unique_id"])}


@pytest.mark.parametrize("name", SHAPE_NAMES)
def test_the_same_marketplace_has_the_same_bytes_in_each_shape(name: str, tmp_path: Path) -> None:
    for home in ("one", "two"):
        generate(Settings(300), tmp_path / home, threads=1 if home == "one" else 3, shape=name)  # type: ignore[arg-type]
    contents = [{path.name: path.read_bytes() for path in (tmp_path / home).iterdir()} for home in ("one", "two")]
    assert contents[0] == contents[1]
    assert "planted_segments.csv" in contents[0]
    # What was generated before, in any shape, is replaced.
    generate(Settings(10), tmp_path / "one")
    assert not set(contents[0]) - {"planted_segments.csv"} & {path.name for path in (tmp_path / "one").iterdir()}


def test_a_shape_is_not_written_as_parquet(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a shop of this kind exports CSV"):
        generate(Settings(10), tmp_path / "made", "parquet", shape="shopify")


def test_the_page_on_the_input_layer_is_what_the_sources_declare() -> None:
    written = input_layer.PAGE.read_text(encoding="utf-8")
    assert written == input_layer.current_page(), "run python -m olist_segments.connectors.input_layer"
