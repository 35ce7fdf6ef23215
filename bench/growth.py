"""How cost grows with the data, up to thirty times Olist."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

from common import ORDERS, PROJECT, WITHOUT_TESTS, customer_months, dbt_environment, generate, timed

TIMES = (1, 3, 10, 30)
MEMORY_LIMIT = "4GB"


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


def measured_build(home: Path, data: Path) -> tuple[float, float]:
    """A first build without tests: seconds on the wall and the peak of resident memory in GB."""
    command = [sys.executable, "-m", "dbt.cli.main", "--quiet", "build"]
    environment = dbt_environment(home, data) | {"OLIST_MEMORY_LIMIT": MEMORY_LIMIT}
    start = time.perf_counter()
    process = subprocess.Popen([*command, *WITHOUT_TESTS], cwd=PROJECT, env=environment)
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


def section(home: Path) -> list[str]:
    """Build every size in sub-folders of `home`, each removed when it is measured; the lines of the table."""
    rows = []
    first: tuple[float, int] | None = None
    for times in TIMES:
        folder = home / str(times)
        data = folder / "data"
        orders = times * ORDERS
        generation = timed(partial(generate, data, orders, "--format", "parquet"))
        seconds, gigabytes = measured_build(folder, data)
        months = customer_months(folder)
        first = first or (seconds, months)
        rows.append(
            f"| {times} | {orders:,} | {months:,} | {generation:.1f} | {orders / generation:,.0f} | {seconds:.0f} "
            f"| {seconds / first[0]:.1f} × | {months / first[1]:.1f} × | {gigabytes:.1f} "
            f"| {(folder / 'warehouse.duckdb').stat().st_size / 1e9:.1f} |"
        )
        shutil.rmtree(folder)
    return [
        "## How cost grows",
        "",
        f"First builds without tests, Parquet in, DuckDB held to {MEMORY_LIMIT} and spilling beyond. Memory is that of",
        "dbt and all its processes together, file the warehouse, both in GB.",
        "",
        "| times Olist | orders | customer-months | generate, s | orders/s | build, s | cost | data | peak | file |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
        *rows,
    ]
