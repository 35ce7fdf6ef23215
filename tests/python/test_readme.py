"""README.md: what it shows of `make build` is what `make build` gives."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from decimal import Decimal

import duckdb
import pytest
from dbt_here import PROJECT
from olist_segments.generator import Settings, generate
from olist_segments.serving.contract import read_contract, render
from olist_segments.serving.publish import publish
from olist_segments.serving.summary import summary
from warehouses import Warehouse

PAGE = (PROJECT / "README.md").read_text(encoding="utf-8")
ORDERS = 100_000


@pytest.fixture(scope="module")
def marketplace(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """What `make build` builds and publishes, by the command that it runs."""
    home = tmp_path_factory.mktemp("marketplace")
    generate(Settings(ORDERS), home / "data")
    warehouse = Warehouse(home)
    command = [sys.executable, "-m", "olist_segments.build"]
    environment = os.environ | warehouse.environment_of(home / "data")
    built = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout
    assert "Built and tested in " in built.stdout
    publish(warehouse.serving, warehouse.path)
    return warehouse


def block_with(words: str) -> str:
    """The one block of output in which `words` stand, in one line."""
    (found,) = [block for block in re.findall(r"^```\n(.*?)^```$", PAGE, flags=re.M | re.S) if words in block]
    return " ".join(found.split())


def cell(value: object) -> str:
    """A value as the tables of the page show it."""
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else str(value)


@pytest.mark.slow
def test_the_page_shows_what_the_build_gives(marketplace: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLIST_SERVING_DIR", str(marketplace.serving))
    monkeypatch.setenv("OLIST_WAREHOUSE", str(marketplace.path))
    assert block_with("customers by stage") in " ".join(summary().split())
    assert block_with("kept in the backtest") in " ".join(render(read_contract(), "text").split())
    shown = re.findall(r"^```sql\n(.*?)^```\n\n((?:^\|[^\n]*\n)+)", PAGE, flags=re.M | re.S)
    assert len(shown) == 3
    with duckdb.connect(str(marketplace.serving / "segments.duckdb"), read_only=True) as connection:
        for query, table in shown:
            told = [[part.strip() for part in line.strip("|").split("|")] for line in table.splitlines()]
            relation = connection.sql(query)
            assert told[0] == relation.columns
            rows = [[cell(value) for value in row] for row in relation.fetchall()]
            assert [[rounded(value) for value in row] for row in told[2:]] == [
                [rounded(value) for value in row] for row in rows
            ]


def rounded(value: str) -> str | Decimal:
    """A number without zeros at its end, or the text."""
    return Decimal(value).normalize() if re.fullmatch(r"-?\d+\.\d+", value) else value
