"""A small file of tables for commands that plan and launch campaigns, made in milliseconds and without dbt."""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pytest

KINDS = {"big": "Big spenders", "small": "Small baskets", "sad": "Dissatisfied customers"}
STAGES = {"cooling": "Cooling", "dormant": "Dormant", "lapsed": "Lapsed"}
SALT = "test salt"
TODAY = date(2018, 8, 31)


@dataclass(frozen=True)
class Shop:
    """The tables (a warehouse that nobody locks), the data folder and the campaign folder, all in `home`.

    Customer number i has id c<i>, kind i mod 3 and stage i / 3 mod 3. One in a hundred ordered last time, for BRL 100.
    """

    home: Path

    @property
    def tables(self) -> Path:
        return self.home / "tables.duckdb"

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def campaigns(self) -> Path:
        return self.home / "campaigns"

    @property
    def lists(self) -> Path:
        return self.home / "lists"

    @property
    def places(self) -> dict[str, str]:
        """Where commands look."""
        return {
            "OLIST_WAREHOUSE": str(self.tables),
            "OLIST_SERVING_DIR": str(self.home / "serving"),
            "OLIST_DATA_DIR": str(self.data),
            "OLIST_CAMPAIGN_DIR": str(self.campaigns),
        }

    def use(self, monkeypatch: pytest.MonkeyPatch) -> Shop:
        for name, value in self.places.items():
            monkeypatch.setenv(name, value)
        return self

    def execute(self, sql: str) -> None:
        with duckdb.connect(str(self.tables)) as connection:
            connection.execute(sql)

    def query(self, sql: str) -> pd.DataFrame:
        with duckdb.connect(str(self.tables), read_only=True) as connection:
            found: pd.DataFrame = connection.sql(sql).df()
            return found

    def set(self, **settings: object) -> None:
        """Change the vars that the tables were built with."""
        values = ", ".join(f"{name} = '{value}'" for name, value in settings.items())
        self.execute(f"update campaign_settings set {values}")

    def become(self, today: date) -> None:
        """Have time pass: the tables as if they were built at `today`, with nothing else changed."""
        tables = ("as_of_dates", "customer_segments", "customer_forecasts", "customer_features", "campaign_settings")
        quarter = f"{today.year}Q{(today.month + 2) // 3}"
        self.execute(
            ";".join(f"update {table} set as_of_date = date '{today}'" for table in tables)
            + f"; update campaign_settings set control_group_quarter = '{quarter}'"
        )

    def suppress(self, customers: Iterable[str]) -> None:
        """Write the file of those to leave in peace, in the place of what it was."""
        lines = ["customer_unique_id,reason,since", *(f'"{customer}",asked to,' for customer in customers)]
        (self.data / "suppressed_customers.csv").write_text("\n".join(lines) + "\n")

    def log(self, campaign: str) -> pd.DataFrame:
        with duckdb.connect() as connection:
            rows: pd.DataFrame = connection.sql(f"from read_parquet('{self.campaigns}/{campaign}.parquet')").df()
            return rows

    def written(self) -> dict[str, bytes]:
        """Every file beside the tables, hidden ones too, but for locks."""
        return {
            str(path.relative_to(self.home)): path.read_bytes()
            for path in sorted(self.home.rglob("*"))
            if path.is_file() and path.name != ".lock" and path != self.tables
        }


def open_shop(home: Path, customers: int = 900) -> Shop:
    shop = Shop(home)
    shop.data.mkdir(parents=True)
    shop.tables.write_bytes(_tables_of(customers))
    return shop


@functools.cache
def _tables_of(customers: int) -> bytes:
    """The file of the tables, made once for all shops of so many customers."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tables.duckdb"
        _make_tables(file, customers)
        return file.read_bytes()


def _make_tables(file: Path, customers: int) -> None:
    with duckdb.connect(str(file)) as connection:
        connection.execute(_TABLES.format(customers=customers, today=TODAY, salt=SALT))
        for table, names in (("segment", KINDS), ("stage", STAGES)):
            for number, (key, name) in enumerate(names.items()):
                connection.execute(f"insert into {table}_names values ({number}, '{key}', '{name}')")
        connection.execute(_ROWS.format(today=TODAY))


def environment_of(shop: Shop) -> dict[str, str]:
    return os.environ | shop.places


_TABLES = """
    create table segment_names (number integer, key varchar, name varchar);
    create table stage_names (number integer, key varchar, name varchar);
    create table people as
    select
        'c' || lpad(i::varchar, 6, '0') as customer_unique_id, i % 3 as segment_number, i // 3 % 3 as stage_number,
        md5_number_lower('spend' || i) as spend_digest, md5_number_lower('score' || i) as score_digest,
        md5_number_lower('probability' || i) as probability_digest
    from range({customers}) as numbers(i);
    create table campaign_settings as
    select
        date '{today}' as as_of_date, 0::double as control_group_share, '2018Q3' as control_group_quarter,
        30 as contact_cooldown_days, 90 as outcome_days, 0.1::double as holdout_share, '{salt}' as campaign_salt,
        0.5::double as audience_max_change_share, 30 as few_customers;
    create table suppressed_customers (customer_unique_id varchar, reason varchar, suppressed_since date);
    create table as_of_dates as select date '{today}' as as_of_date, true as is_newest;
    create table segment_versions as select 1 as model_version, true as is_in_force;
"""
_ROWS = """
    create table segments as select 1 as model_version, key as segment_key, name as segment_name from segment_names;
    create table lifecycle_stages as
    select number + 1 as stage_number, key as stage_key, name as stage_name from stage_names;
    create table customer_segments as
    select
        customer_unique_id, date '{today}' as as_of_date, segment_names.key as segment_key,
        segment_names.name as segment_name, stage_names.key as stage_key, stage_names.name as stage_name,
        0.5 + 0.5 * (score_digest % 100)::double / 100 as segment_probability, 1 as model_version,
        (spend_digest % 400)::integer as recency_days,
        (1 + (score_digest % 30 = 0)::integer)::integer as purchase_day_count,
        ((spend_digest % 50000)::double / 100 + 1)::decimal(18, 2) as total_spend,
        case when score_digest % 20 > 0 then (1 + score_digest % 5)::double end as avg_review_score
    from people
    inner join segment_names on people.segment_number = segment_names.number
    inner join stage_names on people.stage_number = stage_names.number
    order by customer_unique_id;
    create table customer_features as
    select
        customer_unique_id, date '{today}' as as_of_date,
        case when score_digest % 20 > 1 then (score_digest % 10 = 0)::integer::double end as late_delivery_share
    from people;
    create table customer_forecasts as
    select
        customer_unique_id, date '{today}' as as_of_date, 1 as forecast_version, false as is_abstaining,
        0.008 + 0.001 * (probability_digest % 5)::double as order_probability,
        0.009 + 0.001 * (probability_digest % 5)::double as expected_orders,
        1.0 + 0.1 * (probability_digest % 5)::double as expected_revenue
    from people;
    create table segment_outcomes as
    select
        'clusters_by_stage' as segmentation, date '2018-05-31' as as_of_date, true as is_newest,
        date '2018-08-29' as outcome_until, segment_names.key || ':' || stage_names.key as segment_key,
        10000 as customer_count, 100 as ordered_again_count, 10000.00::decimal(18, 2) as next_spend,
        1e6::double as next_spend_squared
    from segment_names cross join stage_names
"""
