"""A build that fits nothing: it loads nothing that fits, and reads none of the large tables that fits are made on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from dbt_here import PROJECT
from nights import SETTINGS, Nights, copy_of
from warehouses import Warehouse

FITTING = ["sklearn", "joblib", "clvkit", "scipy.optimize", "scipy.stats", "scipy.cluster"]
LARGE = ["segment_fit_input", "ageing_features", "forecast_features", "fit_segment_labels", "past_model_input"]

# Frames are what is read, whoever asks for them.
NIGHT = f"""
import sys

from dbt.cli.main import dbtRunner
from olist_segments.dbt_io import frames

most = 0
read = frames.read


def counted(*arguments, **options):
    global most
    frame = read(*arguments, **options)
    most = max(most, len(frame))
    return frame


frames.read = counted
ended = dbtRunner().invoke(sys.argv[1:])
print("loaded:", *(module for module in {FITTING} if module in sys.modules))
print("most rows:", most)
sys.exit(not ended.success)
"""


@pytest.mark.slow
def test_a_night_that_fits_nothing_loads_and_reads_nothing_for_it(
    built_tonight: Warehouse, nights: Nights, tmp_path: Path
) -> None:
    warehouse = copy_of(built_tonight, tmp_path / "copy")
    large = warehouse.query(" union all ".join(f"select count(*) as row_count from {table}" for table in LARGE))[
        "row_count"
    ]
    command = ("--quiet", "run", "--select", "models/**/fit_*.py")
    ended = subprocess.run(
        [sys.executable, "-c", NIGHT, *command, "--vars", json.dumps(SETTINGS)],
        cwd=PROJECT,
        env=os.environ | warehouse.environment_of(nights.tonight),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    told = dict(line.split(":", 1) for line in ended.stdout.splitlines() if ":" in line)
    assert told["loaded"].split() == []
    assert int(told["most rows"]) < large.min()
