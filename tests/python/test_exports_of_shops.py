"""Exports of Shopify and WooCommerce on a few rows: refunds, cancelled and test orders, and what is refused."""

from __future__ import annotations

import csv
import io
import re
import shutil
from decimal import Decimal
from pathlib import Path

import pytest
from dbt_here import PROJECT
from faults import Project, RunnerOf
from olist_segments.cli import main
from olist_segments.connectors.definition import connector_names

STAGED = ("stg_olist__orders", "stg_olist__order_items", "stg_olist__customers")
ORDER = {
    "Email": "ann@mail.example",
    "Financial Status": "paid",
    "Paid at": "2024-05-01 10:05:00 +0200",
    "Currency": "EUR",
    "Shipping": "5.00",
    "Total": "35.00",
    "Created at": "2024-05-01 10:00:00 +0200",
    "Cancelled at": "",
    "Refunded Amount": "0.00",
    "Payment Method": "Shopify Payments",
    "Tags": "",
}
LINE = {"Lineitem quantity": "1", "Lineitem name": "Tee", "Lineitem price": "10.00", "Lineitem sku": "TEE"}
HEADER = ["Name", *ORDER, *LINE]
Row = dict[str, str]


def order(name: str, *lines: Row, **fields: str) -> list[Row]:
    """The rows of a Shopify order; _ stands for a space in names. Only the first row knows what is the order's."""
    told = ORDER | {key.replace("_", " "): value for key, value in fields.items()}
    first, *others = [LINE | line for line in lines] or [LINE]
    return [{"Name": name} | told | first, *({"Name": name, "Email": told["Email"]} | line for line in others)]


def text_of(rows: list[Row], header: list[str] | None = None) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, header or HEADER, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


