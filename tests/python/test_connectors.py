"""Connectors: what their folders may hold, which files they read, what is refused, and that no address is stored."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from olist_segments.cli import main
from olist_segments.connectors.command import declared_tables
from olist_segments.connectors.definition import Connector, read_connector
from olist_segments.connectors.duckdb_inputs import DuckDBInputs
from olist_segments.connectors.load import load_shop
from olist_segments.connectors.salt import FILE, customer_ids, site_salt
from olist_segments.errors import UserError
from olist_segments.loading.duckdb_files import DuckDBFiles
from warehouses import PROJECT

SALT = "a salt for tests, and for nothing else"
HEADER = "order,date,email,status,product,quantity,amount"
LINES = [
    HEADER,
    "1,2024-01-05,ann@mail.example,paid,P1,2,20.00",
    "1,2024-01-05,ann@mail.example,paid,P2,1,5.50",
    "2,2024-01-06T10:30:00,Bob@mail.example,paid,P1,1,10.00",
    "3,2024-02-07 11:00,bob@MAIL.example ,refunded,P1,1,10.00",
]


class Shop:
    """A project of one connector made from the template, a folder of files, and a warehouse on disk."""

    def __init__(self, home: Path) -> None:
        self.project = home / "project"
        (self.project / "connectors").mkdir(parents=True)
        shutil.copy(PROJECT / "dbt_project.yml", self.project)
        sources = self.project / "models" / "staging" / "_olist__sources.yml"
        sources.parent.mkdir(parents=True)
        shutil.copy(PROJECT / "models" / "staging" / sources.name, sources)
        shutil.copytree(PROJECT / "connectors" / "olist", self.project / "connectors" / "olist")
        self.files = home / "files"
        self.files.mkdir()
        self.warehouse = home / "warehouse.duckdb"
        self.warned: list[str] = []

    @property
    def folder(self) -> Path:
        return self.project / "connectors" / "my_shop"

    def write(self, *lines: str, name: str = "export.csv", encoding: str = "utf-8") -> None:
        (self.files / name).write_text("\n".join(lines) + "\n", encoding=encoding)

    def change(self, file: str, old: str, new: str) -> None:
        text = (self.folder / file).read_text(encoding="utf-8")
        assert old in text
        (self.folder / file).write_text(text.replace(old, new), encoding="utf-8")

    def connector(self) -> Connector:
        return read_connector(self.project, "my_shop")

    def load(self, connector: Connector | None = None) -> None:
        with duckdb.connect(str(self.warehouse)) as connection:
            files = DuckDBFiles(lambda statement: connection.execute(statement).fetchall())
            load_shop(
                DuckDBInputs(files, connection),
                connector or self.connector(),
                declared_tables(PROJECT),
                str(self.files),
                lambda: SALT,
                ["canceled", "unavailable", "refunded"],
                self.warned.append,
            )

    def refusal(self) -> str:
        with pytest.raises(UserError) as refused:
            self.load()
        return str(refused.value)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            return connection.execute(query).fetchall()

    def tables(self) -> list[str]:
        return [name for (name,) in self.rows("select table_name from information_schema.tables order by 1")]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    for name in ("OLIST_ID_SALT", "OLIST_CURRENCY", "OLIST_TIME_ZONE", "OLIST_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    made = Shop(tmp_path)
    monkeypatch.chdir(made.project)
    assert main(["connector", "new", "my_shop"]) == 0
    made.write(*LINES)
    return made


def test_the_template_maps_its_own_columns(shop: Shop) -> None:
    shop.load()
    orders = shop.rows(
        "select order_id, order_status, order_purchase_timestamp from raw.olist_orders_dataset order by 1"
    )
    assert orders == [
        ("1", "paid", "2024-01-05 00:00:00"),
        ("2", "paid", "2024-01-06 10:30:00"),
        ("3", "refunded", "2024-02-07 11:00:00"),
    ]
    items = shop.rows(
        "select order_id, order_item_id, quantity, price from raw.olist_order_items_dataset order by 1, 2"
    )
    assert items[:2] == [("1", "1", "2", "20.00"), ("1", "2", "1", "5.50")]
    assert shop.rows("select count(*) from raw.olist_order_reviews_dataset") == [(0,)]
    assert shop.rows("select connector, currency, time_zone, country from raw.shop") == [("my_shop", None, None, None)]
    known = dict(shop.rows("select table_name || '.' || column_name, known_count from raw.input_columns"))
    assert known["olist_orders_dataset.order_id"] == 3
    assert known["olist_order_reviews_dataset.review_score"] == 0
    provided = dict(shop.rows("select distinct table_name, is_provided from raw.input_columns"))
    assert provided["olist_products_dataset"]
    assert not provided["olist_sellers_dataset"]


def test_no_address_is_stored_and_its_id_is_that_of_the_command(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.load()
    ids = dict(shop.rows("select customer_id, customer_unique_id from raw.olist_customers_dataset"))
    assert ids["2"] == ids["3"] != ids["1"]
    stored = shop.warehouse.read_bytes().lower()
    assert b"mail.example" not in stored
    assert SALT.encode() not in stored

    monkeypatch.setenv("OLIST_ID_SALT", SALT)
    capsys.readouterr()
    assert main(["connector", "id", "BOB@mail.example", "ann@mail.example"]) == 0
    assert capsys.readouterr().out.split() == [ids["2"], ids["1"]]


@pytest.mark.parametrize(
    ("column", "sql"),
    [("customer_id", "max(email) as customer_id"), ("customer_unique_id", "order_number as customer_id")],
)
def test_addresses_that_would_be_stored_as_they_are_are_refused(shop: Shop, column: str, sql: str) -> None:
    shop.change("customers.sql", "order_number as customer_id", sql)
    if column == "customer_unique_id":
        shop.change("connector.yml", "customer_ids: hashed", "customer_ids: kept")
    assert shop.refusal() == (
        f"Connector my_shop, customers.sql, column {column}: it holds e-mail addresses, which are not stored: set "
        "customer_ids: hashed in connector.yml, and give each order's own id as customer_id."
    )
    assert shop.tables() == []
    assert b"mail.example" not in shop.warehouse.read_bytes().lower()


def test_a_site_keeps_one_salt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OLIST_ID_SALT", raising=False)
    made, is_new = site_salt(tmp_path)
    assert is_new
    assert site_salt(tmp_path) == (made, False)
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    assert customer_ids(made, ["x"]) != customer_ids(SALT, ["x"])
    monkeypatch.setenv("OLIST_ID_SALT", "short")
    with pytest.raises(UserError, match="shorter than 16 characters"):
        site_salt(tmp_path)


def _as_parquet(frame: pd.DataFrame, folder: Path) -> str:
    # pandas makes floats of whole numbers with gaps.
    floats = frame.assign(order=frame["order"].astype(float))
    with duckdb.connect() as connection:
        connection.register("floats", floats)
        connection.execute(f"copy (from floats) to '{folder / 'export.parquet'}' (format parquet)")
    return "export.parquet"


def _as_json(frame: pd.DataFrame, folder: Path) -> str:
    frame.to_json(folder / "export.json", orient="records", lines=True)
    return "export.json"


def _as_sheet(frame: pd.DataFrame, folder: Path) -> str:
    frame.assign(order=frame["order"].astype(int), amount=frame["amount"].astype(float)).to_excel(
        folder / "export.xlsx", index=False
    )
    return "export.xlsx"


def _as_sqlite(frame: pd.DataFrame, folder: Path) -> str:
    connection = sqlite3.connect(folder / "export.sqlite")
    frame.to_sql("sales", connection, index=False)
    connection.close()
    return "export.sqlite"


def _as_duckdb(frame: pd.DataFrame, folder: Path) -> str:
    with duckdb.connect(str(folder / "export.duckdb")) as connection:
        connection.register("frame", frame)
        connection.execute("create table sales as select * from frame")
    return "export.duckdb"


def _as_semicolons(frame: pd.DataFrame, folder: Path) -> str:
    frame.to_csv(folder / "export.csv", index=False, sep=";", encoding="latin-1")
    return "export.csv"


def _as_spaced(frame: pd.DataFrame, folder: Path) -> str:
    rows = [" ".join(frame.columns), *("  ".join(row) for row in frame.itertuples(index=False))]
    (folder / "export.txt").write_text("\n".join(f" {row} " for row in rows) + "\n", encoding="utf-8")
    return "export.txt"


@pytest.mark.parametrize(
    ("write", "options"),
    [
        (_as_parquet, ""),
        (_as_json, ""),
        (_as_sheet, ""),
        (_as_sqlite, "table: sales"),
        (_as_duckdb, "table: sales"),
        (_as_semicolons, "encoding: latin-1"),
        (_as_spaced, ""),
    ],
)
def test_other_formats_give_the_same_tables(
    shop: Shop, write: Callable[[pd.DataFrame, Path], str], options: str
) -> None:
    tables = ("olist_orders_dataset", "olist_order_items_dataset", "olist_customers_dataset")
    shop.write(*(line.replace("2024-02-07 11:00", "2024-02-07T11:00").replace("e ,", "e,") for line in LINES))
    shop.load()
    expected = {table: shop.rows(f"from raw.{table} order by all") for table in tables}
    frame = pd.read_csv(shop.files / "export.csv", dtype=str)
    (shop.files / "export.csv").unlink()

    name = write(frame, shop.files)
    delimiter = {"export.csv": '";"', "export.txt": "whitespace"}.get(name, '","')
    shop.change("connector.yml", 'files: ["*.csv"]', f'files: ["{name}"]\n    {options}')
    shop.change("connector.yml", 'delimiter: ","', f"delimiter: {delimiter}")
    shop.load()

    found = {table: shop.rows(f"from raw.{table} order by all") for table in tables}
    for items in (expected, found):
        items["olist_order_items_dataset"] = [
            tuple(Decimal(value) if place == 6 else value for place, value in enumerate(row))
            for row in items["olist_order_items_dataset"]
        ]
    assert found == expected


def test_several_files_are_one_input_and_others_are_told(shop: Shop) -> None:
    shop.write(HEADER, LINES[1], LINES[2])
    shop.write(f"{HEADER},colour", f"{LINES[3]},red", name="later.csv")
    shop.write("nothing", name="notes.txt")
    shop.write("customer_unique_id", name="suppressed_customers.csv")
    shop.change("connector.yml", '"*.csv"', '"export.csv", "later.csv"')
    shop.load()
    assert shop.rows("select count(*) from raw.olist_orders_dataset") == [(2,)]
    assert shop.warned == ["notes.txt: connector my_shop does not read this file."]


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (
            ["order,date,status,product,quantity,amount", "1,2024-01-05,paid,P1,1,1"],
            "export.csv has no column 'email' (its header reads: order, date, status, product, quantity, amount): "
            "export it again with that column, or write the name that the file uses into "
            "connectors/my_shop/connector.yml.",
        ),
        (
            [HEADER, "1,soon,ann@mail.example,paid,P1,1,10.00"],
            "Connector my_shop, orders.sql, row 1 (order_id 1), column order_purchase_timestamp: 'soon' is not a "
            "timestamp of the years 1990 to 2099: write it as YYYY-MM-DD HH:MM:SS.",
        ),
        (
            [HEADER, "1,2024-01-05,ann@mail.example,paid,P1,1,-10.00"],
            "Connector my_shop, order_items.sql, row 1 (order_id 1), column price: '-10.00' is not an amount of money "
            "from 0 to 10000000: write it with a point and at most two decimals, like 12.50.",
        ),
        (
            [HEADER, "1,2024-01-05,ann@mail.example,refunded,P1,1,10.00"],
            "is a purchase, one with a date, an item, a customer and a status other than canceled or unavailable or "
            "refunded: there is nobody to segment",
        ),
        (
            [HEADER, "1,2024-01-05,,paid,P1,1,10.00"],
            "Connector my_shop, orders.sql gives no rows of the 1 that the files hold: they are left out (order line "
            "without customer: 1).",
        ),
        (
            [HEADER, LINES[1], "1,2024-01-05,ann@mail.example,paid"],
            "export.csv, line 3: the row has more or fewer fields than the header, or a quote in it never ends",
        ),
        (
            [HEADER, "1,2024-01-05,ann@mail.example,piad,P1,1,10.00"],
            "Connector my_shop: order 1 has the status 'piad', which no condition of connector.yml names: add it to",
        ),
        ([HEADER.replace(",", ";")], "export.csv separates its columns by semicolons: write that delimiter into"),
        (
            [HEADER, "1,2024-01-05,x,paid,P1,1,ann@mail.example"],
            'Connector my_shop, order_items.sql: Conversion Error: Could not convert string "…@…" to DECIMAL',
        ),
        (["", HEADER], "export.csv has no header in its first line"),
    ],
)
def test_files_that_can_not_be_mapped_change_nothing(shop: Shop, lines: list[str], sentence: str) -> None:
    shop.load()
    before = shop.rows("from raw.olist_orders_dataset order by all")
    tables = shop.tables()
    shop.write(*lines)
    assert sentence in shop.refusal()
    assert shop.tables() == tables
    assert shop.rows("from raw.olist_orders_dataset order by all") == before


def test_a_spreadsheet_that_is_none_and_the_lock_of_an_open_one(shop: Shop) -> None:
    shop.change("connector.yml", '["*.csv"]', '["*.csv", "*.xlsx"]')
    shop.write("lock", name="~$export.xlsx")
    shop.load()
    shop.write("no spreadsheet", name="other.xlsx")
    assert shop.refusal() == (
        "other.xlsx can't be read: it is not a whole .xlsx file, or has no first sheet; export it again."
    )


def test_text_that_is_not_utf_8_is_told_without_its_line(shop: Shop) -> None:
    shop.write(HEADER, "1,2024-01-05,jörg@mail.example,paid,P1,1,10.00", encoding="latin-1")
    assert "the text is not UTF-8: export it again as UTF-8, or write encoding: latin-1" in shop.refusal()
    assert "mail.example" not in shop.refusal()


def test_an_order_in_two_exports_is_refused(shop: Shop) -> None:
    shop.write(HEADER, LINES[3], name="later.csv")
    assert shop.refusal() == (
        "Connector my_shop: order 2 stands in export.csv and in later.csv: keep exports that do not overlap."
    )
    assert shop.tables() == []


def test_a_missing_file_is_named_by_its_pattern(shop: Shop) -> None:
    (shop.files / "export.csv").unlink()
    assert shop.refusal() == (
        f"Connector my_shop: no file named like *.csv is in the folder '{shop.files}': put it there, or set "
        "OLIST_DATA_DIR to the folder that holds it."
    )


def test_two_currencies_are_refused_and_one_is_told(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    told = "select case when order_number = '1' then 'EUR' else 'USD' end as currency from order_lines"
    (shop.folder / "shop.sql").write_text(told, encoding="utf-8")
    assert "hold 2 currencies (EUR, USD): amounts and days that are not alike can't be added up" in shop.refusal()
    (shop.folder / "shop.sql").write_text("select 'EUR' as currency, 'Europe/Berlin' as time_zone", encoding="utf-8")
    shop.load()
    assert shop.rows("select currency, time_zone from raw.shop") == [("EUR", "Europe/Berlin")]
    monkeypatch.setenv("OLIST_CURRENCY", "euro")
    assert shop.refusal() == "OLIST_CURRENCY is 'euro': write it like EUR."


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        ("orders.sql", "order_number as order_id", "order_no as order_id", "Connector my_shop, orders.sql: "),
        (
            "orders.sql",
            "order_number as order_id",
            "order_number as id",
            "orders.sql gives a column 'id', which orders ",
        ),
        ("order_items.sql", "    0 as freight_value\n", "    1 as quantity\n", "Connector my_shop, order_items.sql"),
        (
            "orders.sql",
            "{{ cancelled }}",
            "{{ canceled }}",
            "must be one of the conditions of connector.yml (purchase,",
        ),
        (
            "orders.sql",
            "from order_lines",
            "{% include 'shared/lines.sql' %}",
            "Connector my_shop, orders.sql includes 'shared/lines.sql': there is no such file in connectors/.",
        ),
        ("connector.yml", "title:", "titel:", "connectors/my_shop/connector.yml, title: it is missing."),
        ("connector.yml", "steps: []", "steps: [lines]", "connectors/my_shop has no lines.sql: write it."),
        ("connector.yml", "steps: []", "stages: []", "stages: there is no such setting."),
        ("connector.yml", "name: my_shop", "name: other", "'other' is not the name of its folder, 'my_shop'."),
        (
            "connector.yml",
            "order_number: [order]",
            "Order Number: [order]",
            "'Order Number' can't be the name of a column",
        ),
        ("connector.yml", "conditions:", "conditions", "connectors/my_shop/connector.yml can't be read ("),
    ],
)
def test_a_bad_mapping_is_told_in_one_sentence(shop: Shop, file: str, old: str, new: str, sentence: str) -> None:
    shop.change(file, old, new)
    told = shop.refusal()
    assert sentence in told
    assert "\n" not in told
    assert not shop.warehouse.exists() or shop.tables() == []


def test_a_sql_file_that_nothing_reads_is_refused(shop: Shop) -> None:
    (shop.folder / "oders.sql").write_text("select 1", encoding="utf-8")
    assert shop.refusal() == (
        "connectors/my_shop/oders.sql is no table of the input layer: name it in the steps of connector.yml, or "
        "remove it."
    )


def test_check_tells_what_a_build_would_read(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["connector", "check", "my_shop", "--data", str(shop.files)]) == 0
    told = capsys.readouterr().out
    assert "3 orders of 2 customers from 2024-01-05 to 2024-02-07: 2 paid, 1 refunded." in told
    assert "Items and freight: 45.50." in told
    assert ["order_reviews", "-", "not", "provided"] in [line.split() for line in told.splitlines()]
    assert "Currency: not told (OLIST_CURRENCY)" in told
    assert not (shop.project / FILE).exists()

    shop.write(HEADER, "1,2024-01-05,ann@mail.example,paid,P1,none,10.00")
    assert main(["connector", "check", "my_shop", "--data", str(shop.files)]) == 2
    assert (
        "order_items.sql, row 1 (order_id 1), column quantity: 'none' is not a whole number" in capsys.readouterr().err
    )
    assert main(["connector", "new", "my_shop"]) == 2
    assert main(["connector", "new", "My Shop"]) == 2
    assert main(["connector", "check", "other", "--data", str(shop.files)]) == 2
    assert "There is no connector 'other': OLIST_CONNECTOR is one of my_shop, olist" in capsys.readouterr().err


INVOICE_LINES = [
    "InvoiceNo,StockCode,Quantity,InvoiceDate,UnitPrice,CustomerID,Country",
    # Bought twice at one price, and 3 came back: the first 2 of them, and 1 of the second 4.
    "1,MUG,2,2011-01-01 10:00:00,5.00,7,France",
    "2,MUG,4,2011-01-02 10:00:00,5.00,7,France",
    "2,POST,1,2011-01-02 10:00:00,18.00,7,France",
    "C3,MUG,-3,2011-01-03 10:00:00,5.00,7,France",
    # Another price is another article; what came back before it was bought matches nothing.
    "C4,MUG,-9,2011-01-01 09:00:00,6.00,7,France",
    "5,MUG,1,2011-01-04 10:00:00,6.00,7,France",
    # Nobody's.
    "6,MUG,1,2011-01-05 10:00:00,6.00,,France",
    # Carriage alone.
    "8,POST,1,2011-01-06 10:00:00,18.00,9,Spain",
]


def test_what_came_back_lowers_the_oldest_purchases_of_an_article(shop: Shop) -> None:
    (shop.files / "export.csv").unlink()
    shop.write(*INVOICE_LINES, name="lines.csv")
    shop.load(read_connector(PROJECT, "invoices"))
    orders = dict(shop.rows("select order_id, order_status from raw.olist_orders_dataset"))
    assert orders == {
        "1": "refunded", "2": "invoiced", "C3": "canceled", "C4": "canceled", "5": "invoiced", "8": "invoiced",
    }  # fmt: skip
    items = shop.rows(
        "select order_id, product_id, quantity, price, freight_value from raw.olist_order_items_dataset order by 1"
    )
    assert items == [
        ("2", "MUG", "3", "15.00", "18.00"),
        ("5", "MUG", "1", "6.00", "0.00"),
        ("8", "POST", "1", "0.00", "18.00"),
    ]
    counts = {rule: (breach, rows) for rule, breach, rows in shop.rows(
        "select rule_name, breach, affected_rows from raw.input_counts"
    )}  # fmt: skip
    assert counts["line_lowered_by_a_return"] == (
        "a line of which units came back, all of them 15.00; credited without a purchase before it: 54.00",
        2,
    )
    assert counts["invoice_returned_whole"][1] == 1
    assert counts["invoice_line_without_customer"][1] == 1
    assert counts["credit_note_line"][1] == 2


def test_transactions_know_days_and_amounts_alone(shop: Shop) -> None:
    (shop.files / "export.csv").unlink()
    shop.write("customer,date,amount", "7,20110105,12.5", "7,2011-01-05,12.50", "8,2011-01-06,-3", "8,2011-01-07,0")
    transactions = read_connector(PROJECT, "transactions")
    shop.load(transactions)
    assert shop.rows("select order_id, order_purchase_timestamp from raw.olist_orders_dataset order by 1") == [
        ("7-2011-01-05-1", "2011-01-05 00:00:00"),
        ("7-2011-01-05-2", "2011-01-05 00:00:00"),
        ("8-2011-01-07-1", "2011-01-07 00:00:00"),
    ]
    assert shop.rows("select breach, affected_rows from raw.input_counts where rule_name like 'refund%'") == [
        ("a transaction of less than nothing, all of them -3.00", 1)
    ]
    shop.write("customer,date,amount", "7,2011-01-05,12.5", name="again.csv")
    with pytest.raises(
        UserError, match=r"customer 7 on 2011-01-05 over 12\.50 stands in again\.csv and in export\.csv"
    ):
        shop.load(transactions)
    (shop.files / "again.csv").unlink()
    shop.write("customer,date,amount", "7,2011-01-05,twelve")
    with pytest.raises(UserError, match=r"export\.csv, row 1: 'twelve' is no amount"):
        shop.load(transactions)
