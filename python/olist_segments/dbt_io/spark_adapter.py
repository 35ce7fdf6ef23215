"""The dbt adapter for Spark sessions: see `dbt_olist_segments`, which hands it to dbt. Needs the extra `spark`."""

from __future__ import annotations

import logging
import os
import re
import shutil
import socket
import subprocess
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
from dbt.adapters.base.impl import PythonJobHelper
from dbt.adapters.base.meta import available
from dbt.adapters.contracts.connection import Connection
from dbt.adapters.spark import SparkAdapter as SparkAdapterOfDbt
from dbt.adapters.spark import SparkConnectionManager
from dbt_common.exceptions import DbtRuntimeError
from py4j.protocol import Py4JNetworkError  # type: ignore[import-untyped]
from pyspark.errors import AnalysisException
from pyspark.logger import PySparkLogger
from pyspark.sql import SparkSession

from olist_segments.connectors.engine import Inputs
from olist_segments.connectors.spark_inputs import SparkInputs
from olist_segments.dbt_io.project_adapter import ProjectAdapter
from olist_segments.errors import UserError
from olist_segments.loading.engine import Rows, RowsOf
from olist_segments.loading.spark_files import SparkFiles

OLDEST_JAVA = 17
CONNECT_PORT = 15002
CONNECT_SECONDS = 5
ENDED = (
    "Spark has ended while a Python model read from it, most likely for want of memory: set OLIST_SPARK_MEMORY to more "
    "than it had (3g, if it is not set), and build again."
)


class SessionConnections(SparkConnectionManager):
    """dbt-spark's connections, opened only where a session can be."""

    @classmethod
    def open(cls, connection: Connection) -> Connection:
        """Open `connection`; DbtRuntimeError with one sentence where there is no Java, or no server."""
        if not os.environ.get("SPARK_REMOTE"):
            # Set to nothing, it would count for PySpark as an address.
            os.environ.pop("SPARK_REMOTE", None)
        check_setup(os.environ.get("SPARK_REMOTE", ""))
        # PySpark prints the Java stack of a query that failed, as one line of JSON; dbt tells what was wrong with it.
        PySparkLogger.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)
        return super().open(connection)


class SessionJob(PythonJobHelper):
    """Runs a compiled Python model in the session that dbt's SQL runs in."""

    def __init__(self, parsed_model: Mapping[str, Any], credentials: Any) -> None:
        self.name = parsed_model["name"]

    def submit(self, compiled_code: str) -> None:
        """Run the model, whose code ends by writing its table."""
        names = {"__name__": self.name, "spark": SparkSession.builder.getOrCreate()}
        try:
            exec(compile(compiled_code, self.name, "exec"), names)
        except UserError as error:
            raise DbtRuntimeError(str(error)) from None
        except (Py4JNetworkError, ConnectionError):
            raise DbtRuntimeError(ENDED) from None
        except Exception as error:
            raise DbtRuntimeError(f"Python model failed:\n{''.join(traceback.format_exception(error))}") from error


class SparkTables:
    """Source tables of campaigns; see `campaigns.load.SourceTables`. The files lie beside this process."""

    def __init__(self, rows_of: RowsOf) -> None:
        self._rows_of = rows_of

    def relation(self, name: str, columns: Mapping[str, str], rows: str | Rows) -> str:
        """See SourceTables."""
        if isinstance(rows, str):
            with duckdb.connect() as connection:
                rows = connection.sql(rows).fetchall()
        # Without a zone PySpark would take a moment for one of the clock on the wall here.
        zoned = [
            tuple(value.replace(tzinfo=UTC) if isinstance(value, datetime) else value for value in row) for row in rows
        ]
        schema = ", ".join(f"{column} {kind.replace('varchar', 'string')}" for column, kind in columns.items())
        SparkSession.builder.getOrCreate().createDataFrame(zoned, schema=schema).createOrReplaceTempView(name)
        return name

    def make(self, tables: Mapping[str, str]) -> None:
        """One after the other."""
        for table, query in tables.items():
            self._rows_of(f"drop table if exists {table}")
            self._rows_of(f"create table {table} as {query}")


