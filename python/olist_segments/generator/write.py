"""From arrays to the nine files and the planted truth, by DuckDB's COPY; ids are md5 of seed, kind and number."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from olist_segments.errors import UserError
from olist_segments.generator import facts
from olist_segments.generator.categories import CATEGORIES
from olist_segments.generator.comments import ENDINGS, JOINERS, MESSAGES, TITLES
from olist_segments.generator.geography import STATES
from olist_segments.generator.kinds import KINDS
from olist_segments.generator.marketplace import Marketplace, draw
from olist_segments.generator.orders import PAYMENT_TYPES, STATUSES
from olist_segments.generator.places import CITIES
from olist_segments.generator.settings import Format, Settings
from olist_segments.generator.shapes import SHAPES, ShapeName

TRUTH_FILE = "planted_segments.csv"
TRANSLATION = "product_category_name_translation"
BASE_NAMES = (
    "olist_customers_dataset",
    "olist_geolocation_dataset",
    "olist_order_items_dataset",
    "olist_order_payments_dataset",
    "olist_order_reviews_dataset",
    "olist_orders_dataset",
    "olist_products_dataset",
    "olist_sellers_dataset",
    TRANSLATION,
)
_EPOCH_MICROSECONDS = 1_451_606_400_000_000


@dataclass
class _Table:
    """One file: its name, its arrays, the query that names and types its columns, the columns that CSV quotes."""

    name: str
    arrays: dict[str, np.ndarray[Any, Any]]
    query: str
    lists: dict[str, tuple[str, ...]] = field(default_factory=dict)
    quoted: tuple[str, ...] = ()


def generate(
    settings: Settings,
    out: Path,
    file_format: Format = "csv",
    threads: int | None = None,
    shape: ShapeName | None = None,
) -> list[Path]:
    """Draw a marketplace and write it to the directory `out`, whole or not at all; return the paths written.

    The files are the nine of the export, or those of another `shape`, always CSV. Equal arguments give equal bytes
    whatever `threads`, which caps how many files are written at a time (default: the processors, at most 4). Raises
    UserError when `out` is a file, cannot be written, or holds files that a generator does not write; what an earlier
    run wrote there is replaced.
    """
    out = out.resolve()
    if shape and file_format != "csv":
        raise UserError(f"--format {file_format} is not for --as {shape}: a shop of this kind exports CSV.")
    _check_destination(out)
    marketplace = draw(settings)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as error:
        raise UserError(f"--out {out} cannot be written ({error.strerror}): give another directory.") from error
    try:
        if shape:
            _write_shape(marketplace, staging, shape)
        else:
            _write_all(marketplace, staging, file_format, threads or min(4, os.cpu_count() or 1))
        return _move_into_place(staging, out)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _own_names() -> set[str]:
    shaped = (name for shape in SHAPES.values() for name in shape.files)
    return {TRUTH_FILE, *shaped, *(f"{name}.{suffix}" for name in BASE_NAMES for suffix in ("csv", "parquet"))}


def _check_destination(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out} is a file: give a directory.")
    if out.is_dir():
        foreign = sorted(path.name for path in out.iterdir() if path.name not in _own_names() or not path.is_file())
        if foreign:
            raise UserError(
                f"--out {out} holds {foreign[0]}, which this command did not write: give an empty directory."
            )


def _move_into_place(staging: Path, out: Path) -> list[Path]:
    """Swap the finished directory in by renames; an earlier output is set aside first and put back on failure."""
    os.chmod(staging, 0o755)
    if not out.exists():
        os.replace(staging, out)
    else:
        aside = Path(tempfile.mkdtemp(prefix=f".{out.name}-old-", dir=out.parent))
        os.replace(out, aside)
        try:
            os.replace(staging, out)
        except OSError:
            os.replace(aside, out)
            raise
        shutil.rmtree(aside)
    return sorted(out.iterdir())


def _write_all(marketplace: Marketplace, directory: Path, file_format: Format, workers: int) -> None:
    builders: tuple[Callable[[Marketplace, bool], _Table], ...] = (
        _orders,
        _reviews,
        _items,
        _payments,
        _customers,
        _truth,
        _geolocation,
        _products,
        _sellers,
    )

    def write(builder: Callable[[Marketplace, bool], _Table]) -> None:
        as_csv = file_format == "csv" or builder is _truth
        _copy(builder(marketplace, as_csv), directory, as_csv)

    with ThreadPoolExecutor(max_workers=workers) as pool:
        for done in [pool.submit(write, builder) for builder in builders]:
            done.result()
    _write_translation(directory, file_format)


def _copy(table: _Table, directory: Path, as_csv: bool) -> None:
    """Write one file with one thread of its own engine, so that row groups do not depend on the machine."""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("set preserve_insertion_order = true")
        for name, values in table.lists.items():
            connection.execute(f"set variable {name} = {_sql_list(values)}")
        connection.register("drawn", table.arrays)
        options = "format parquet, compression zstd"
        if as_csv:
            options = "format csv, header"
            if table.quoted:
                options += f", force_quote ({', '.join(table.quoted)})"
        target = directory / f"{table.name}.{'csv' if as_csv else 'parquet'}"
        connection.execute(f"copy ({table.query}) to {_sql_string(str(target))} ({options})")


def _write_shape(marketplace: Marketplace, directory: Path, name: ShapeName) -> None:
    """Write the files of a shape, and the planted truth, from the tables that the nine files hold."""
    shape = SHAPES[name]
    tables = {
        "orders": _orders,
        "customers": _customers,
        "items": _items,
        "payments": _payments,
        "products": _products,
    }
    with duckdb.connect(config={"threads": 1}) as connection:
        for step, builder in tables.items():
            table = builder(marketplace, False)
            for list_name, values in table.lists.items():
                connection.execute(f"set variable {list_name} = {_sql_list(values)}")
            connection.register("drawn", table.arrays)
            connection.execute(f"create table {step} as {table.query}")
            connection.unregister("drawn")
        for step, query in shape.steps.items():
            connection.execute(f"create table {step} as {query}")
        for file_name, query in shape.files.items():
            target = _sql_string(str(directory / file_name))
            connection.execute(f"copy ({query}) to {target} (format csv, header)")
    _copy(_truth(marketplace, True), directory, True)


def _write_translation(directory: Path, file_format: Format) -> None:
    rows = [(category.name, category.english) for category in CATEGORIES]
    header = ("product_category_name", "product_category_name_english")
    if file_format == "csv":
        text = "\n".join(",".join(row) for row in (header, *rows))
        # The real file opens with a byte-order mark and ends without a line break.
        (directory / f"{TRANSLATION}.csv").write_text("\ufeff" + text, encoding="utf-8", newline="\n")
        return
    values = ", ".join(f"({_sql_string(name)}, {_sql_string(english)})" for name, english in rows)
    query = f"select * from (values {values}) as t({', '.join(header)})"
    _copy(_Table(TRANSLATION, {"unused": np.zeros(1)}, query), directory, as_csv=False)


def _sql_string(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _sql_list(values: Iterable[str]) -> str:
    return "[" + ", ".join(map(_sql_string, values)) + "]"


def _id(marketplace: Marketplace, kind: str, column: str) -> str:
    return f"md5('{marketplace.settings.seed}:{kind}:' || {column})"


def _time(column: str, nullable: bool = False) -> str:
    value = f"make_timestamp({_EPOCH_MICROSECONDS} + {column}::bigint * 1000000)"
    return f"case when {column} >= 0 then {value} end" if nullable else value


def _money(column: str, as_csv: bool) -> str:
    """Cents to BRL: DECIMAL(18, 2) for Parquet, a double for CSV, where 3000 cents read 30.0 as in the export."""
    return f"{column} / 100.0::double" if as_csv else f"({column} * 0.01::decimal(3, 2))::decimal(18, 2)"


def _price(column: str, as_csv: bool) -> str:
    """As `_money`, but whole prices have no decimals in the export's item file."""
    if not as_csv:
        return _money(column, as_csv)
    return f"case when {column} % 100 = 0 then ({column} // 100)::varchar else ({column} / 100.0::double)::varchar end"


