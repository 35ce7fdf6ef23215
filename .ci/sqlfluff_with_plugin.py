"""sqlfluff with the project's dbt plugin, which dbt loads by itself and sqlfluff's templater does not."""

from __future__ import annotations

import sys

import dbt.adapters.duckdb
from olist_segments.dbt_io.duckdb_adapter import DuckDBAdapter
from sqlfluff.cli.commands import cli

if __name__ == "__main__":
    dbt.adapters.duckdb.Plugin.adapter = DuckDBAdapter
    sys.exit(cli())