class SparkAdapter(ProjectAdapter, SparkAdapterOfDbt):
    """dbt-spark's adapter with Python models in the session, and a way to find files; dbt goes by the class's name."""

    ConnectionManager = SessionConnections

    @property
    def default_python_submission_method(self) -> str:
        """The one way to run a Python model."""
        return "session"

    @property
    def python_submission_helpers(self) -> dict[str, type[PythonJobHelper]]:
        """The helper of each submission method."""
        return {"session": SessionJob}

    def raw_files(self) -> SparkFiles:
        """See ProjectAdapter."""
        return SparkFiles(self.rows_of, self.find_files)

    def inputs(self, *, is_logged: bool) -> Inputs:
        """See ProjectAdapter."""
        return SparkInputs(self.raw_files(), self.list_files, keep_value)

    def source_tables(self) -> SparkTables:
        """See ProjectAdapter."""
        return SparkTables(self.rows_of)

    def list_files(self, folder: str) -> list[str]:
        """The files in a folder as Spark reads them, in the order of their names; none where there is no folder."""
        return _paths(folder)

    @available
    def find_files(self, path: str) -> list[str]:
        """The file at `path` as Spark reads it, a list of one or none; DbtRuntimeError for a path like a pattern."""
        if re.search(r"[\[\]{}*?\\]", path):
            raise DbtRuntimeError(
                f"'{path}' holds one of [ ] {{ }} * ? \\, by which Spark would take it for a pattern: rename the "
                "folder."
            )
        return _paths(path)


def keep_value(relation: str, column: str, value: str) -> None:
    """A view of one row and column, made past dbt's log."""
    SparkSession.builder.getOrCreate().createDataFrame([(value,)], f"{column} string").createOrReplaceTempView(relation)


def _paths(path: str) -> list[str]:
    """The file at a path, or those in a folder."""
    session = SparkSession.builder.getOrCreate()
    try:
        rows = session.read.format("binaryFile").load(path).select("path").collect()
    except AnalysisException as error:
        if error.getCondition() == "PATH_NOT_FOUND":
            return []
        raise DbtRuntimeError(str(error)) from error
    return sorted(row.path for row in rows)


@lru_cache(maxsize=1)
def check_setup(remote: str) -> None:
    """DbtRuntimeError, one sentence, unless a session can be had: a server at `remote`, or Java where that is empty."""
    fault = server_fault(remote) if remote else java_fault(java_path())
    if fault:
        raise DbtRuntimeError(fault)


def server_fault(remote: str) -> str | None:
    """What is wrong with the Spark Connect server that `remote` (`sc://host:port/…`) names, if anything."""
    parts = urlsplit(remote)
    try:
        port = parts.port or CONNECT_PORT
    except ValueError:
        port = 0
    if parts.scheme != "sc" or not parts.hostname or not port:
        return (
            f"SPARK_REMOTE is '{remote}', which is no address of a Spark Connect server: write it as "
            f"sc://host:{CONNECT_PORT}."
        )
    try:
        with socket.create_connection((parts.hostname, port), timeout=CONNECT_SECONDS):
            return None
    except OSError as error:
        return (
            f"No Spark Connect server answers at {parts.hostname}:{port} ({error.strerror or error}): start it, or "
            "unset SPARK_REMOTE to run Spark in this process."
        )


def java_path() -> str | None:
    """The Java that Spark would start: that of JAVA_HOME, or else the first on the PATH."""
    home = os.environ.get("JAVA_HOME")
    return str(Path(home) / "bin" / "java") if home else shutil.which("java")


def java_fault(java: str | None) -> str | None:
    """What is wrong with the Java at the path `java`, if anything."""
    advice = f"install Java {OLDEST_JAVA} or newer and set JAVA_HOME, or set SPARK_REMOTE to a Spark Connect server."
    if java is None:
        return f"Spark needs Java and none is on the PATH: {advice}"
    try:
        told = subprocess.run([java, "-version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return f"Spark needs Java and '{java}' does not run: {advice}"
    version = re.search(r'version "(?:1\.)?(\d+)', told.stderr + told.stdout)
    if version and int(version.group(1)) < OLDEST_JAVA:
        return f"Spark needs Java {OLDEST_JAVA} and '{java}' is Java {version.group(1)}: {advice}"
    return None
