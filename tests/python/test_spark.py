"""The same project on Apache Spark: every table equal to DuckDB's, and wrong set-ups told in one sentence.

`make test-spark` runs these; OLIST_SPARK_CLUSTER=1 adds a build on a real master with two workers.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
import yaml
from campaign_logs import forget, log_rows, people_of, write_log
from marketplaces import cut_at, read_tables, write_tables
from nights import WHOLE
from olist_segments.campaigns.inputs import forgotten_digest
from olist_segments.generator import Settings, generate
from olist_segments.generator.shapes import SHAPE_NAMES, ShapeName
from olist_segments.serving.publish import publish
from warehouses import CLOCK_COLUMNS, FEW_CANDIDATES, PROJECT, SAMPLE, Warehouse

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.environ.get("OLIST_TEST_SPARK") != "1", reason="make test-spark runs these"),
]

SCHEMA = "olist_segments"
# What depends on the clock, and what digests the SQL text of an engine.
NOT_COMPARED = CLOCK_COLUMNS | {"inputs_digest"}
TOLERANCE = 1e-9
CONNECT_SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer"


@dataclass(frozen=True)
class SparkWarehouse(Warehouse):
    """Parquet tables and the metastore below `spark_home`, written in the session of the tests or by a server."""

    spark_home: Path = field(kw_only=True)
    schema: str = SCHEMA
    remote: str = ""

    @property
    def places(self) -> dict[str, str]:
        return super().places | {
            "OLIST_SPARK_HOME": str(self.spark_home),
            "OLIST_SPARK_SCHEMA": self.schema,
            "SPARK_REMOTE": self.remote,
        }

    @property
    def schema_on_spark(self) -> str:
        return self.schema

    def dbt(self, *arguments: str, data: Path, **options: Any) -> str:
        """In this process, whose one session all tests share; beside it where a server has the session."""
        return super().dbt(*arguments, "--target", "spark", data=data, **{"alone": bool(self.remote)} | options)

    def folder(self, table: str) -> Path:
        return self.spark_home / "warehouse" / f"{self.schema}.db" / table

    def files(self, table: str) -> str:
        """The Parquet files of a table, of which a table by date has a folder for every date."""
        return str(self.folder(table) / "**" / "*.parquet")

    def files_of_dates(self, table: str) -> dict[str, set[str]]:
        """Date → names of the files that hold it, which differ whenever they are written anew."""
        return {
            folder.name.removeprefix("as_of_date="): {file.name for file in folder.glob("*.parquet")}
            for folder in self.folder(table).glob("as_of_date=*")
        }


@pytest.fixture(scope="session")
def spark_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the session of the tests keeps its tables."""
    with pytest.MonkeyPatch.context() as patch:
        # Each query of the sample runs once, so the JVM's second compiler is left out, but not its room for code.
        patch.setenv("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m")
        yield tmp_path_factory.mktemp("spark_home")


@pytest.fixture
def small_spark(tmp_path: Path, spark_home: Path) -> SparkWarehouse:
    """A warehouse without tables, beside that of the whole builds."""
    from pyspark.sql import SparkSession

    if (spark_home / "warehouse").exists():
        for schema in ("small", "small_raw"):
            SparkSession.builder.getOrCreate().sql(f"drop schema if exists {schema} cascade")
    return SparkWarehouse(tmp_path / "small", spark_home=spark_home, schema="small")


def faults_of(spark: SparkWarehouse, warehouse: Warehouse, min_tables: int = 41) -> list[str]:
    """Every way in which a table on Spark is not the table on DuckDB: one text a table and column."""
    faults = []
    with duckdb.connect(str(warehouse.path), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        tables = connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'main' order by table_name"
        ).fetchall()
        assert len(tables) >= min_tables
        for (table,) in tables:
            columns = types(connection, f"main.{table}")
            there = types(connection, f"read_parquet('{spark.files(table)}')")
            if set(columns) != set(there):
                faults.append(f"{table}: columns {set(columns) ^ set(there)} stand on one side only")
                continue
            names = [name for name in columns if name not in NOT_COMPARED]
            here = rows(connection, f"main.{table}", names, columns)
            other = rows(connection, f"read_parquet('{spark.files(table)}')", names, columns)
            if len(here) != len(other):
                faults.append(f"{table}: {len(here)} rows on DuckDB, {len(other)} on Spark")
                continue
            for name in names:
                differs = ~equal(here[name], other[name], is_double=columns[name] == "DOUBLE")
                if differs.any():
                    first = int(np.argmax(differs))
                    faults.append(
                        f"{table}.{name}: {differs.sum()} of {len(here)} rows differ, such as "
                        f"{here[name].iloc[first]!r} on DuckDB and {other[name].iloc[first]!r} on Spark"
                    )
    return faults


