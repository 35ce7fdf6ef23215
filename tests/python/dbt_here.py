"""dbt in this process: the project is parsed once per checkout, and a run costs what it builds."""

from __future__ import annotations

import fcntl
import functools
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from olist_segments.ageing import simulation
from olist_segments.selection import candidates

PROJECT = Path(__file__).resolve().parents[2]
PARSED = PROJECT / "target" / "pytest"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Alone among the workers of pytest-xdist and whoever else tests this checkout."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@functools.cache
def parsed_project() -> Manifest:
    """The project as dbt reads it; only the first worker parses, the others read what it left."""
    with locked(PARSED / "lock"), pytest.MonkeyPatch.context() as patch:
        patch.chdir(PROJECT)
        # dbt parses anew whenever the profile differs, so it is given the same warehouse each time.
        patch.setenv("OLIST_WAREHOUSE", str(PARSED / "warehouse.duckdb"))
        for name in ("OLIST_MEMORY_LIMIT", "OLIST_TEMP_DIR"):
            patch.delenv(name, raising=False)
        arguments = ["--quiet", "parse", "--target-path", str(PARSED), "--log-path", str(PARSED / "logs")]
        parsed = dbtRunner().invoke(arguments)
    assert parsed.success, parsed.exception
    assert isinstance(parsed.result, Manifest)
    return parsed.result


def close_warehouses() -> None:
    """Let go of the file that dbt keeps open as long as its process lives."""
    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Ended:
    """How a run of dbt ended, and what it said."""

    success: bool
    output: str


def run_dbt(arguments: list[str], environment: Mapping[str, str]) -> Ended:
    """Run dbt in the project with these variables of the environment, and let go of the warehouse."""
    events: list[Any] = []
    options = ["--log-level", "none", "--log-level-file", "none", "--no-use-colors", "--no-write-json"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(PROJECT)
        for name, value in environment.items():
            patch.setenv(name, value)
        # Workers take longer to start than the small fits of tests, and pytest has a worker per core already.
        for module in (candidates, simulation):
            patch.setattr(module, "WORTH_WORKERS", sys.maxsize)
        try:
            ended = dbtRunner(manifest=parsed_project(), callbacks=[events.append]).invoke([*options, *arguments])
        finally:
            close_warehouses()
    # dbt takes Ctrl-C for a failure like any other; who runs the tests means all of them.
    if isinstance(ended.exception, KeyboardInterrupt):
        raise ended.exception
    told = [str(event.info.msg) for event in events if event.info.level != "debug"]
    return Ended(bool(ended.success), "\n".join([*told, *([repr(ended.exception)] if ended.exception else [])]))
