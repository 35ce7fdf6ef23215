"""The whole build against the usual notebook, on the same files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from common import ORDERS, PYTHON, dbt, generate, kinds

NOTEBOOK = Path(__file__).parent / "notebook.py"


def section(home: Path) -> list[str]:
    """Run the notebook's script and a first build with all tests in the folder `home`; the lines of the table."""
    data = home / "data"
    generate(data, ORDERS)
    script = subprocess.run([sys.executable, str(NOTEBOOK), str(data)], check=True, capture_output=True, text=True)
    steps: dict[str, float] = json.loads(script.stdout)
    theirs = sum(steps.values())
    ours, results = dbt(home, data, "build")
    python = kinds(results)[PYTHON]
    return [
        "## Against the usual notebook",
        "",
        "`bench/notebook.py` merges the nine files, makes RFM features and a review score, scans k with silhouettes,",
        "tries other algorithms and refits in 26 weeks; it tests nothing and keeps no history. The build judges its",
        "candidates on resamples, scores every month, simulates ageing from every other week and runs all tests.",
        "",
        "| step | seconds | of the notebook |",
        "|---|---:|---:|",
        *(f"| notebook: {name} | {seconds:.1f} | {seconds / theirs:.0%} |" for name, seconds in steps.items()),
        f"| notebook, all steps | {theirs:.1f} | 100% |",
        f"| dbt build, cold, all tests | {ours:.1f} | {ours / theirs:.0%} |",
        f"| … of which Python models, summed over nodes | {python:.1f} | {python / theirs:.0%} |",
    ]
