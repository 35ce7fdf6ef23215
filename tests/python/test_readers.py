"""Readers at work while others publish: each connection sees one whole build, and keeps it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from nights import copy_of
from served_folders import next_build
from warehouses import PROJECT, Warehouse

READERS = PROJECT / "tests" / "readers"
# Two tables of one build agree: the members that segments count are the customers.
QUERY = "select (select count(*) from customer_segments), (select sum(customer_count)::bigint from segment_profiles)"


@dataclass(frozen=True)
class Reading:
    """What one reading saw, customers and members: through the connection opened first, and through a new one."""

    held: tuple[int, int]
    fresh: tuple[int, int]


class Reader:
    """A reader in a process of its own, as readers are."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def read(self) -> Reading:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the reader died: its message is on standard error"
        answer = json.loads(line)
        return Reading(tuple(answer["held"]), tuple(answer["fresh"]))


@contextmanager
def reading(command: list[str], file: Path) -> Iterator[Reader]:
    with subprocess.Popen(
        [*command, str(file), QUERY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Reader(process)
        assert process.stdin is not None
        process.stdin.close()
    assert process.returncode == 0


@pytest.fixture(params=["sqlalchemy", "node"])
def reader_command(request: pytest.FixtureRequest) -> list[str]:
    if request.param == "node":
        command: list[str] = request.getfixturevalue("node_reader")
        return command
    return [sys.executable, str(READERS / "sqlalchemy_reader.py")]


@pytest.fixture
def copied(built_tonight: Warehouse, tmp_path: Path) -> Warehouse:
    """A small warehouse, published to a folder of its own."""
    return copy_of(built_tonight, tmp_path / "copied")


def publish_next(warehouse: Warehouse, builds: int) -> None:
    for _ in range(builds):
        next_build(warehouse)


@pytest.mark.slow
def test_a_reader_keeps_its_build_while_new_connections_see_the_new_ones(
    copied: Warehouse, reader_command: list[str]
) -> None:
    manifest = json.loads((copied.serving / "manifest.json").read_text())
    customers = manifest["tables"]["customer_segments"]["rows"]
    builds = [(customers - 10 * number,) * 2 for number in range(4)]
    with reading(reader_command, copied.serving / "segments.duckdb") as reader:
        assert reader.read() == Reading(builds[0], builds[0])
        readings = []
        with ThreadPoolExecutor(1) as pool:
            publishing = pool.submit(publish_next, copied, len(builds) - 1)
            while not publishing.done():
                readings.append(reader.read())
            publishing.result()
        readings.append(reader.read())
    assert len(readings) > 5
    assert {reading.held for reading in readings} == {builds[0]}
    seen = [reading.fresh for reading in readings]
    assert set(seen) <= set(builds)
    assert seen == sorted(seen, reverse=True)
    assert seen[-1] == builds[-1]
    assert (
        json.loads((copied.serving / "manifest.json").read_text())["tables"]["customer_segments"]["rows"] == seen[-1][0]
    )


def test_the_served_file_has_the_format_that_older_clients_read(built_tonight: Warehouse) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"attach '{built_tonight.serving}/segments.duckdb' as served (read_only)")
        tags = connection.execute("select tags from duckdb_databases() where database_name = 'served'").fetchall()
    assert tags[0][0]["storage_version"] == "v1.0.0+"
