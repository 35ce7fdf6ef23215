"""Every benchmark, in one run: prints the tables and writes them to bench/results.md.

Usage: python bench/run.py [SECTION …], by default all of them, but for Spark's where Spark is not installed. While
other work runs nothing is measured: every figure would be of both.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import against_notebook
import build_phases
import cdnow
import choice
import contract
import engines
import growth
import recovery
import sample_size
import scoring

RESULTS = Path(__file__).parent / "results.md"
SECTIONS = {
    "build": build_phases.section,
    "notebook": against_notebook.section,
    "growth": growth.section,
    "spark": engines.section,
    "scoring": scoring.section,
    "sample": sample_size.section,
    "recovery": recovery.section,
    "choice": choice.section,
    "contract": contract.section,
    "cdnow": cdnow.section,
}
MOST_LOAD = 1.5
PACKAGES = ("dbt-core", "dbt-duckdb", "duckdb", "numpy", "scikit-learn")


def processor() -> str:
    """What the processor is called, or its architecture."""
    try:
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1] if found else platform.machine()


def written_sections() -> dict[str, str]:
    """The sections of results.md by name, as they were written last."""
    text = RESULTS.read_text() if RESULTS.exists() else ""
    return dict(re.findall(r"<!-- (\w+) -->\n(.*?)(?=\n<!-- \w+ -->|\Z)", text, re.S))


def main(names: list[str]) -> int:
    """Run the named sections, or all, and put them in the place of what results.md says of them."""
    unknown = [name for name in names if name not in SECTIONS]
    if unknown:
        print(f"There is no section {unknown[0]!r}: use {', '.join(SECTIONS)}.", file=sys.stderr)
        return 2
    load = os.getloadavg()[0]
    if load > MOST_LOAD:
        print(
            f"Other work is running (a load of {load:.1f} in the last minute): wait until it is below {MOST_LOAD}, and "
            "run this again. Nothing was measured.",
            file=sys.stderr,
        )
        return 2
    if not names:
        names = [name for name in SECTIONS if name != "spark" or find_spec("pyspark")]
    sections = written_sections()
    for name in names:
        home = Path(tempfile.mkdtemp(prefix="olist-bench-"))
        try:
            sections[name] = "\n".join(SECTIONS[name](home)).strip() + "\n"
        finally:
            shutil.rmtree(home)
        print(sections[name])
        lines = [
            "# Benchmarks",
            "",
            f"Written by `make bench` on {os.cpu_count()} cores ({processor()}), a load of {load:.1f} at the start,",
            f"Python {platform.python_version()},",
            ", ".join(f"{package} {version(package)}" for package in PACKAGES) + ".",
            "Ratios are measured side by side in one run of their section; `python bench/run.py SECTION` repeats one.",
        ]
        told = [f"<!-- {name} -->\n{sections[name]}" for name in SECTIONS if name in sections]
        RESULTS.write_text("\n".join([*lines, "", *told]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
