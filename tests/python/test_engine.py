"""What Python models read and write, and when the contract asks for a refit."""

from __future__ import annotations

from types import SimpleNamespace

import duckdb
import pandas as pd
import pytest
from olist_segments.dbt_io.frames import read, read_existing, read_neighbour, written
from olist_segments.selection.versions import contract_asks_for_refit

TODAY = pd.Timestamp("2018-08-31")


class This:
    schema = "main"

    def __str__(self) -> str:
        return "main.fitted"


def model(*, is_incremental: bool) -> SimpleNamespace:
    return SimpleNamespace(this=This(), is_incremental=is_incremental)


@pytest.fixture
def session() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(
        "create table fitted as select * from (values (2, 'b'), (1, 'c'), (1, 'a')) as t (version, name)"
    )
    return connection


def test_rows_come_in_the_order_asked_for(session: duckdb.DuckDBPyConnection) -> None:
    assert list(read(session.table("fitted"), order_by="version, name")["name"]) == ["a", "c", "b"]


def test_a_first_build_has_nothing_before_it(session: duckdb.DuckDBPyConnection) -> None:
    assert read_existing(model(is_incremental=False), session) is None
    existing = read_existing(model(is_incremental=True), session)
    assert existing is not None
    assert len(existing) == 3


def test_a_table_beside_the_model_may_be_missing(session: duckdb.DuckDBPyConnection) -> None:
    neighbour = read_neighbour(model(is_incremental=True), session, "fitted")
    assert neighbour is not None
    assert len(neighbour) == 3
    assert read_neighbour(model(is_incremental=True), session, "maintenance_contract") is None


def test_duckdb_writes_the_rows_as_they_are(session: duckdb.DuckDBPyConnection) -> None:
    rows = pd.DataFrame({"version": [3]})
    assert written(model(is_incremental=True), session, rows, replaces="version") is rows


@pytest.mark.parametrize(
    ("version", "is_the_contract", "is_broken", "due_date", "asks"),
    [
        (1, True, True, "2018-12-31", True),
        (1, True, False, "2018-08-30", True),
        (1, True, False, "2018-08-31", False),
        (1, True, False, None, False),
        (1, False, True, "2018-01-01", False),
        (2, True, True, "2018-01-01", False),
    ],
)
def test_the_contract_of_the_version_in_force_asks_for_a_refit(
    version: int, is_the_contract: bool, is_broken: bool, due_date: str | None, asks: bool
) -> None:
    contract = pd.DataFrame(
        {
            "model_version": [version],
            "is_the_contract": [is_the_contract],
            "is_broken_today": [is_broken],
            "due_date": [pd.NaT if due_date is None else pd.Timestamp(due_date)],
        }
    )
    assert contract_asks_for_refit(contract, 1, TODAY) is asks


def test_no_contract_asks_for_nothing() -> None:
    assert not contract_asks_for_refit(None, 1, TODAY)
