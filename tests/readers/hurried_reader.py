"""Reads what is served without a pause until a file `stop` appears; prints one JSON object of what it saw.

Arguments: the serving folder; `fresh` to open the database anew for every reading, or `held` to keep the one opened
first; the file that stops it. Stops with an error at the first reading whose tables aren't those of its manifest.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import duckdb

QUERY = "select (select count(*) from customer_segments), (select sum(customer_count)::bigint from segment_profiles)"


def manifest(folder: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return read


def customers(of: dict[str, Any]) -> int:
    return int(of["tables"]["customer_segments"]["rows"])


def checked(seen: tuple[int, int], before: dict[str, Any], after: dict[str, Any], where: str) -> None:
    """Tables that agree with each other, and with the manifest; with one of the two where it changed meanwhile."""
    if seen[0] != seen[1] or seen[0] not in (customers(before), customers(after)):
        sys.exit(f"{where}: {seen} is neither build {before['build']} nor {after['build']}")


def read_fresh(folder: Path) -> tuple[set[str], bool]:
    before = manifest(folder)
    with duckdb.connect(str(folder / "segments.duckdb"), read_only=True) as connection:
        seen = connection.execute(QUERY).fetchall()[0]
    with duckdb.connect() as connection:
        rows = connection.execute(f"select count(*) from '{folder}/parquet/customer_segments.parquet'").fetchall()[0][0]
    after = manifest(folder)
    checked(seen, before, after, "segments.duckdb")
    checked((rows, rows), before, after, "parquet")
    return {before["build"], after["build"]}, before["build"] == after["build"]


folder, kind, stop = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
builds: set[str] = set()
seconds: list[float] = []
within_one_build = 0
opened = manifest(folder)
held = duckdb.connect(str(folder / "segments.duckdb"), read_only=True) if kind == "held" else None
if held is not None and manifest(folder)["build"] != opened["build"]:
    sys.exit("a build was published while the reader started")
print("ready", flush=True)
while not stop.exists():
    start = time.perf_counter()
    if held is None:
        seen, is_one = read_fresh(folder)
        builds |= seen
        within_one_build += is_one
    else:
        checked(held.execute(QUERY).fetchall()[0], opened, opened, "the connection opened first")
        builds.add(opened["build"])
        within_one_build += 1
    seconds.append(time.perf_counter() - start)
print(json.dumps({"builds": sorted(builds), "seconds": seconds, "within_one_build": within_one_build}))
