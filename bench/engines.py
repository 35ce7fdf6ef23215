"""The same build on DuckDB and on Spark in one process, at two sizes: what a customer-month costs on each."""

from __future__ import annotations

import shutil
from pathlib import Path

from common import ORDERS, PYTHON, WITHOUT_TESTS, customer_months, dbt, generate, kinds

TIMES = (1, 3)


def section(home: Path) -> list[str]:
    """Build each size on both engines in sub-folders of `home`; the lines of the table. Needs `make install-spark`."""
    rows: list[str] = []
    sizes: list[int] = []
    walls: dict[str, list[float]] = {"DuckDB": [], "Spark": []}
    for times in TIMES:
        data = home / str(times)
        generate(data, times * ORDERS, "--format", "parquet")
        for engine, seconds in walls.items():
            folder = home / engine
            wall, results = dbt(folder, data, "build", "--target", engine.lower(), *WITHOUT_TESTS)
            if engine == "DuckDB":
                sizes.append(customer_months(folder))
            seconds.append(wall)
            rows.append(f"| {times} | {sizes[-1]:,} | {engine} | {wall:.0f} | {kinds(results)[PYTHON]:.0f} |")
            shutil.rmtree(folder)
    slopes = {engine: (seconds[-1] - seconds[0]) / (sizes[-1] - sizes[0]) * 1e6 for engine, seconds in walls.items()}
    return [
        "## On Spark in one process",
        "",
        "First builds without tests, Parquet in, on `local[*]`, the start of the engine included.",
        "",
        "| times Olist | customer-months | engine | build, s | Python models, summed over nodes, s |",
        "|---:|---:|---|---:|---:|",
        *rows,
        "",
        "A million customer-months more cost "
        + " and ".join(f"{slope:.0f} s on {engine}" for engine, slope in slopes.items())
        + ".",
    ]
