"""Every benchmark, in one run: prints the tables and writes them to bench/results.md.

Usage: python bench/run.py [SECTION …], by default all of them.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import against_notebook
import build_phases
import growth
import recovery
import sample_size
import scoring

RESULTS = Path(__file__).parent / "results.md"
SECTIONS = {
    "build": build_phases.section,
    "notebook": against_notebook.section,
    "growth": growth.section,
    "scoring": scoring.section,
    "sample": sample_size.section,
    "recovery": recovery.section,
}
PACKAGES = ("dbt-core", "dbt-duckdb", "duckdb", "numpy", "scikit-learn")


def main(names: list[str]) -> int:
    """Run the named sections; only a run of all of them is written down."""
    unknown = [name for name in names if name not in SECTIONS]
    if unknown:
        print(f"There is no section {unknown[0]!r}: use {', '.join(SECTIONS)}.", file=sys.stderr)
        return 2
    home = Path(tempfile.mkdtemp(prefix="olist-bench-"))
    lines = [
        "# Benchmarks",
        "",
        f"Written by `make bench` on {os.cpu_count()} cores ({platform.machine()}), "
        f"Python {platform.python_version()},",
        ", ".join(f"{package} {version(package)}" for package in PACKAGES) + ".",
    ]
    try:
        for name in names or SECTIONS:
            (home / name).mkdir()
            lines += ["", *SECTIONS[name](home / name)]
    finally:
        shutil.rmtree(home)
    text = "\n".join(lines) + "\n"
    print(text)
    if not names:
        RESULTS.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