@pytest.fixture
def shop(runner_of: RunnerOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """An empty folder, to be read as that of a Shopify shop."""
    monkeypatch.setenv("OLIST_CONNECTOR", "shopify")
    monkeypatch.setenv("OLIST_ID_SALT", "the salt of these tests")
    return Project(runner_of, tmp_path)


def items(project: Project) -> dict[tuple[str, int], tuple[Decimal | int, Decimal | int, int]]:
    """Order and line → price, freight, units."""
    found = project.query(
        "select order_id, cast(order_item_id as integer), cast(price as decimal(18, 2)), "
        "cast(freight_value as decimal(18, 2)), cast(quantity as integer) from raw.olist_order_items_dataset"
    )
    return {(name, number): (price, freight, quantity) for name, number, price, freight, quantity in found}


def counted(project: Project) -> dict[str, tuple[str, int]]:
    """Rule → breach and rows, as the connector counts them."""
    found = project.query("select rule_name, breach, affected_rows from raw.input_counts")
    return {rule: (breach, rows) for rule, breach, rows in found}


def test_lines_share_what_is_left_behind_freight_and_refunds(shop: Project) -> None:
    two, three = LINE | {"Lineitem quantity": "2"}, LINE | {"Lineitem price": "3.33", "Lineitem sku": "CAP"}
    shop.write(
        "orders_export_1",
        text_of(
            [
                # Prices add up to the total.
                *order("#1", two, LINE, Total="35.00"),
                # A discount of 10.00 on the whole order.
                *order("#2", two, LINE, Total="25.00"),
                # 10.00 of 35.00 came back.
                *order("#3", two, LINE, Refunded_Amount="10.00", Financial_Status="partially_refunded"),
                # Cents that can't be shared evenly: the largest line takes what is left.
                *order("#4", LINE, three, three, Total="15.01", Shipping="5.00"),
                # Lines that cost nothing share alike; what was paid for is freight first.
                *order("#5", LINE | {"Lineitem price": "0"}, LINE | {"Lineitem price": "0"}, Total="4.00"),
                # More refunded than the lines are worth: freight is refunded as well.
                *order("#6", Refunded_Amount="33.00", Total="35.00", Financial_Status="partially_refunded"),
            ]
        ),
    )
    ran = shop.run(*STAGED)
    assert ran.success, ran.log
    amounts = items(shop)
    assert amounts["#1", 1] == (Decimal("20.00"), Decimal("5.00"), 2)
    assert amounts["#1", 2] == (Decimal("10.00"), Decimal("0.00"), 1)
    assert [amounts["#2", line][0] for line in (1, 2)] == [Decimal("13.34"), Decimal("6.66")]
    assert [amounts["#3", line][0] for line in (1, 2)] == [Decimal("13.34"), Decimal("6.66")]
    # 10.01 over 10.00, 3.33, 3.33.
    assert [amounts["#4", line][0] for line in (1, 2, 3)] == [Decimal("6.01"), Decimal("2.00"), Decimal("2.00")]
    assert [amounts["#5", line][:2] for line in (1, 2)] == [(0, Decimal("4.00")), (0, 0)]
    assert amounts["#6", 1][:2] == (0, Decimal("2.00"))
    assert counted(shop)["refunded_in_part"] == ("an order of which a part was refunded, 43.00 in all", 2)


def test_what_becomes_of_an_order(shop: Project) -> None:
    shop.write(
        "orders_export",
        text_of(
            [
                *order("#1"),
                *order("#2", Financial_Status="refunded", Refunded_Amount="35.00"),
                *order("#3", Financial_Status="partially_refunded", Refunded_Amount="35.00"),
                *order("#4", Financial_Status="voided"),
                *order("#5", Cancelled_at="2024-05-02 09:00:00 +0200"),
                *order("#6", Financial_Status="pending"),
                *order("#7", Email=""),
                *order("#8", Payment_Method="bogus"),
                *order("#9", Tags="vip, test"),
                *order("#10", Tags="contest"),
                *order("#11", Email="Shop@Example.com"),
                *order("#12", Email=" Ann@Mail.Example "),
            ]
        ),
    )
    ran = shop.run(*STAGED)
    assert ran.success, ran.log
    statuses = dict(shop.query("select order_id, order_status from stg_olist__orders"))
    assert statuses == {
        "#1": "approved",
        "#2": "refunded",
        "#3": "refunded",
        "#4": "canceled",
        "#5": "canceled",
        "#6": "created",
        "#10": "approved",
        "#12": "approved",
    }
    # A cancelled order keeps its amount, and an address is the same however it is written.
    assert items(shop)["#5", 1][0] == Decimal("30.00")
    assert len(shop.query("select distinct customer_unique_id from stg_olist__customers")) == 1
    found = counted(shop)
    assert found["no_customer"] == ("an order without an e-mail address, 35.00 in all", 1)
    assert found["refunded_order"] == ("an order that was refunded in full, 70.00 in all", 2)
    assert [found[rule][1] for rule in ("test_order", "cancelled_order", "payment_outstanding")] == [3, 2, 1]
    # The time on the shop's clock.
    assert str(shop.query("select min(purchased_at) from stg_olist__orders")[0][0]) == "2024-05-01 10:00:00"


SHOPIFY_FAULTS = {
    "an order in two files": (
        {"orders_export_1": order("#1") + order("#2"), "orders_export_2": order("#2") + order("#3")},
        "orders_export_1.csv, row 2: order #2 is in orders_export_2.csv as well",
    ),
    "a sorted file": (
        {"orders_export": [order("#1", LINE, LINE)[0], *order("#2"), order("#1", LINE, LINE)[1]]},
        "orders_export.csv, row 1: the rows of order #1 do not stand together",
    ),
    "a first row without what is the order's": (
        {"orders_export": [*order("#1"), *reversed(order("#2", LINE, LINE))]},
        "orders_export.csv, row 2: order #2 has no Financial Status in its first row",
    ),
    "an unknown status": (
        {"orders_export": order("#1") + order("#2", Financial_Status="disputed")},
        "orders_export.csv, row 2: the Financial Status 'disputed' of order #2 is not known",
    ),
    "a date that a spreadsheet wrote": (
        {"orders_export": order("#1", Created_at="5/1/24 10:00")},
        "orders_export.csv, row 1: Created at '5/1/24 10:00' is not written like",
    ),
    "an amount with a comma": (
        {"orders_export": order("#1", Total="1.250,50")},
        "orders_export.csv, row 1: Total '1.250,50' is not an amount",
    ),
    "a price that is none": (
        {"orders_export": order("#1", LINE, LINE | {"Lineitem price": "ten"})},
        "orders_export.csv, row 2: Lineitem price 'ten' is not an amount",
    ),
    "two currencies": (
        {"orders_export": order("#1") + order("#2", Currency="USD")},
        "hold 2 currencies (EUR, USD)",
    ),
    "no order that is a purchase": (
        {"orders_export": order("#1", Financial_Status="voided")},
        "No order in the folder",
    ),
}


@pytest.mark.parametrize("fault", SHOPIFY_FAULTS)
def test_shopify_files_that_are_refused(shop: Project, fault: str) -> None:
    files, sentence = SHOPIFY_FAULTS[fault]
    for name, rows in files.items():
        shop.write(name, text_of(rows))
    ran = shop.run()
    assert not ran.success
    assert sentence in ran.sentences[0], ran.sentences
    assert len(ran.sentences[0].splitlines()) == 1


def test_a_shopify_file_without_a_needed_column_is_refused_by_its_name(shop: Project) -> None:
    shop.write("orders_export", text_of(order("#1")).replace("Refunded Amount", "Refund"))
    ran = shop.run()
    assert not ran.success
    assert "orders_export.csv has no column 'Refunded Amount'" in ran.sentences[0]


WOO_ORDER = {
    "Order Number": "1",
    "Order Status": "Completed",
    "Order Date": "2024-05-01 10:00",
    "Email (Billing)": "ann@mail.example",
    "Order Shipping Amount": "5.00",
    "Order Refund Amount": "0",
    "Order Total Amount": "35.00",
    "SKU": "TEE",
    "Quantity": "2",
    "Item Cost": "15.00",
    "Currency": "EUR",
}


def exported(number: str, *lines: Row, **fields: str) -> list[Row]:
    """The rows of an order as an export plugin writes them; only the first knows the order, as one setting has it."""
    first, *others = lines or ({},)
    told = WOO_ORDER | {key.replace("_", " "): value for key, value in fields.items()}
    return [told | {"Order Number": number} | first, *others]


def analytics(number: str, net: str, **fields: str) -> Row:
    row = {
        "Date": "2024-05-01 10:00:00",
        "Order #": number,
        "Status": "completed",
        "Customer": "Ann Example",
        "Items sold": "1",
        "Net Sales": net,
    }
    return row | {key.replace("_", " "): value for key, value in fields.items()}


@pytest.fixture
def woo(shop: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("OLIST_CONNECTOR", "woocommerce")
    return shop


def woo_text(rows: list[Row]) -> str:
    return text_of(rows, list(WOO_ORDER) if "SKU" in rows[0] else list(rows[0]))


def test_an_export_plugins_orders(woo: Project) -> None:
    cap = {"SKU": "CAP", "Quantity": "1", "Item Cost": "10.00"}
    woo.write(
        "orders-24-05-31",
        woo_text(
            [
                *exported("1", {"Item Cost": "10.00"}, cap),
                *exported("2", Order_Status="wc-on-hold", Order_Refund_Amount="-3.00"),
                *exported("3", Order_Status="Refunded"),
                *exported("4", Order_Status="wc-cancelled"),
                *exported("5", Order_Status="Pending payment"),
                *exported("6", {"SKU": "", "Quantity": "", "Item Cost": ""}, Order_Status="processing"),
                *exported("7", **{"Email (Billing)": ""}),
                *exported("8", **{"Email (Billing)": "me@example.com"}),
            ]
        ),
    )
    ran = woo.run(*STAGED)
    assert ran.success, ran.log
    assert dict(woo.query("select order_id, order_status from stg_olist__orders")) == {
        "1": "shipped",
        "2": "created",
        "3": "refunded",
        "4": "canceled",
        "5": "unavailable",
        "6": "processing",
    }
    amounts = items(woo)
    assert [amounts["1", line] for line in (1, 2)] == [(20, 5, 2), (10, 0, 1)]
    assert amounts["2", 1] == (27, 5, 2)
    # An order of which the file names no line is one line.
    assert amounts["6", 1] == (30, 5, 1)
    found = counted(woo)
    rules = (
        "refunded_in_part",
        "refunded_order",
        "cancelled_order",
        "payment_outstanding",
        "no_customer",
        "test_order",
    )
    assert [found[rule][1] for rule in rules] == [1] * 6
    assert woo.query("select currency from raw.shop") == [("EUR",)]


def test_analytics_orders_know_customers_by_name_and_refunds_as_rows(woo: Project) -> None:
    woo.write(
        "orders_2024-05-31_page-1",
        woo_text(
            [
                analytics("1", "30", Items_sold="3"),
                analytics("2", "5", Customer="ann example "),
                analytics("3", "9", Customer="Bo"),
                # Money back on the freight alone, which net sales don't hold.
                analytics("3", "0", Customer="Bo", Items_sold="0", Date="2024-05-02 10:00:00"),
                analytics("4", "8", Customer=""),
            ]
        ),
    )
    woo.write(
        "orders_2024-06-30_page-1",
        woo_text(
            [
                analytics("1", "-10", Items_sold="-1", Date="2024-06-02 10:00:00"),
                analytics("99", "-7", Customer="Cy", Items_sold="-1"),
            ]
        ),
    )
    ran = woo.run(*STAGED)
    assert ran.success, ran.log
    assert items(woo) == {("1", 1): (20, 0, 3), ("2", 1): (5, 0, 1), ("3", 1): (9, 0, 1)}
    assert len(woo.query("select distinct customer_unique_id from stg_olist__customers")) == 2
    found = counted(woo)
    assert [found[rule][1] for rule in ("customer_known_by_name_only", "refund_without_order", "no_customer")] == [
        4,
        1,
        1,
    ]


WOO_FAULTS: dict[str, tuple[dict[str, list[Row]], str]] = {
    "both kinds of file": (
        {"orders-1": exported("1"), "orders_1": [analytics("1", "30")]},
        "There is an order export and a file of WooCommerce Analytics",
    ),
    "an order in two files": (
        {"orders-1": exported("1"), "orders-2": exported("2") + exported("1")},
        "orders-1.csv, row 1: order 1 is in orders-2.csv as well",
    ),
    "an Analytics row in two files": (
        {"orders_1": [analytics("1", "30")], "orders_2": [analytics("1", "30")]},
        "orders_1.csv, row 1: order 1 is in orders_2.csv as well",
    ),
    "a status of a plugin": (
        {"orders-1": exported("1", Order_Status="wc-in-print")},
        "orders-1.csv, row 1: the status 'wc-in-print' of order 1 is not known",
    ),
    "a date of another order": (
        {"orders-1": exported("1", Order_Date="31.05.2024")},
        "orders-1.csv, row 1: the date '31.05.2024' is not written like",
    ),
    "a decimal comma": (
        {"orders-1": exported("1", Order_Total_Amount="35,00")},
        "orders-1.csv, row 1: the total '35,00' is not an amount",
    ),
    "two currencies": (
        {"orders-1": exported("1") + exported("2", Currency="usd")},
        "hold 2 currencies (EUR, USD)",
    ),
    "rows of one order apart": (
        {"orders-1": exported("1") + exported("2") + exported("1")},
        "orders-1.csv, row 1: the rows of order 1 do not stand together",
    ),
}


@pytest.mark.parametrize("fault", WOO_FAULTS)
def test_woocommerce_files_that_are_refused(woo: Project, fault: str) -> None:
    files, sentence = WOO_FAULTS[fault]
    for name, rows in files.items():
        woo.write(name, woo_text(rows))
    ran = woo.run()
    assert not ran.success
    assert sentence in ran.sentences[0], ran.sentences
    assert len(ran.sentences[0].splitlines()) == 1


def test_two_names_for_one_column_and_a_file_without_it(woo: Project) -> None:
    rows = exported("1")
    woo.write("orders-1", woo_text(rows).replace("Order Total Amount", "order_total"))
    assert woo.run().success
    woo.write("orders-1", woo_text(rows).replace("Order Total Amount", "Sum"))
    ran = woo.run()
    assert not ran.success
    assert "orders-1.csv has no column 'Order Total Amount' or 'order_total'" in ran.sentences[0]


def test_the_page_writes_a_connector_that_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (PROJECT / "docs" / "connectors.md").read_text(encoding="utf-8")
    project = tmp_path / "project"
    (project / "models" / "staging").mkdir(parents=True)
    shutil.copytree(PROJECT / "connectors" / "olist", project / "connectors" / "olist")
    for name in ("dbt_project.yml", "models/staging/_olist__sources.yml"):
        shutil.copy(PROJECT / name, project / name)
    monkeypatch.chdir(project)
    assert main(["connector", "new", "teeladen"]) == 0
    written = re.findall(r"`(connectors/teeladen/[a-z_.]+)`:\n\n```\w+\n(.*?)```", page, flags=re.S)
    assert len(written) == 4
    for name, text in written:
        (project / name).write_text(text, encoding="utf-8")
    (export,) = re.findall(r"```\n(Bestellnummer;.*?)```", page, flags=re.S)
    (tmp_path / "bestellungen_2024.csv").write_text(export, encoding="utf-8")
    (tmp_path / "suppressed_customers.csv").write_text("customer_unique_id\n", encoding="utf-8")
    capsys.readouterr()
    assert main(["connector", "check", "teeladen", "--data", str(tmp_path)]) == 0
    (shown,) = re.findall(r"It prints [^`]*, and\n\n```\n(.*?)```", page, flags=re.S)
    assert shown in capsys.readouterr().out


def test_the_page_names_every_connector_and_each_has_a_page_of_its_own() -> None:
    page = (PROJECT / "docs" / "connectors.md").read_text(encoding="utf-8")
    for name in connector_names(PROJECT):
        assert re.search(rf"^\| \[?`{name}`", page, flags=re.M), name
        assert (PROJECT / "connectors" / name / "README.md").is_file()
