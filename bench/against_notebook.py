"""The whole build against the usual notebook, on the same files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from common import ORDERS, PYTHON, dbt, generate, kinds
from notebook import SAMPLED_SILHOUETTES, SILHOUETTES

NOTEBOOK = Path(__file__).parent / "notebook.py"


def section(home: Path) -> list[str]:
    """Run the notebook's script and a first build with all tests in the folder `home`; the lines of the table."""
    data = home / "data"
    generate(data, ORDERS)
    script = subprocess.run([sys.executable, str(NOTEBOOK), str(data)], check=True, capture_output=True, text=True)
    steps: dict[str, float] = json.loads(script.stdout)
    sampled = steps.pop(SAMPLED_SILHOUETTES)
    usual = sum(steps.values())
    careful = usual - steps[SILHOUETTES] + sampled
    ours, results = dbt(home, data, "build")
    python = kinds(results)[PYTHON]
    rows = [(f"notebook: {name}", seconds) for name, seconds in steps.items()]
    rows += [("notebook, all steps", usual), (f"the same with {SAMPLED_SILHOUETTES}", careful)]
    rows += [("dbt build, cold, all tests", ours), ("… of which Python models, summed over nodes", python)]
    return [
        "## Against the usual notebook",
        "",
        "`bench/notebook.py` merges the nine files, makes RFM features and a review score, scans k with silhouettes,",
        "tries other algorithms and refits in 26 weeks; it tests nothing and keeps no history. The build judges its",
        "candidates on resamples, scores every month, simulates ageing from every other week and runs all tests.",
        "Usual is the silhouette of everybody at every k; a careful notebook takes a sample.",
        "",
        "| step | seconds | of the usual notebook | of the careful one |",
        "|---|---:|---:|---:|",
        *(f"| {name} | {seconds:.1f} | {seconds / usual:.0%} | {seconds / careful:.0%} |" for name, seconds in rows),
    ]