def _present(column: str) -> str:
    return f"case when {column} >= 0 then {column}::integer end"


def _prefix(column: str) -> str:
    return f"lpad({column}::varchar, 5, '0')"


def _named(list_name: str, column: str) -> str:
    return f"getvariable('{list_name}')[{column} + 1]"


def _plain_cities() -> tuple[str, ...]:
    return tuple(city.plain_name for city in CITIES)


def _orders(marketplace: Marketplace, as_csv: bool) -> _Table:
    orders = marketplace.orders
    number = np.flatnonzero(marketplace.is_placed).astype(np.int32)
    return _Table(
        "olist_orders_dataset",
        {
            "number": number,
            "status": orders.status[number],
            "purchase": orders.purchase[number],
            "approved": marketplace.known(orders.approved)[number],
            "carrier": marketplace.known(orders.carrier)[number],
            "delivered": marketplace.known(orders.delivered)[number],
            "estimated": orders.estimated[number],
        },
        f"""select
            {_id(marketplace, "order", "number")} as order_id,
            {_id(marketplace, "customer", "number")} as customer_id,
            {_named("statuses", "status")} as order_status,
            {_time("purchase")} as order_purchase_timestamp,
            {_time("approved", nullable=True)} as order_approved_at,
            {_time("carrier", nullable=True)} as order_delivered_carrier_date,
            {_time("delivered", nullable=True)} as order_delivered_customer_date,
            {_time("estimated")} as order_estimated_delivery_date
        from drawn""",
        {"statuses": STATUSES},
    )


