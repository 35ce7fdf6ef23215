"""Building throw-away warehouses with dbt, and comparing their tables."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from dbt_here import PROJECT, opened, run_dbt

__all__ = ["BUILD", "FEW_CANDIDATES", "PROJECT", "SAMPLE", "Warehouse"]

SAMPLE = PROJECT / "data" / "sample"
# All but the tests.
BUILD = ("build", "--exclude-resource-type", "test", "unit_test")
# Enough to fit a model and to let it age where neither the choice among candidates nor the figures are what is tested.
FEW_CANDIDATES: dict[str, object] = {
    "candidate_algorithms": ["kmeans"],
    "candidate_k_max": 6,
    "stability_resamples": 20,
    "ageing_horizon_days": 14,
    "ageing_noise_refits": 2,
    "ageing_resamples": 50,
}
# Columns that hold the time of day at which something ran.
CLOCK_COLUMNS = {"fitted_at", "seconds"}


@dataclass(frozen=True)
class Warehouse:
    """A warehouse file, the folder that dbt writes to while it builds it, and the one it is published to."""

    home: Path
    published_to: Path | None = None

    @property
    def path(self) -> Path:
        return self.home / "warehouse.duckdb"

    @property
    def serving(self) -> Path:
        return self.published_to or self.home / "serving"

    @property
    def campaigns(self) -> Path:
        """Where the campaign log is looked for; mostly there is none."""
        return self.home / "campaigns"

    @property
    def places(self) -> dict[str, str]:
        """Where commands find the warehouse and what is published from it."""
        return {
            "OLIST_WAREHOUSE": str(self.path),
            "OLIST_SERVING_DIR": str(self.serving),
            "OLIST_CAMPAIGN_DIR": str(self.campaigns),
        }

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | self.places

    @property
    def schema_on_spark(self) -> str:
        """The schema of the tables where the target of its runs is Spark."""
        return ""

    def environment_of(self, data: Path) -> dict[str, str]:
        """What a run of dbt on `data` is told by its environment."""
        return self.places | {
            "OLIST_DATA_DIR": str(data),
            "DBT_TARGET_PATH": str(self.home / "target"),
            "DBT_LOG_PATH": str(self.home / "logs"),
        }

    def dbt(
        self,
        *arguments: str,
        data: Path,
        variables: Mapping[str, object] | None = None,
        threads: int = 2,
        succeeds: bool = True,
        alone: bool = False,
    ) -> str:
        """Run dbt in the project on `data`; its output. Fails the test when it does not end as `succeeds` says.

        In this process, or `alone` in one of its own where that is part of what is tested.
        """
        if not alone:
            self.home.mkdir(parents=True, exist_ok=True)
            given = [*arguments, "--threads", str(threads)]
            ended = run_dbt(given, self.environment_of(data), variables, self.schema_on_spark)
            assert ended.success is succeeds, ended.output
            return ended.output
        process = self.start(*arguments, data=data, variables=variables, threads=threads)
        try:
            output = process.communicate()[0]
        except BaseException:
            process.kill()
            raise
        assert (process.returncode == 0) is succeeds, output
        return output

    def start(
        self, *arguments: str, data: Path, variables: Mapping[str, object] | None = None, threads: int = 2
    ) -> subprocess.Popen[str]:
        """Start dbt in the project on `data`, in a process group of its own; all it prints comes from one pipe."""
        self.home.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "dbt.cli.main", "--no-use-colors"]
        return subprocess.Popen(
            [*command, *arguments, "--threads", str(threads), "--vars", json.dumps(dict(variables or {}))],
            cwd=PROJECT,
            env=os.environ | self.environment_of(data),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def build(self, data: Path, *arguments: str, **options: object) -> str:
        """`dbt build` without tests."""
        return self.dbt(*BUILD, *arguments, data=data, **options)  # type: ignore[arg-type]

    def query(self, sql: str) -> pd.DataFrame:
        with opened(self.path) as connection:
            return connection.sql(sql).df()

    def table_digests(self, apart: Collection[str] = CLOCK_COLUMNS) -> dict[str, str]:
        """One md5 a table over all its rows in the order they are stored in; the columns `apart` are left out."""
        with opened(self.path) as connection:
            tables = connection.sql(
                "select table_name, column_name from duckdb_columns() where schema_name = 'main' and not internal "
                "and table_name in (select table_name from duckdb_tables()) order by table_name, column_index"
            ).fetchall()
            columns: dict[str, list[str]] = {}
            for table, column in tables:
                if column not in apart:
                    columns.setdefault(table, []).append(column)
            digests = {}
            for table, names in columns.items():
                row = " || '|' || ".join(f"coalesce({name}::varchar, '∅')" for name in names)
                rows = connection.sql(f"select md5(string_agg({row}, chr(10) order by rowid)) from {table}").fetchall()
                digests[table] = str(rows[0][0])
            return digests
