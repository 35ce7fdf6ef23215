"""Which dates history runs over: gaps, mistyped dates, exports that end inside a month."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest
from marketplaces import Tables, cut_at, read_tables, write_tables
from marks import slow_after
from nights import SETTINGS, WHOLE, Nights
from warehouses import SAMPLE, Warehouse

ORDERS, REVIEWS = "olist_orders_dataset", "olist_order_reviews_dataset"
FEATURES = ("--select", "+customer_features", "+rfm_segments")
EXPORTED = dt.date(2018, 5, 16)


@pytest.fixture(scope="module")
def tables() -> Tables:
    return read_tables(SAMPLE)


@pytest.fixture(scope="module")
def clean(tables: Tables, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The sample as exported in the middle of May."""
    home = tmp_path_factory.mktemp("clean")
    warehouse = Warehouse(home / "warehouse")
    warehouse.build(write_tables(cut_at(tables, EXPORTED), home / "data"), *FEATURES)
    return warehouse


def as_of_dates(warehouse: Warehouse) -> list[dt.date]:
    dates = warehouse.query("select as_of_date from as_of_dates order by 1")["as_of_date"]
    return [date.date() for date in pd.to_datetime(dates)]


def mistyped(tables: Tables, name: str, column: str, years: int = 0, days: int = 0) -> tuple[Tables, str]:
    """The files with one date of `column` moved by so many years and days, and the order it belongs to."""
    typed = {table_name: table.copy() for table_name, table in tables.items()}
    known = typed[name][typed[name][column].notna()].sort_values([column, "order_id"])
    # One of the newest, as it is today's export that somebody mistyped.
    row = known.index[-40]
    typed[name].loc[row, column] = pd.Timestamp(typed[name].loc[row, column]) + pd.DateOffset(years=years, days=days)
    return typed, str(typed[name].loc[row, "order_id"])


# Dates that would reach the same thing are not typed into the same files, nor three that lie after the month.
@pytest.mark.parametrize(
    "dates",
    slow_after(
        1,
        [
            [
                (ORDERS, "order_purchase_timestamp", 81, 0),
                (ORDERS, "order_delivered_customer_date", 0, 61),
                (ORDERS, "order_delivered_carrier_date", 10, 0),
            ],
            [(ORDERS, "order_purchase_timestamp", 0, 21), (REVIEWS, "review_answer_timestamp", 0, 25)],
            [
                (ORDERS, "order_purchase_timestamp", -20, 0),
                (ORDERS, "order_approved_at", 0, 21),
                (ORDERS, "order_estimated_delivery_date", 80, 0),
                (REVIEWS, "review_creation_date", 1, 0),
            ],
        ],
    ),
)
def test_mistyped_dates_change_nobody_else(
    dates: list[tuple[str, str, int, int]], tables: Tables, clean: Warehouse, tmp_path: Path
) -> None:
    typed, order_ids = cut_at(tables, EXPORTED), set[str]()
    for name, column, years, days in dates:
        typed, order_id = mistyped(typed, name, column, years, days)
        order_ids.add(order_id)
    assert len(order_ids) == len(dates)
    listed = ", ".join(f"'{order_id}'" for order_id in order_ids)
    warehouse = Warehouse(tmp_path / "warehouse")
    warehouse.build(write_tables(typed, tmp_path / "data"), *FEATURES)
    # What the date should be is known from the making of the files, not from what the build says of them.
    assert as_of_dates(clean)[-1] == as_of_dates(warehouse)[-1] == EXPORTED
    for table in ("customer_features", "rfm_segments"):
        rows = (
            f"from {table} where customer_unique_id not in (select customer_unique_id from orders where order_id "
            f"in ({listed})) order by customer_unique_id"
        )
        expected, found = clean.query(rows), warehouse.query(rows)
        assert len(expected) > 2_000
        columns = [column for column in expected.columns if column != "inputs_digest"]
        pd.testing.assert_frame_equal(found[columns], expected[columns], check_exact=True)


@pytest.mark.slow
def test_history_goes_on_after_months_in_which_the_shop_was_closed_and_purchases_that_count_nowhere_are_told(
    nights: Nights, tmp_path: Path
) -> None:
    tables, _ = mistyped(
        cut_at(read_tables(nights.tonight), EXPORTED), ORDERS, "order_purchase_timestamp", years=0, days=45
    )
    orders = tables[ORDERS]
    closed = orders["order_purchase_timestamp"].between("2017-09-01", "2017-10-31 23:59:59")
    kept = {**tables, ORDERS: orders[~closed]}
    for name in ("olist_order_items_dataset", "olist_order_payments_dataset", REVIEWS):
        kept[name] = tables[name][tables[name]["order_id"].isin(kept[ORDERS]["order_id"])]
    customers = tables["olist_customers_dataset"]
    kept["olist_customers_dataset"] = customers[customers["customer_id"].isin(kept[ORDERS]["customer_id"])]
    warehouse = Warehouse(tmp_path / "warehouse")
    output = warehouse.dbt(*WHOLE, data=write_tables(kept, tmp_path / "data"), variables=SETTINGS)

    dates = as_of_dates(warehouse)
    assert (dates[0], dates[-1], len(dates)) == (dt.date(2017, 1, 31), EXPORTED, 17)
    bought = kept[ORDERS]
    after = bought[(bought["order_purchase_timestamp"] >= "2017-11-01") & (bought["order_status"] == "delivered")]
    counted = warehouse.query("select order_id from orders where is_valid_purchase and purchase_date >= '2017-11-01'")
    assert set(after["order_id"]) <= set(counted["order_id"])
    notes = warehouse.query("select sentence from build_warnings where warning_name = 'months_without_data'")
    assert notes["sentence"].tolist() == [
        "History has a gap: 2017-09, 2017-10 have too few purchases, so figures for these months are unreliable."
    ]
    assert "1 valid purchase is not used: it was made after the newest as-of date, 2018-05-16" in output
    assert "WARN 2 build_warnings_are_none" in output
