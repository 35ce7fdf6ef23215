"""The nine files as tables: read, cut at a date, written."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import pandas as pd

Tables = dict[str, pd.DataFrame]

# What had not happened by the date is blanked, rows whose own moment had not come are left out.
BLANKED = {
    "olist_orders_dataset": (
        "order_approved_at",
        "order_delivered_carrier_date",
        "order_delivered_customer_date",
    )
}
LEFT_OUT = {
    "olist_orders_dataset": "order_purchase_timestamp",
    "olist_order_reviews_dataset": "review_answer_timestamp",
}
OF_ORDERS = ("olist_order_items_dataset", "olist_order_payments_dataset", "olist_order_reviews_dataset")


def read_tables(folder: Path) -> Tables:
    return {path.stem: duckdb.execute(f"from read_parquet('{path}')").df() for path in sorted(folder.glob("*.parquet"))}


def write_tables(tables: Tables, folder: Path, suffix: str = "parquet") -> Path:
    folder.mkdir(parents=True)
    options = "format parquet" if suffix == "parquet" else "format csv, header true"
    with duckdb.connect() as connection:
        for name, table in tables.items():
            connection.register("written", table)
            connection.execute(f"copy (from written) to '{folder / name}.{suffix}' ({options})")
    return folder


def cut_at(tables: Tables, date: dt.date) -> Tables:
    """The files as they would have been exported at the end of `date`."""
    end = pd.Timestamp(date) + pd.Timedelta(days=1)
    cut = {name: table.copy() for name, table in tables.items()}
    for name, moment in LEFT_OUT.items():
        cut[name] = cut[name][cut[name][moment] < end]
    for name, moments in BLANKED.items():
        for moment in moments:
            cut[name].loc[cut[name][moment] >= end, moment] = pd.NaT
    orders = cut["olist_orders_dataset"]
    for name in OF_ORDERS:
        cut[name] = cut[name][cut[name]["order_id"].isin(orders["order_id"])]
    customers = cut["olist_customers_dataset"]
    cut["olist_customers_dataset"] = customers[customers["customer_id"].isin(orders["customer_id"])]
    return cut
