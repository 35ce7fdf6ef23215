"""What Python models read and write."""

from __future__ import annotations

from types import SimpleNamespace

import duckdb
import pandas as pd
import pytest
from olist_segments.dbt_io.frames import read, read_existing, read_neighbour, written


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
