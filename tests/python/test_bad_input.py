"""A refused input says in one sentence what is wrong, where, and what to do, and leaves the last good tables alone.

Each case starts from nine tiny valid files, damages one thing and runs the loader through dbt, in this process: the
project is parsed once.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest

PROJECT = Path(__file__).parents[2]

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


def close_warehouses() -> None:
    """Let go of the file that dbt keeps open as long as its process lives."""
    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]


@dataclass
class Run:
    """What one dbt run came to."""

    success: bool
    sentences: list[str]
    warnings: list[str]


class Project:
    """A temporary data folder and warehouse, and the dbt runner that all cases share."""

    def __init__(self, runner_of: Callable[[list[Any]], dbtRunner], folder: Path, warehouse: Path) -> None:
        self.runner_of = runner_of
        self.folder = folder
        self.warehouse = warehouse

    def path(self, name: str, ending: str = "csv") -> Path:
        return self.folder / f"{name}.{ending}"

    def replace(self, name: str, old: str, new: str) -> None:
        """Damage one place of one file."""
        text = self.path(name).read_text(encoding="utf-8")
        assert text.count(old) >= 1, f"{old!r} is not in {name}"
        self.path(name).write_text(text.replace(old, new, 1), encoding="utf-8", newline="")

    def write(self, name: str, content: str | bytes) -> None:
        self.path(name).write_bytes(content if isinstance(content, bytes) else content.encode())

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

    def run(self, *select: str) -> Run:
        os.environ["OLIST_DATA_DIR"] = str(self.folder)
        os.environ["OLIST_WAREHOUSE"] = str(self.warehouse)
        events: list[Any] = []
        arguments = ["--quiet", "run", "--no-write-json", "--log-level-file", "none", "--target-path"]
        arguments += [str(self.warehouse.parent / "target"), "--select", *(select or ["stg_olist__orders"])]
        result = self.runner_of(events).invoke(arguments)
        close_warehouses()
        messages = {level: [e.info.msg for e in events if e.info.level == level] for level in ("error", "warn")}
        sentences = []
        for message in messages["error"]:
            found = re.search(
                r"Compilation Error in operation [^\n]*\n  (.*?)\n  \n  > in macro refuse_input", message, re.S
            )
            sentences.append(found[1] if found else message)
        return Run(bool(result.success), sentences, messages["warn"])

    def tables(self, schemas: tuple[str, ...] = ("raw", "main")) -> dict[str, list[tuple[Any, ...]]]:
        """Every table and view of the warehouse with its rows."""
        if not self.warehouse.exists():
            return {}
        with duckdb.connect(str(self.warehouse)) as connection:
            names = connection.execute(
                "select table_schema || '.' || table_name from information_schema.tables where table_schema in "
                f"{schemas} order by all"
            ).fetchall()
            return {name: connection.execute(f"select * from {name} order by all").fetchall() for (name,) in names}


def zip_columns(path: Path) -> list[str]:
    """The columns that keep their leading zeros."""
    header = path.read_text(encoding="utf-8").splitlines()[0]
    return [name for name in header.split(",") if name.endswith("zip_code_prefix")]


@pytest.fixture(scope="module")
def runner_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[list[Any]], dbtRunner]]:
    home = tmp_path_factory.mktemp("dbt")
    patch = pytest.MonkeyPatch()
    patch.chdir(PROJECT)
    # The warehouse's file name is the database's name, which is parsed into the project: keep it in every case.
    patch.setenv("OLIST_WAREHOUSE", str(home / "warehouse.duckdb"))
    patch.setenv("OLIST_DATA_DIR", str(home))
    patch.setenv("OLIST_SERVING_DIR", str(home / "serving"))
    patch.setenv("DBT_LOG_PATH", str(home / "logs"))
    parsed = dbtRunner().invoke(["--quiet", "parse", "--target-path", str(home / "target"), "--no-write-json"])
    assert parsed.success, parsed.exception
    manifest = parsed.result
    assert isinstance(manifest, Manifest)

    yield lambda events: dbtRunner(manifest=manifest, callbacks=[events.append])

    close_warehouses()
    patch.undo()


@pytest.fixture
def project(runner_of: Callable[[list[Any]], dbtRunner], tmp_path: Path) -> Project:
    folder = tmp_path / "data"
    folder.mkdir()
    built = Project(runner_of, folder, tmp_path / "warehouse.duckdb")
    for name, text in FILES.items():
        built.write(name, text)
    return built


HEADER_OF_PAYMENTS = "order_id, payment_sequential, payment_type, payment_installments, payment_value"

# name, damage, the whole sentence
REFUSED: list[tuple[str, Callable[[Project], object], str]] = [
    (
        "missing file",
        lambda p: p.path(SELLERS).unlink(),
        "Neither olist_sellers_dataset.csv nor olist_sellers_dataset.parquet is in the folder '{folder}': "
        "put the file there, or set OLIST_DATA_DIR to the folder that holds all nine.",
    ),
    (
        "both formats",
        lambda p: shutil.copy(p.path(SELLERS), p.path(SELLERS, "parquet")),
        "Both olist_sellers_dataset.csv and olist_sellers_dataset.parquet are in the folder '{folder}': "
        "keep the one that should be read and move the other away.",
    ),
    (
        "missing column",
        lambda p: p.replace(PAYMENTS, "payment_value", "value"),
        "olist_order_payments_dataset.csv has no column 'payment_value' (its header reads: order_id, "
        "payment_sequential, payment_type, payment_installments, value): add the column under exactly this name.",
    ),
    (
        "column twice",
        lambda p: p.replace(PAYMENTS, "payment_type,", "payment_value,"),
        "olist_order_payments_dataset.csv has no column 'payment_type' (its header reads: order_id, "
        "payment_sequential, payment_value, payment_installments, payment_value): "
        "add the column under exactly this name.",
    ),
    (
        "added column twice over",
        lambda p: p.write(
            CATEGORIES,
            FILES[CATEGORIES]
            .replace("\n", ",perfumaria\n")
            .replace("english,perfumaria", "english,product_category_name"),
        ),
        "product_category_name_translation.csv has two columns named 'product_category_name': "
        "remove or rename one of them.",
    ),
    (
        "empty file",
        lambda p: p.write(ITEMS, ""),
        "olist_order_items_dataset.csv has no header in its first line: "
        "export it again, as UTF-8 with its header line.",
    ),
    (
        "header only",
        lambda p: p.write(PAYMENTS, FILES[PAYMENTS].splitlines()[0] + "\n"),
        "olist_order_payments_dataset.csv has a header but no rows: export it again with its data.",
    ),
    (
        "no header",
        lambda p: p.write(SELLERS, "s1,13023,campinas,SP\n"),
        "olist_sellers_dataset.csv has no column 'seller_id' (its header reads: s1, 13023, campinas, SP): "
        "add the column under exactly this name.",
    ),
    (
        "day before month",
        lambda p: p.replace(ORDERS, "2017-10-02 10:56:33", "10/2/2017"),
        "olist_orders_dataset.csv, line 2, column order_purchase_timestamp: '10/2/2017' is not a timestamp: "
        "write it as YYYY-MM-DD HH:MM:SS.",
    ),
    (
        "day that does not exist",
        lambda p: p.replace(ORDERS, "2018-08-13 00:00:00", "2018-02-30 00:00:00"),
        "olist_orders_dataset.csv, line 3, column order_estimated_delivery_date: '2018-02-30 00:00:00' is not a "
        "timestamp: write it as YYYY-MM-DD HH:MM:SS.",
    ),
    (
        "missing date",
        lambda p: p.replace(ORDERS, "2018-07-24 20:41:37", ""),
        "olist_orders_dataset.csv, line 3, column order_purchase_timestamp: the value is missing: "
        "fill it in, or remove the row.",
    ),
    (
        "decimal comma",
        lambda p: p.replace(ITEMS, "118.70", '"118,70"'),
        "olist_order_items_dataset.csv, line 4, column price: '118,70' is not an amount of money of at least 0: "
        "write it with a point and at most two decimals, like 12.50.",
    ),
    (
        "negative price",
        lambda p: p.replace(ITEMS, "118.70", "-118.70"),
        "olist_order_items_dataset.csv, line 4, column price: '-118.70' is not an amount of money of at least 0: "
        "write it with a point and at most two decimals, like 12.50.",
    ),
    (
        "fraction of a cent",
        lambda p: p.replace(PAYMENTS, "141.46", "141.465"),
        "olist_order_payments_dataset.csv, line 3, column payment_value: '141.465' is not an amount of money of at "
        "least 0: write it with a point and at most two decimals, like 12.50.",
    ),
    (
        "half an instalment",
        lambda p: p.replace(PAYMENTS, "credit_card,2", "credit_card,4.5"),
        "olist_order_payments_dataset.csv, line 2, column payment_installments: '4.5' is not a whole number of at "
        "least 0: write digits only.",
    ),
    (
        "score of six, after a comment of many lines",
        lambda p: p.replace(REVIEWS, "r3,o2,3", "r3,o2,6"),
        "olist_order_reviews_dataset.csv, line 6, column review_score: '6' is not a whole number from 1 to 5: "
        "write digits only.",
    ),
    (
        "score of six in the row of the comment",
        lambda p: p.replace(REVIEWS, "r1,o1,4", "r1,o1,6"),
        "olist_order_reviews_dataset.csv, line 2, column review_score: '6' is not a whole number from 1 to 5: "
        "write digits only.",
    ),
    (
        "score of six behind blank lines and a column that is not read",
        lambda p: p.write(
            REVIEWS,
            FILES[REVIEWS]
            .replace("review_answer_timestamp\n", "review_answer_timestamp,note\n\n")
            .replace("03:43:48\n", '03:43:48,"two\nlines"\n')
            .replace("18:37:50\n", "18:37:50,\n")
            .replace("r3,o2,3", "r3,o2,6"),
        ),
        "olist_order_reviews_dataset.csv, line 8, column review_score: '6' is not a whole number from 1 to 5: "
        "write digits only.",
    ),
    (
        "score in words",
        lambda p: p.replace(REVIEWS, "r2,o2,5", "r2,o2,five"),
        "olist_order_reviews_dataset.csv, line 5, column review_score: 'five' is not a whole number from 1 to 5: "
        "write digits only.",
    ),
    (
        "zip prefix that lost its zero",
        lambda p: p.replace(CUSTOMERS, "01003", "1003"),
        "olist_customers_dataset.csv, line 2, column customer_zip_code_prefix: '1003' is not allowed here: "
        "write it as five digits with its leading zeros.",
    ),
    (
        "latitude that is no number",
        lambda p: p.replace(GEOLOCATION, "-22.902", "nan"),
        "olist_geolocation_dataset.csv, line 3, column geolocation_lat: 'nan' is not a decimal number from -90 to 90: "
        "write it with a point, like -23.54.",
    ),
    (
        "the first bad value of several",
        lambda p: p.write(ITEMS, FILES[ITEMS].replace("o2,1,g2", "o2,0,g2").replace("o1,2,g1", "o1,two,g1")),
        "olist_order_items_dataset.csv, line 3, column order_item_id: 'two' is not a whole number of at least 1: "
        "write digits only.",
    ),
    (
        "quote that never ends",
        lambda p: p.replace(REVIEWS, "r2,o2,5,super", 'r2,o2,5,"super'),
        "olist_order_reviews_dataset.csv, line 5, column review_comment_title: a quoted value never ends, or goes on "
        "behind its closing quote ('r2,o2,5,\"super,,2018-08-08 00:00:00,2018-08-08 18:37:50 r3,o2,3,,ok,2018-08-09 "
        "00:00:00,2018-08-09 18:37:50'): mend the row, or export the file again.",
    ),
    (
        "too few fields, after a comment of many lines",
        lambda p: p.replace(REVIEWS, "r3,o2,3,,ok,", "r3,o2,3,"),
        "olist_order_reviews_dataset.csv, line 6: the row has fewer fields than the 7 of the header "
        "('r3,o2,3,2018-08-09 00:00:00,2018-08-09 18:37:50'): mend the row, or export the file again.",
    ),
    (
        "too many fields",
        lambda p: p.replace(SELLERS, "santa barbara d'oeste", "santa barbara, d'oeste"),
        "olist_sellers_dataset.csv, line 2: the row has more fields than the 4 of the header "
        "('s1,13023,santa barbara, d'oeste,SP'): mend the row, or export the file again.",
    ),
    (
        "Latin-1",
        lambda p: p.write(GEOLOCATION, FILES[GEOLOCATION].encode("latin-1")),
        "olist_geolocation_dataset.csv, line 2, column geolocation_city: the text is not UTF-8 "
        "('01003,-23.549,-46.635,s?? paulo,SP'): mend the row, or export the file again.",
    ),
    (
        "UTF-16",
        lambda p: p.write(SELLERS, FILES[SELLERS].encode("utf-16")),
        "olist_sellers_dataset.csv is not UTF-8 text but looks like UTF-16: export it again as UTF-8.",
    ),
    (
        "semicolons",
        lambda p: p.write(CATEGORIES, FILES[CATEGORIES].replace(",", ";")),
        "product_category_name_translation.csv separates its columns by semicolons (its header reads: "
        "product_category_name;product_category_name_english): export it again with commas.",
    ),
    (
        "bad value in Parquet",
        lambda p: p.to_parquet(
            REVIEWS, "select * replace (if(review_id = 'r2', 9, review_score) as review_score) from file"
        ),
        "olist_order_reviews_dataset.parquet, row 2, column review_score: '9' is not a whole number from 1 to 5: "
        "write digits only.",
    ),
    (
        "zip prefix read as a number into Parquet",
        lambda p: p.to_parquet(
            CUSTOMERS, "select * replace (customer_zip_code_prefix::int as customer_zip_code_prefix) from file"
        ),
        "olist_customers_dataset.parquet, row 1, column customer_zip_code_prefix: '1003' is not allowed here: "
        "write it as five digits with its leading zeros.",
    ),
    (
        "Parquet in name only",
        lambda p: p.path(SELLERS).rename(p.path(SELLERS, "parquet")),
        "olist_sellers_dataset.parquet is not a whole Parquet file: write it again, or put the CSV file in its place.",
    ),
    (
        "missing column in Parquet",
        lambda p: p.to_parquet(CATEGORIES, "select product_category_name from file"),
        "product_category_name_translation.parquet has no column 'product_category_name_english' (its header reads: "
        "product_category_name): add the column under exactly this name.",
    ),
]


@pytest.mark.parametrize(("damage", "sentence"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_damaged_input_is_refused_with_one_sentence(
    project: Project, damage: Callable[[Project], object], sentence: str
) -> None:
    damage(project)

    run = project.run()

    assert not run.success
    assert run.sentences == [sentence.replace("{folder}", str(project.folder))]
    assert project.tables() == {}, "a refused input leaves nothing behind"


def test_refused_input_leaves_the_last_good_tables_alone(project: Project) -> None:
    assert project.run().success
    good = project.tables()
    # The first file has changed and is fine; the last one read is not.
    project.replace(ORDERS, "shipped", "delivered")
    project.replace(CATEGORIES, "perfumery", "")

    run = project.run()

    assert not run.success
    assert len(run.sentences) == 1
    assert project.tables() == good


STAGED = ["path:models/staging"]


@pytest.fixture(scope="module")
def staged_from_csv(
    runner_of: Callable[[list[Any]], dbtRunner], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[tuple[Any, ...]]]:
    """The staging tables that the nine plain files give."""
    folder = tmp_path_factory.mktemp("plain")
    plain = Project(runner_of, folder, folder / "warehouse.duckdb")
    for name, text in FILES.items():
        plain.write(name, text)
    run = plain.run(*STAGED)
    assert run.success, run.sentences
    assert run.warnings == []
    tables = plain.tables(("main",))
    assert len(tables) == 10
    assert tables["main.stg_olist__order_reviews"][0][-1] == 'Chegou, mas\n\no "lacre" estava aberto'
    return tables


def with_bom(p: Project) -> None:
    for name, text in FILES.items():
        p.write(name, "\ufeff" + text)


def with_crlf(p: Project) -> None:
    """Line ends as on Windows, but for those inside a comment, which are the customer's."""
    for name, text in FILES.items():
        comment = "mas\n\no"
        p.write(name, text.replace(comment, "@").replace("\n", "\r\n").replace("@", comment))


