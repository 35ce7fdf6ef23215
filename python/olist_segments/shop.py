"""What the tables know of the shop: its currency, its time zone, and what its files hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import duckdb

from olist_segments.serving.reader import query_rows
from olist_segments.serving.tables import present_tables

UNKNOWN = "–"


@dataclass(frozen=True)
class Shop:
    """The row of the table shop. Without a value it is Olist's, whose tables alone lack the table.

    `currency`, `time_zone`: None where nobody told; the flags say whether the files hold any value of the kind.
    """

    connector: str = "olist"
    currency: str | None = "BRL"
    time_zone: str | None = "America/Sao_Paulo"
    has_reviews: bool = True
    has_deliveries: bool = True
    has_promises: bool = True
    has_payments: bool = True
    has_products: bool = True
    has_categories: bool = True
    has_sellers: bool = True
    has_freight: bool = True
    has_regions: bool = True
    has_states_of_brazil: bool = True

    def has(self, *flags: str) -> bool:
        """Whether all of the flags are true; with `not_` in front, whether they are false."""
        return all(
            not getattr(self, flag.removeprefix("not_")) if flag.startswith("not_") else getattr(self, flag)
            for flag in flags
        )

    @property
    def noun(self) -> str:
        """What it is called: Olist is a marketplace; the sellers that others tell may be brands."""
        return "marketplace" if self.connector == "olist" else "shop"

    @property
    def in_currency(self) -> str:
        """What stands behind the name of an amount: `, GBP`; nothing where the currency is not known."""
        return f", {self.currency}" if self.currency else ""

    def amount(self, value: float | None, places: int = 2) -> str:
        """An amount with the code of the currency in front: GBP 12.30."""
        return UNKNOWN if value is None else self.written(f"{value:,.{places}f}")

    def money(self, value: float | None) -> str:
        """An amount rounded to what a sentence bears: GBP 7.0 million, GBP 54,048, GBP 350."""
        if value is None:
            return UNKNOWN
        for size, word in ((1e9, "billion"), (1e6, "million")):
            if abs(value) >= size * 0.9995:
                return self.written(f"{value / size:,.1f} {word}")
        return self.written(f"{value:,.0f}")

    def written(self, number: str) -> str:
        """A number that is written already, with the code of the currency in front."""
        return f"{self.currency} {number}" if self.currency else number


def read_shop(connection: duckdb.DuckDBPyConnection) -> Shop:
    """The shop that the tables are of; Olist for those of a release that knew no other."""
    if "shop" not in present_tables(connection):
        return Shop()
    return shop_of(query_rows(connection, "select * from shop"))


def shop_of(rows: Sequence[Mapping[str, Any]]) -> Shop:
    """The shop of the rows of the table shop, which are one; none in a build without rows."""
    known = {field.name for field in fields(Shop)}
    return Shop(**{name: value for name, value in rows[0].items() if name in known}) if rows else Shop()
