"""A person removed from the nine files is gone: from the warehouse and from all that is served, to the last byte."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from marketplaces import read_tables, write_tables
from nights import REFIT, SETTINGS, WHOLE, Nights, copy_of
from olist_segments.errors import UserError
from olist_segments.serving.publish import publish
from olist_segments.serving.reader import sql_text
from served_folders import change, checked_manifest, note_as_whole, run_publish
from warehouses import Warehouse

pytestmark = pytest.mark.slow

# Leaves rows of a person in the log beside the file, as a process does that is killed.
KILLED = """
import os, signal, sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("create table main.leftover as select ? as customer_unique_id", [sys.argv[2]])
connection.execute("drop table main.leftover")
os.kill(os.getpid(), signal.SIGKILL)
"""
HELD = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1], read_only=True)
print("open", flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class Erased:
    """The files without one person, all ids that spoke of that person, and a warehouse built of the files before."""

    data: Path
    ids: tuple[str, ...]
    before: Warehouse
    built_again: Warehouse
    output: str

    @property
    def person(self) -> str:
        return self.ids[0]


@pytest.fixture(scope="module")
def erased(nights: Nights, built_tonight: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Erased:
    home, before = tmp_path_factory.mktemp("erased"), built_tonight
    persons = before.query(
        "select customer_unique_id from customer_segments where not is_review_missing order by total_spend desc limit 1"
    )
    person = str(persons["customer_unique_id"].iloc[0])
    remaining, ids = without(read_tables(nights.tonight), {person})
    assert len(ids) >= 4
    files = write_tables(remaining, home / "data")
    again = copy_of(before, home / "again")
    output = again.dbt(*WHOLE, data=files, variables=SETTINGS)
    return Erased(files, (person, *sorted(ids - {person})), before, again, output)


def without(tables: dict[str, pd.DataFrame], people: set[str]) -> tuple[dict[str, pd.DataFrame], set[str]]:
    """The tables without all rows of `people`, and every id that only those rows had."""
    customers = tables["olist_customers_dataset"]
    records = set(customers.loc[customers["customer_unique_id"].isin(people), "customer_id"])
    orders = tables["olist_orders_dataset"]
    of_people = {"customer_id": records, "order_id": set(orders.loc[orders["customer_id"].isin(records), "order_id"])}
    remaining = {}
    for name, table in tables.items():
        gone = pd.Series(False, index=table.index)
        for column in set(of_people) & set(table.columns):
            gone |= table[column].isin(of_people[column])
        remaining[name] = table[~gone]
    named: dict[str, set[str]] = {
        column: set() for column in ("customer_unique_id", "customer_id", "order_id", "review_id")
    }
    left: dict[str, set[str]] = {column: set() for column in named}
    for column in named:
        for name, table in tables.items():
            if column in table.columns:
                named[column] |= set(table[column])
                left[column] |= set(remaining[name][column])
    return remaining, set().union(*(named[column] - left[column] for column in named))


def count(warehouse: Warehouse, query: str) -> int:
    """The one whole number that `query` gives."""
    return int(warehouse.query(query).to_numpy()[0, 0])


def with_bytes(paths: Iterable[Path], ids: Iterable[str]) -> list[str]:
    """The files that hold one of the ids as it is written."""
    sought = [text.encode() for text in ids]
    return [path.name for path in paths if any(text in path.read_bytes() for text in sought)]


def with_values(paths: Iterable[Path], ids: Iterable[str]) -> list[str]:
    """The tables, in databases and in Parquet files, of which a cell holds one of the ids: compression hides bytes."""
    wanted = ", ".join(sql_text(text) for text in ids)
    found = []
    with duckdb.connect() as connection:
        for path in paths:
            for relation, texts in relations_of(connection, path).items():
                named = " or ".join(f'"{column}" in ({wanted})' for column in texts)
                if connection.execute(f"select 1 from {relation} where {named} limit 1").fetchall():
                    found.append(f"{path.name}: {relation}")
            connection.execute("detach database if exists sought")
    return found


def relations_of(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, list[str]]:
    """What of a file has columns of text, and which: itself where it is Parquet, its tables where it is a database."""
    if path.suffix == ".parquet":
        described = connection.execute(f"describe from '{path}'").fetchall()
        texts = [column for column, kind, *_ in described if kind == "VARCHAR"]
        return {f"'{path}'": texts} if texts else {}
    if path.suffix != ".duckdb":
        return {}
    connection.execute(f"attach '{path}' as sought (read_only)")
    tables = connection.execute(
        "select schema_name, table_name, list(column_name) from duckdb_columns() where database_name = 'sought' and "
        "data_type = 'VARCHAR' and table_oid in (select table_oid from duckdb_tables() where database_name = 'sought') "
        "group by all"
    )
    return {f'sought."{schema}"."{table}"': texts for schema, table, texts in tables.fetchall()}


def files_of(warehouse: Warehouse) -> list[Path]:
    """The warehouse with all that lies beside it under its name, and every file under the serving folder."""
    beside = [path for path in warehouse.home.rglob("*") if str(path).startswith(str(warehouse.path))]
    return [path for path in (*beside, *warehouse.serving.rglob("*")) if path.is_file() and not path.is_symlink()]


def test_the_next_build_drops_the_labels_of_a_person_and_says_so(erased: Erased) -> None:
    assert (
        "The files no longer hold 1 customer of this warehouse: 1 label of model versions dropped. "
        "olist-segments publish removes what is left of them in the files." in erased.output
    )
    labels = "select count(*) from fit_segment_labels"
    assert count(erased.built_again, labels) == count(erased.before, labels) - 1
    model = "from segment_model"
    pd.testing.assert_frame_equal(erased.built_again.query(model), erased.before.query(model), check_exact=True)
    # No table holds a trace any more, but the file does: what follows would find it.
    assert with_values([erased.built_again.path], erased.ids) == []
    assert with_bytes([erased.built_again.path], erased.ids) == ["warehouse.duckdb"]
    assert len(with_values(files_of(erased.before), erased.ids)) > 20


def test_two_publishes_leave_no_byte_of_a_person(erased: Erased, tmp_path: Path) -> None:
    warehouse = copy_of(erased.built_again, tmp_path / "published")
    tables = warehouse.table_digests(apart=())
    first = publish(warehouse.serving, warehouse.path)
    assert (
        f"Rewrote '{warehouse.path}' without what was left in the file of customers whom it no longer holds." in first
    )
    assert "1 customer of the build published before is gone from the data" in first
    assert with_bytes([warehouse.path], erased.ids) == []
    shown = [path for path in (warehouse.serving / "current").resolve().rglob("*") if path.is_file()]
    assert with_bytes(shown, erased.ids) == with_values(shown, erased.ids) == []

    second = publish(warehouse.serving, warehouse.path)
    assert "Rewrote" not in second
    assert "gone from the data" not in second
    files = files_of(warehouse)
    assert len(files) > 70
    assert with_bytes(files, erased.ids) == with_values(files, erased.ids) == []
    # Everything else is as it was, comments and notes included.
    assert warehouse.table_digests(apart=()) == tables
    checked_manifest(warehouse.serving)
    comments = "select comment from duckdb_columns() where not internal order by table_name, column_name"
    pd.testing.assert_frame_equal(warehouse.query(comments), erased.built_again.query(comments))
    # dbt goes on with the file, views included.
    warehouse.dbt("run", "--select", "ageing_features", "customer_segments", data=erased.data, variables=SETTINGS)


def test_what_killed_runs_left_beside_the_file_is_forgotten_too(erased: Erased, tmp_path: Path) -> None:
    warehouse = copy_of(erased.built_again, tmp_path / "killed")
    killed = subprocess.run([sys.executable, "-c", KILLED, str(warehouse.path), erased.person], check=False)
    assert killed.returncode == -signal.SIGKILL
    spilled = Path(f"{warehouse.path}.tmp") / "duckdb_temp_storage_DEFAULT-0.tmp"
    spilled.parent.mkdir()
    spilled.write_bytes(b"\0" * 100 + erased.person.encode())
    unfinished = Path(f"{warehouse.path}.fresh")
    shutil.copy(erased.before.path, unfinished)
    left = {"warehouse.duckdb", "warehouse.duckdb.wal", spilled.name, unfinished.name}
    assert left <= set(with_bytes(files_of(warehouse), erased.ids))
    for _ in range(2):
        publish(warehouse.serving, warehouse.path)
    assert with_bytes(files_of(warehouse), erased.ids) == []
    assert [path.name for path in warehouse.home.glob("warehouse.duckdb*")] == ["warehouse.duckdb"]


def test_a_build_that_is_kept_for_its_versions_keeps_nothing_of_the_person(erased: Erased, tmp_path: Path) -> None:
    warehouse = copy_of(erased.built_again, tmp_path / "kept")
    kept = (warehouse.serving / "current").resolve()
    for table in ("segment_versions", "fit_segment_model"):
        change(warehouse, f"update {table} set fitted_at = fitted_at + interval 1 day")
    assert "held model versions that this warehouse does not know" in publish(warehouse.serving, warehouse.path)
    publish(warehouse.serving, warehouse.path)
    publish(warehouse.serving, warehouse.path)
    files = files_of(warehouse)
    assert with_bytes(files, erased.ids) == with_values(files, erased.ids) == []
    assert sorted(path.name for path in kept.rglob("*") if path.is_file()) == [
        *("fit_forecast_candidates.parquet", "fit_forecast_model.parquet", "fit_lifecycle_boundaries.parquet"),
        *("fit_segment_candidates.parquet", "fit_segment_labels.parquet"),
        *("fit_segment_model.parquet", "fit_segment_refits.parquet", "manifest.json"),
    ]
    # What is left is taken back by a warehouse that starts empty.
    fresh = Warehouse(tmp_path / "fresh", kept)
    output = fresh.dbt("run", "--select", "stg_olist__orders", data=erased.data, variables=SETTINGS)
    assert "those published in" in output
    rows = "select count(*) from fit_segment_labels"
    assert count(fresh, rows) == count(erased.built_again, rows)


def test_versions_taken_back_bring_nobody_back(erased: Erased, tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "empty", erased.before.serving)
    output = warehouse.dbt("run", "--select", "stg_olist__orders", data=erased.data, variables=SETTINGS)
    assert "were taken back" in output
    assert "1 label of model versions dropped" in output
    assert with_values([warehouse.path], erased.ids) == []
    assert warehouse.query("select max(lost_customer_count) from build_log.builds").iloc[0, 0] == 1


def test_a_warehouse_that_cannot_be_rewritten_now_is_told_and_rewritten_by_the_next_publish(
    erased: Erased, tmp_path: Path
) -> None:
    warehouse = copy_of(erased.built_again, tmp_path / "read")
    with subprocess.Popen(
        [sys.executable, "-c", HELD, str(warehouse.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdout is not None
        assert reader.stdin is not None
        assert reader.stdout.readline() == "open\n"
        result = run_publish(warehouse)
        reader.stdin.close()
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
    assert "the tables are published, but " in result.stderr
    assert "publish again" in result.stderr
    checked_manifest(warehouse.serving)
    assert with_bytes([warehouse.path], erased.ids)
    assert "Rewrote" in publish(warehouse.serving, warehouse.path)
    assert with_bytes(files_of(warehouse), erased.ids) == []


def test_labels_of_another_shops_customers_are_kept_until_a_refit(erased: Erased, tmp_path: Path) -> None:
    tables = read_tables(erased.data)
    customers = tables["olist_customers_dataset"]
    people = sorted(set(customers["customer_unique_id"]))
    # Of each ten persons four stay: fewer than half.
    others = {person: f"{number:032d}" for number, person in enumerate(people) if number % 10 >= 4}
    tables["olist_customers_dataset"] = customers.assign(
        customer_unique_id=customers["customer_unique_id"].replace(others)
    )
    data = write_tables(tables, tmp_path / "others")
    warehouse = copy_of(erased.built_again, tmp_path / "mistaken")
    labels = "select count(*) from fit_segment_labels"
    before = count(warehouse, labels)
    run = ("run", "--select", "stg_olist__orders")
    output = warehouse.dbt(*run, data=data, variables=SETTINGS)
    assert "they are another shop's, and the labels of the others are kept" in output
    assert count(warehouse, labels) == before
    output = warehouse.dbt(*run, data=data, variables=REFIT)
    dropped = before - count(warehouse, labels)
    assert f"{dropped} labels of model versions dropped" in output
    assert 0.5 * before < dropped < before


def test_a_note_of_lost_customers_outlives_a_build_that_came_to_nothing(erased: Erased, tmp_path: Path) -> None:
    """Whoever was lost in a run that was not whole is still in the file when the whole build finds nobody lost."""
    warehouse = copy_of(erased.before, tmp_path / "halfway")
    warehouse.dbt("run", "--select", "+customers", data=erased.data, variables=SETTINGS)
    with pytest.raises(UserError, match="was not a whole dbt build"):
        publish(warehouse.serving, warehouse.path)
    assert "no longer hold" not in warehouse.build(erased.data, variables=SETTINGS)
    note_as_whole(warehouse)
    assert with_bytes([warehouse.path], erased.ids)
    assert "Rewrote" in publish(warehouse.serving, warehouse.path)
    assert with_bytes([warehouse.path], erased.ids) == []
    assert os.access(warehouse.path, os.W_OK)