def _customers(marketplace: Marketplace, as_csv: bool) -> _Table:
    number = np.flatnonzero(marketplace.is_placed).astype(np.int32)
    place = marketplace.place[number]
    prefixes = marketplace.prefixes
    return _Table(
        "olist_customers_dataset",
        {
            "number": number,
            "buyer": marketplace.orders.buyer[number],
            "prefix": prefixes.number[place],
            "city": prefixes.city[place],
            "state": prefixes.state[place],
        },
        f"""select
            {_id(marketplace, "customer", "number")} as customer_id,
            {_id(marketplace, "person", "buyer")} as customer_unique_id,
            {_prefix("prefix")} as customer_zip_code_prefix,
            {_named("cities", "city")} as customer_city,
            {_named("states", "state")} as customer_state
        from drawn""",
        {"cities": _plain_cities(), "states": STATES},
        ("customer_zip_code_prefix",),
    )


def _items(marketplace: Marketplace, as_csv: bool) -> _Table:
    items = marketplace.items
    kept = marketplace.is_placed[items.order]
    return _Table(
        "olist_order_items_dataset",
        {
            "owner": items.order[kept],
            "item": items.number[kept],
            "product": items.product[kept],
            "seller": marketplace.catalogue.seller[items.product[kept]],
            "shipping": items.limit[kept],
            "cents": items.price[kept],
            "freight": items.freight[kept],
        },
        f"""select
            {_id(marketplace, "order", "owner")} as order_id,
            item as order_item_id,
            {_id(marketplace, "product", "product")} as product_id,
            {_id(marketplace, "seller", "seller")} as seller_id,
            {_time("shipping")} as shipping_limit_date,
            {_price("cents", as_csv)} as price,
            {_price("freight", as_csv)} as freight_value
        from drawn""",
    )


def _payments(marketplace: Marketplace, as_csv: bool) -> _Table:
    payments = marketplace.payments
    kept = marketplace.is_placed[payments.order]
    return _Table(
        "olist_order_payments_dataset",
        {
            "owner": payments.order[kept],
            "sequence": payments.number[kept],
            "type": payments.type[kept],
            "installments": payments.installments[kept],
            "cents": payments.value[kept],
        },
        f"""select
            {_id(marketplace, "order", "owner")} as order_id,
            sequence as payment_sequential,
            {_named("types", "type")} as payment_type,
            installments::integer as payment_installments,
            {_money("cents", as_csv)} as payment_value
        from drawn""",
        {"types": PAYMENT_TYPES},
    )


def _reviews(marketplace: Marketplace, as_csv: bool) -> _Table:
    reviews = marketplace.reviews
    kept = marketplace.is_placed[reviews.order] & marketplace.has_happened(reviews.answered)

    def phrase(kind: str, table: Mapping[str, tuple[str, ...]], draw: str) -> str:
        """A phrase of the tone that the score asks for; `draw` is a whole number of any size."""
        bad, mixed, good = (
            f"getvariable('{kind}_{tone}')[({draw}) % {len(table[tone])} + 1]" for tone in ("bad", "mixed", "good")
        )
        return f"case when score <= 2 then {bad} when score = 3 then {mixed} else {good} end"

    def joiner(draw: str) -> str:
        return f"getvariable('joiners')[({draw}) % {len(JOINERS)} + 1]"

    first, second, third = (phrase("message", MESSAGES, f"message // {step}") for step in (1, 20, 400))
    message = f"""{first}
        || case when message // 8000 % 10 < 8 then {joiner("message // 80000")} || {second} else '' end
        || case when message // 8000 % 10 < 4 then {joiner("message // 1200000")} || {third} else '' end
        || getvariable('endings')[message // 18000000 % {len(ENDINGS)} + 1]"""
    lists = {f"message_{tone}": phrases for tone, phrases in MESSAGES.items()}
    lists |= {f"title_{tone}": phrases for tone, phrases in TITLES.items()}
    return _Table(
        "olist_order_reviews_dataset",
        {
            "owner": reviews.order[kept],
            "identity": reviews.identity[kept],
            "score": reviews.score[kept],
            "title": reviews.title[kept],
            "message": reviews.message[kept],
            "created": reviews.created[kept],
            "answered": reviews.answered[kept],
        },
        f"""select
            {_id(marketplace, "review", "identity")} as review_id,
            {_id(marketplace, "order", "owner")} as order_id,
            score::integer as review_score,
            case when title >= 0 then {phrase("title", TITLES, "title")} end as review_comment_title,
            case when message >= 0 then {message} end as review_comment_message,
            {_time("created")} as review_creation_date,
            {_time("answered")} as review_answer_timestamp
        from drawn""",
        {**lists, "joiners": JOINERS, "endings": ENDINGS},
    )