def types(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    described = connection.execute(f"describe select * from {relation}").fetchall()
    return {name: kind for name, kind, *_ in described}


def rows(
    connection: duckdb.DuckDBPyConnection, relation: str, names: list[str], columns: dict[str, str]
) -> pd.DataFrame:
    """The rows in the order of their exact columns, then of their rounded doubles."""
    doubles = [name for name in names if columns[name] == "DOUBLE"]
    exact = [name for name in names if name not in doubles]
    order = ", ".join([*exact, *(f"round({name}, 6)" for name in doubles)])
    shown = ", ".join(f"cast({name} as {columns[name]}) as {name}" for name in names)
    return connection.execute(f"select {shown} from {relation} order by {order}").df()


def equal(here: pd.Series[Any], other: pd.Series[Any], *, is_double: bool) -> np.ndarray[Any, np.dtype[np.bool_]]:
    if is_double:
        return np.isclose(here.to_numpy(float), other.to_numpy(float), TOLERANCE, TOLERANCE, equal_nan=True)
    return ((here == other) | (here.isna() & other.isna())).to_numpy(bool)


RAW_TABLES = (
    "shop",
    "input_columns",
    "input_counts",
    "olist_orders_dataset",
    "olist_customers_dataset",
    "olist_order_items_dataset",
    "olist_order_payments_dataset",
    "olist_products_dataset",
    "olist_sellers_dataset",
)


@pytest.mark.parametrize("name", SHAPE_NAMES)
def test_a_connector_gives_the_same_raw_tables(
    name: ShapeName, small_spark: SparkWarehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = tmp_path / "files"
    generate(Settings(300, 3), files, shape=name)
    monkeypatch.setenv("OLIST_CONNECTOR", name)
    monkeypatch.setenv("OLIST_ID_SALT", "the salt of these tests")
    warehouse = Warehouse(tmp_path / "duckdb")
    for built in (warehouse, small_spark):
        built.dbt("run", "--select", "stg_olist__sellers", data=files)
    home = small_spark.spark_home / "warehouse" / f"{small_spark.schema}_raw.db"
    with duckdb.connect(str(warehouse.path), read_only=True) as connection:
        for table in RAW_TABLES:
            columns = ", ".join(types(connection, f"raw.{table}"))
            here = connection.execute(f"select {columns} from raw.{table} order by all").fetchall()
            there = connection.execute(
                f"select {columns} from read_parquet('{home}/{table}/*.parquet') order by all"
            ).fetchall()
            assert there == here, table


REFIT = {**FEW_CANDIDATES, "refit": True}


@pytest.fixture(scope="session")
def duckdb_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A version taken back and one fitted on top of it, published; and campaigns."""
    warehouse = Warehouse(tmp_path_factory.mktemp("duckdb"))
    earlier = Warehouse(warehouse.home / "earlier")
    earlier.dbt(*WHOLE, data=SAMPLE, variables=FEW_CANDIDATES)
    publish(earlier.serving, earlier.path)
    shutil.copytree(earlier.serving, warehouse.serving, symlinks=True)
    warehouse.dbt(*WHOLE, data=SAMPLE, variables=REFIT)
    publish(warehouse.serving, warehouse.path)
    write_campaigns(warehouse)
    data = warehouse.home / "data"
    shutil.copytree(SAMPLE, data)
    suppress(warehouse, data)
    warehouse.build(data, "--select", "path:models/campaigns", "build_warnings", "alerts", variables=FEW_CANDIDATES)
    return warehouse


def first_version(warehouse: Warehouse) -> Path:
    """The folder with the version that `warehouse` took back."""
    return warehouse.home / "earlier" / "serving"


def write_campaigns(warehouse: Warehouse) -> None:
    """One campaign that is over, with forgotten people, and one that runs, over the people of `warehouse`."""
    over, running = dt.date(2018, 5, 31), dt.date(2018, 7, 31)
    rows = log_rows(people_of(warehouse.path, over), "spring", over, {"holdout": 0.3, "letter": 0.3, "call": 0.4})
    write_log(warehouse.campaigns, forget(rows, set(rows["customer_unique_id"].head(5))))
    rows = log_rows(people_of(warehouse.path, running), "summer", running, {"holdout": 0.5, "letter": 0.5}, priority=2)
    gone = rows.head(1).assign(customer_unique_id="gone from the files")
    write_log(warehouse.campaigns, pd.concat([rows, gone]))
    line = f"{forgotten_digest(rows['customer_unique_id'].iloc[7])},2018-08-01"
    (warehouse.campaigns / "forgotten.csv").write_text(f"forgotten_digest,forgotten_on\n{line}\n")


def suppress(warehouse: Warehouse, data: Path) -> None:
    """Two of the people of `warehouse`, and somebody whom nobody knows."""
    people = warehouse.query("select customer_unique_id from customer_segments order by 1 limit 2")[
        "customer_unique_id"
    ]
    lines = [f'{people[0]},"asked, twice",2018-07-01', f"{people[1]},moved,", "nobody,,"]
    (data / "suppressed_customers.csv").write_text("\n".join(["customer_unique_id,reason,since", *lines]) + "\n")


@pytest.fixture(scope="session")
def spark_warehouse(
    tmp_path_factory: pytest.TempPathFactory, spark_home: Path, duckdb_warehouse: Warehouse
) -> SparkWarehouse:
    """The same, from CSV files: the first version taken back as on DuckDB, the second fitted here, unit tests run.

    OLIST_SPARK_TABLES_ONLY=1 leaves all of dbt's tests out.
    """
    published = first_version(duckdb_warehouse)
    warehouse = SparkWarehouse(tmp_path_factory.mktemp("spark"), published, spark_home=spark_home)
    data = write_tables(read_tables(SAMPLE), warehouse.home / "csv", "csv")
    shutil.copytree(duckdb_warehouse.campaigns, warehouse.campaigns)
    suppress(duckdb_warehouse, data)
    if os.environ.get("OLIST_SPARK_TABLES_ONLY") == "1":
        warehouse.build(data, variables=REFIT)
    else:
        warehouse.dbt("build", data=data, variables=REFIT)
    return warehouse


def test_every_table_is_that_of_duckdb(spark_warehouse: SparkWarehouse, duckdb_warehouse: Warehouse) -> None:
    assert faults_of(spark_warehouse, duckdb_warehouse) == []
    versions = duckdb_warehouse.query("select model_version from segment_versions order by 1")["model_version"]
    assert list(versions) == [1, 2]
    for table in ("campaigns", "campaign_results", "policy_value", "suppressed_customers"):
        assert duckdb_warehouse.query(f"select count(*) as n from {table}")["n"][0] > 1


def test_faults_are_found(duckdb_warehouse: Warehouse, spark_warehouse: SparkWarehouse, tmp_path: Path) -> None:
    changed = Warehouse(tmp_path)
    shutil.copy(duckdb_warehouse.path, changed.path)
    with duckdb.connect(str(changed.path)) as connection:
        connection.execute("update segment_profiles set avg_total_spend = avg_total_spend * (1 + 1e-7)")
        connection.execute("delete from orders where rowid = 0")
    faults = faults_of(spark_warehouse, changed)
    assert len(faults) == 2
    assert faults[0].startswith("orders: ")
    assert faults[1].startswith("segment_profiles.avg_total_spend: ")


def test_a_night_writes_the_dates_whose_inputs_changed(small_spark: SparkWarehouse, tmp_path: Path) -> None:
    """The date of the night before is gone, that of tonight is new, and a date that a killed build left out is back."""
    from pyspark.sql import SparkSession

    last_night, tonight, lost = dt.date(2018, 6, 14), dt.date(2018, 6, 15), "2018-03-31"
    nights = {
        date: write_tables(cut_at(read_tables(SAMPLE), date), tmp_path / str(date)) for date in (last_night, tonight)
    }
    tables = ("customer_features_monthly", "rfm_segments_monthly")
    selected = ("--select", "+rfm_segments_monthly", "+lifecycle_stages")
    small_spark.build(nights[last_night], *selected)
    written = {table: small_spark.files_of_dates(table) for table in tables}
    session = SparkSession.builder.getOrCreate()
    rfm_segments = f"{small_spark.schema}.rfm_segments_monthly"
    session.sql(f"alter table {rfm_segments} unset tblproperties ('inputs_digest.{lost}')")
    session.sql(f"alter table {rfm_segments} drop partition (as_of_date = '{lost}')")

    small_spark.build(nights[tonight], *selected)
    for table, first_written in zip(tables, (str(last_night), lost), strict=True):
        files = small_spark.files_of_dates(table)
        assert set(files) == set(written[table]) - {str(last_night)} | {str(tonight)}
        kept = {date for date in files if files[date] == written[table].get(date)}
        assert kept == {date for date in files if date < first_written}, table
        assert len(kept) > 3
    warehouse = Warehouse(tmp_path / "duckdb")
    warehouse.build(nights[tonight], *selected)
    assert faults_of(small_spark, warehouse, min_tables=10) == []


def test_spark_takes_published_versions_back(duckdb_warehouse: Warehouse, small_spark: SparkWarehouse) -> None:
    spark = replace(small_spark, published_to=duckdb_warehouse.serving)
    told = spark.dbt("run", "--select", "stg_olist__sellers", data=SAMPLE)
    assert "up to version 2, were taken back" in told
    for table in ("fit_segment_candidates", "fit_segment_model", "fit_segment_labels"):
        taken = duckdb.execute(
            f"select model_version, count(*) from '{spark.files(table)}' group by 1 order by 1"
        ).fetchall()
        assert taken == [
            (row.model_version, row.n)
            for row in duckdb_warehouse.query(
                f"select model_version, count(*) as n from {table} group by 1 order by 1"
            ).itertuples()
        ]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            ",delivered,2017",
            ",delivered,17",
            "olist_orders_dataset.csv, row 1, column order_purchase_timestamp: '17-",
        ),
        (
            "order_id,customer_id,order_status",
            "order_id,customer,order_status",
            "olist_orders_dataset.csv has no column 'customer_id'",
        ),
        ("\n", "\no1,c1\n", "olist_orders_dataset.csv, row 1: the row has not the 8 fields of the header ('o1,c1')"),
    ],
)
def test_a_broken_file_is_refused_in_one_sentence(
    old: str, new: str, sentence: str, small_spark: SparkWarehouse, tmp_path: Path
) -> None:
    tables = read_tables(SAMPLE)
    orders = tables["olist_orders_dataset"]
    is_whole = (orders["order_status"] == "delivered") & orders["order_purchase_timestamp"].dt.year.eq(2017)
    data = write_tables({**tables, "olist_orders_dataset": orders[is_whole]}, tmp_path / "data", "csv")
    path = data / "olist_orders_dataset.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    told = small_spark.dbt("run", "--select", "stg_olist__orders", data=data, succeeds=False)
    assert sentence in told


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"SPARK_REMOTE": "sc://127.0.0.1:1"}, "No Spark Connect server answers at 127.0.0.1:1 (Connection refused)"),
        ({"SPARK_REMOTE": "127.0.0.1"}, "SPARK_REMOTE is '127.0.0.1', which is no address of a Spark Connect server"),
        ({"JAVA_HOME": "/nowhere"}, "Spark needs Java and '/nowhere/bin/java' does not run: install Java 17 or newer"),
    ],
)
def test_a_wrong_set_up_is_told_in_one_sentence(
    environment: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    warehouse = SparkWarehouse(tmp_path, spark_home=tmp_path, remote=environment.get("SPARK_REMOTE", ""))
    told = warehouse.dbt("run", "--select", "stg_olist__sellers", data=SAMPLE, succeeds=False, alone=True)
    assert sentence in told
    assert "Traceback" not in told


def test_a_folder_named_like_a_pattern_is_refused_in_one_sentence(small_spark: SparkWarehouse, tmp_path: Path) -> None:
    for name in ("olist[1]", "olist1"):
        shutil.copytree(SAMPLE, tmp_path / name)
    told = small_spark.dbt("run", "--select", "stg_olist__sellers", data=tmp_path / "olist[1]", succeeds=False)
    assert "olist[1]" in told
    assert "by which Spark would take it for a pattern: rename the folder." in told
    assert "Traceback" not in told


def test_an_old_java_is_refused(tmp_path: Path) -> None:
    from olist_segments.dbt_io.spark_adapter import java_fault

    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho 'openjdk version \"1.8.0_412\"' >&2\n")
    java.chmod(0o755)
    assert str(java_fault(str(java))).startswith(f"Spark needs Java 17 and '{java}' is Java 8: install")
    assert str(java_fault(None)).startswith("Spark needs Java and none is on the PATH: install")


def test_a_python_model_for_which_spark_has_no_memory_ends_in_one_sentence(tmp_path: Path) -> None:
    """In a process of its own, with the options of the profile: it waited for ever where Spark lost threads."""
    profiles = yaml.safe_load((PROJECT / "profiles.yml").read_text(encoding="utf-8"))["olist_segments"]
    given = profiles["outputs"]["spark"]["server_side_parameters"]["spark.driver.extraJavaOptions"].split()
    options = " ".join(option for option in given if option.startswith("-XX"))
    script = tmp_path / "model.py"
    script.write_text(
        f"""
from olist_segments.dbt_io.spark_adapter import SessionJob
from pyspark.sql import SparkSession

settings = {{"spark.driver.memory": "512m", "spark.driver.extraJavaOptions": {options!r}, "spark.ui.enabled": "false"}}
SparkSession.builder.config(map=settings).getOrCreate()
SessionJob({{"name": "fit_something"}}, None).submit(
    "names = [f'id / {{n}} as x{{n}}' for n in range(2, 12)];"
    "spark.range(20_000_000).selectExpr('id', *names).orderBy('x2').toPandas()"
)
""",
        encoding="utf-8",
    )
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=300)
    assert ended.returncode == 1
    assert "Spark has ended while a Python model read from it" in ended.stderr


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes], seconds: int = 120) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as attempt:
            attempt.settimeout(1)
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.5)
    raise AssertionError(f"nothing listens on port {port}")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[SparkWarehouse]:
    """A master, two workers and a Spark Connect server, all from the pip package, and the warehouse that they write."""
    import pyspark

    bin_folder = Path(pyspark.__file__).parent / "bin"
    master_port, connect_port = free_port(), free_port()
    master = f"spark://127.0.0.1:{master_port}"
    deploy = "org.apache.spark.deploy"
    warehouse = SparkWarehouse(tmp_path, spark_home=tmp_path / "spark", remote=f"sc://127.0.0.1:{connect_port}")
    settings = {
        "spark.connect.grpc.binding.port": connect_port,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "2g",
        "spark.executor.memory": "1g",
        "spark.ui.enabled": "false",
        "spark.sql.catalogImplementation": "hive",
        "spark.sql.warehouse.dir": warehouse.spark_home / "warehouse",
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={tmp_path}/metastore;create=true",
    }
    server = [option for name, value in settings.items() for option in ("--conf", f"{name}={value}")]
    worker = f"--host 127.0.0.1 --cores 1 --memory 2g --webui-port 0 --work-dir {tmp_path / 'work'}".split()
    commands = [
        ["spark-class", f"{deploy}.master.Master", *f"--host 127.0.0.1 --port {master_port} --webui-port 0".split()],
        ["spark-class", f"{deploy}.worker.Worker", master, *worker],
        ["spark-class", f"{deploy}.worker.Worker", master, *worker],
        ["spark-submit", "--master", master, *server, "--class", CONNECT_SERVER, "spark-internal"],
    ]
    environment = {name: value for name, value in os.environ.items() if name != "SPARK_REMOTE"}
    with ExitStack() as stack:
        processes = []
        for number, (program, *arguments) in enumerate(commands):
            log = stack.enter_context((tmp_path / f"{number}.log").open("wb"))
            processes.append(
                subprocess.Popen(
                    [str(bin_folder / program), *arguments],
                    cwd=tmp_path,
                    env=environment | {"SPARK_LOCAL_IP": "127.0.0.1"},
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            )
            stack.callback(processes[-1].wait)
            stack.callback(processes[-1].terminate)
            if number == 0:
                wait_for(master_port, processes[0])
        wait_for(connect_port, processes[-1])
        yield warehouse
        registered = (tmp_path / "0.log").read_text().count("Registering worker")
        assert registered == 2


@pytest.mark.skipif(os.environ.get("OLIST_SPARK_CLUSTER") != "1", reason="starts four Java processes")
def test_a_cluster_of_two_workers_builds_the_same(cluster: SparkWarehouse, duckdb_warehouse: Warehouse) -> None:
    cluster = replace(cluster, published_to=first_version(duckdb_warehouse))
    data = duckdb_warehouse.home / "data"
    shutil.copytree(duckdb_warehouse.campaigns, cluster.campaigns)
    cluster.dbt(*WHOLE, data=data, variables=REFIT)
    assert faults_of(cluster, duckdb_warehouse) == []
