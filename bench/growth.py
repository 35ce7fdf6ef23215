"""How the cost of a first build and of a night grows with the data, up to thirty times Olist."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
from common import (
    BUILD,
    ORDERS,
    PROJECT,
    REPEATS,
    WITHOUT_TESTS,
    customer_months,
    dbt_environment,
    forget_builds,
    generate,
    middle,
    without_last_day,
)

TIMES = (1, 3, 10, 30)
MEMORY_LIMIT = "4GB"
# Larger ones are built once: chance is small beside what they take.
REPEATED_UP_TO = 3


def resident_bytes(root: int) -> int:
    """Memory of a process and all its descendants, shared pages counted in each."""
    pages = 0
    waiting = [root]
    while waiting:
        process = waiting.pop()
        try:
            pages += int(Path(f"/proc/{process}/statm").read_text().split()[1])
            for thread in Path(f"/proc/{process}/task").iterdir():
                waiting += [int(child) for child in (thread / "children").read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return pages * os.sysconf("SC_PAGE_SIZE")


def measured_build(home: Path, data: Path, *options: str) -> tuple[float, float]:
    """A build: seconds on the wall and the peak of resident memory in GB."""
    command = [sys.executable, "-m", "dbt.cli.main", "--quiet", *options]
    environment = dbt_environment(home, data) | {"OLIST_MEMORY_LIMIT": MEMORY_LIMIT}
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=PROJECT, env=environment)
    peak = 0
    ended = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not ended.wait(0.2):
            peak = max(peak, resident_bytes(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = process.wait()
    seconds = time.perf_counter() - start
    ended.set()
    watcher.join()
    if code:
        raise subprocess.CalledProcessError(code, command)
    return seconds, peak / 1e9


def take_as_tested(home: Path) -> None:
    """Note of all dates that their tests passed: the first build ran none, and a night tests what it writes."""
    with duckdb.connect(str(home / "warehouse.duckdb")) as warehouse:
        warehouse.execute("update build_log.dates_built set is_tested = true")


def section(home: Path) -> list[str]:
    """Build every size in sub-folders of `home`, each removed when it is measured; the lines of the table."""
    rows = []
    first: tuple[float, float, int] | None = None
    for times in TIMES:
        folder = home / str(times)
        data = folder / "data"
        generate(data, times * ORDERS, "--format", "parquet")
        yesterday = without_last_day(data, folder / "yesterday")
        builds, nights = [], []
        for _ in range(REPEATS if times <= REPEATED_UP_TO else 1):
            forget_builds(folder)
            builds.append(measured_build(folder, yesterday, "build", *WITHOUT_TESTS))
            take_as_tested(folder)
            nights.append(measured_build(folder, data, *BUILD))
        (build, peak), (night, peak_of_night) = middle(builds), middle(nights)
        months = customer_months(folder)
        first = first or (build, night, months)
        rows.append(
            f"| {times} | {times * ORDERS:,} | {months:,} | {months / first[2]:.1f} × | {build:.0f} "
            f"| {build / first[0]:.1f} × | {peak:.1f} | {night:.0f} | {night / first[1]:.1f} × | {peak_of_night:.1f} "
            f"| {(folder / 'warehouse.duckdb').stat().st_size / 1e9:.1f} |"
        )
        shutil.rmtree(folder)
    return [
        "## How cost grows",
        "",
        "First builds without tests, and nights with one new day and the data tests of what they write, Parquet in,",
        f"DuckDB held to {MEMORY_LIMIT} and spilling beyond; medians of {REPEATS} runs up to {REPEATED_UP_TO} times",
        "Olist, one run beyond. Memory is that of dbt and all its processes together, file the warehouse, both in GB.",
        "",
        "| times | orders | customer-months | data | first build, s | cost | peak | night, s | cost | peak | file |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
        *rows,
    ]