def _products(marketplace: Marketplace, as_csv: bool) -> _Table:
    catalogue = marketplace.catalogue
    return _Table(
        "olist_products_dataset",
        {
            "number": np.arange(len(catalogue.category), dtype=np.int32),
            "category": catalogue.category,
            "name_length": catalogue.name_length,
            "description_length": catalogue.description_length,
            "photos": catalogue.photos,
            "grams": catalogue.grams,
            "length": catalogue.length,
            "height": catalogue.height,
            "width": catalogue.width,
        },
        f"""select
            {_id(marketplace, "product", "number")} as product_id,
            case when category >= 0 then {_named("categories", "category")} end as product_category_name,
            {_present("name_length")} as product_name_lenght,
            {_present("description_length")} as product_description_lenght,
            {_present("photos")} as product_photos_qty,
            {_present("grams")} as product_weight_g,
            {_present("length")} as product_length_cm,
            {_present("height")} as product_height_cm,
            {_present("width")} as product_width_cm
        from drawn""",
        {"categories": (*(category.name for category in CATEGORIES), *facts.UNTRANSLATED_CATEGORIES)},
    )


def _sellers(marketplace: Marketplace, as_csv: bool) -> _Table:
    home = marketplace.catalogue.seller_home
    prefixes = marketplace.prefixes
    return _Table(
        "olist_sellers_dataset",
        {
            "number": np.arange(len(home), dtype=np.int32),
            "prefix": prefixes.number[home],
            "city": prefixes.city[home],
            "state": prefixes.state[home],
        },
        f"""select
            {_id(marketplace, "seller", "number")} as seller_id,
            {_prefix("prefix")} as seller_zip_code_prefix,
            {_named("cities", "city")} as seller_city,
            {_named("states", "state")} as seller_state
        from drawn""",
        {"cities": _plain_cities(), "states": STATES},
        ("seller_zip_code_prefix",),
    )


def _geolocation(marketplace: Marketplace, as_csv: bool) -> _Table:
    drawn = marketplace.geolocation
    prefixes = marketplace.prefixes
    return _Table(
        "olist_geolocation_dataset",
        {
            "prefix": prefixes.number[drawn.prefix],
            "latitude": drawn.latitude,
            "longitude": drawn.longitude,
            "city": prefixes.city[drawn.prefix],
            "accented": drawn.accented,
            "state": prefixes.state[drawn.prefix],
        },
        f"""select
            {_prefix("prefix")} as geolocation_zip_code_prefix,
            latitude / 1e8::double as geolocation_lat,
            longitude / 1e8::double as geolocation_lng,
            case when accented then {_named("accented", "city")} else {_named("cities", "city")} end
                as geolocation_city,
            {_named("states", "state")} as geolocation_state
        from drawn""",
        {"cities": _plain_cities(), "accented": tuple(city.name for city in CITIES), "states": STATES},
        ("geolocation_zip_code_prefix",),
    )


def _truth(marketplace: Marketplace, as_csv: bool) -> _Table:
    buyers = np.unique(marketplace.orders.buyer[marketplace.is_placed])
    return _Table(
        TRUTH_FILE.removesuffix(".csv"),
        {"buyer": buyers.astype(np.int32), "kind": marketplace.kind[buyers]},
        f"""select
            {_id(marketplace, "person", "buyer")} as customer_unique_id,
            {_named("kinds", "kind")} as planted_segment
        from drawn""",
        {"kinds": KINDS},
    )
