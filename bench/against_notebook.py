"""The whole build against a careful notebook, on the same files."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

from common import BUILD, PYTHON, REPEATS, dbt, forget_builds, given_or_generated, kinds
from notebook import SILHOUETTE_ROWS

NOTEBOOK = Path(__file__).parent / "notebook.py"


def section(home: Path) -> list[str]:
    """Run the notebook's script and a first build with all data tests in turn, in `home`; the lines of the table."""
    data, words = given_or_generated(home, "csv")
    steps: dict[str, list[float]] = {}
    ours: list[float] = []
    python: list[float] = []
    for _ in range(REPEATS):
        script = subprocess.run([sys.executable, str(NOTEBOOK), str(data)], check=True, capture_output=True, text=True)
        for step, seconds in json.loads(script.stdout).items():
            steps.setdefault(step, []).append(seconds)
        forget_builds(home)
        wall, results = dbt(home, data, *BUILD)
        ours.append(wall)
        python.append(kinds(results)[PYTHON])
    whole = statistics.median(map(sum, zip(*steps.values(), strict=True)))
    rows = [(f"notebook: {step}", statistics.median(seconds)) for step, seconds in steps.items()]
    rows += [("notebook, all steps", whole), ("dbt build, cold, all data tests", statistics.median(ours))]
    rows += [("… of which Python models, summed over nodes", statistics.median(python))]
    return [
        "## Against a careful notebook",
        "",
        "`bench/notebook.py` merges the nine files, makes RFM features and a review score, scans k with silhouettes",
        f"of a sample of {SILHOUETTE_ROWS:,} customers, tries other algorithms and refits in 26 weeks; it tests",
        "nothing and keeps no history. The build judges its candidates on resamples, scores every month, simulates",
        "ageing from every other week and runs all data tests.",
        f"Both run in turn on {words}; medians of {REPEATS} runs.",
        "",
        "| step | seconds | of the notebook |",
        "|---|---:|---:|",
        *(f"| {name} | {seconds:.1f} | {seconds / whole:.0%} |" for name, seconds in rows),
    ]