def with_columns_turned_round(p: Project) -> None:
    for name, text in FILES.items():
        if name != REVIEWS:
            p.write(name, "".join(",".join(line.split(",")[::-1]) + "\n" for line in text.splitlines()))


def without_last_line_end(p: Project) -> None:
    for name, text in FILES.items():
        p.write(name, text.rstrip("\n"))


def with_every_value_quoted(p: Project) -> None:
    for name, text in FILES.items():
        if name != REVIEWS:
            p.write(name, "".join('"' + line.replace(",", '","') + '"\n' for line in text.splitlines()))


def as_parquet(p: Project) -> None:
    for name in FILES:
        p.to_parquet(name)


def as_parquet_from_pandas(p: Project) -> None:
    """Whole numbers with gaps become floats there."""
    p.to_parquet(
        PRODUCTS,
        "select * replace (product_weight_g::double as product_weight_g, "
        "product_photos_qty::double as product_photos_qty) from file",
    )


def in_a_folder_with_a_quote(p: Project) -> None:
    p.folder = p.folder.rename(p.folder.with_name("maria's data"))


@pytest.mark.parametrize(
    "change",
    [
        with_bom,
        with_crlf,
        with_columns_turned_round,
        without_last_line_end,
        with_every_value_quoted,
        as_parquet,
        as_parquet_from_pandas,
        in_a_folder_with_a_quote,
    ],
)
def test_another_spelling_of_the_same_data_gives_the_same_tables(
    project: Project, staged_from_csv: dict[str, list[tuple[Any, ...]]], change: Callable[[Project], None]
) -> None:
    change(project)

    run = project.run(*STAGED)

    assert run.success, run.sentences
    assert project.tables(("main",)) == staged_from_csv


def test_added_column_is_read_over_with_a_warning(project: Project) -> None:
    project.write(SELLERS, FILES[SELLERS].replace("seller_state\n", "seller_state,note\n").replace("SP\n", "SP,x\n"))

    run = project.run()

    assert run.success, run.sentences
    assert len(run.warnings) == 1
    assert "olist_sellers_dataset.csv: the column 'note' is not part of the export and is not read." in run.warnings[0]
    assert project.tables()["raw.olist_sellers_dataset"] == [("s1", "13023", "santa barbara d'oeste", "SP")]
