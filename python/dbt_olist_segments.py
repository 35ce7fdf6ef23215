"""What the project adds to dbt's adapters: found by dbt because its name begins with `dbt_`.

With the target `duckdb` dbt says in one sentence that the warehouse is in use, where it would print a stack trace.

dbt-spark submits Python models to Databricks only, finds no files and tells a wrong set-up by a stack trace. With the
target `spark` this plugin gives dbt an adapter that runs Python models in the Spark session already open (in process,
or that of `SPARK_REMOTE`), finds files for the loader of raw files, and says in one sentence what is missing.

What the other target needs is not imported.
"""

from __future__ import annotations

import sys

from dbt.plugins.manager import dbtPlugin


class Adapters(dbtPlugin):
    """Puts the project's adapter in the place of dbt's, for the target's engine."""

    def initialize(self) -> None:
        """Called by dbt once it has read profile and project, and before it makes an adapter."""
        if self.project_name != "olist_segments":
            return
        dbt_duckdb = sys.modules.get("dbt.adapters.duckdb")
        if dbt_duckdb is not None:
            from olist_segments.dbt_io.duckdb_adapter import DuckDBAdapter

            dbt_duckdb.Plugin.adapter = DuckDBAdapter
        dbt_spark = sys.modules.get("dbt.adapters.spark")
        if dbt_spark is not None:
            from olist_segments.dbt_io.spark_adapter import SparkAdapter

            dbt_spark.Plugin.adapter = SparkAdapter


plugins = [Adapters]
