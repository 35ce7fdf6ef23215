"""sqlfluff with the project's dbt plugin, which dbt loads by itself and sqlfluff's templater does not."""

from __future__ import annotations

import sys

# The plugin looks for the adapters that are loaded.
import dbt.adapters.duckdb  # noqa: F401
from dbt_olist_segments import Adapters
from sqlfluff.cli.commands import cli

if __name__ == "__main__":
    Adapters("olist_segments")
    sys.exit(cli())
