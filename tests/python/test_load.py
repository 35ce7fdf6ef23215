"""Readers that never pause while builds are published: no error, no mixture of two builds, latency told."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from nights import copy_of
from served_folders import checked_manifest, next_build
from warehouses import PROJECT, Warehouse

pytestmark = pytest.mark.slow

READER = PROJECT / "tests" / "readers" / "hurried_reader.py"
KINDS = ("fresh",) * 6 + ("held",) * 2
PUBLISHES = 5
# Readers go on for so long between two publishes.
PAUSE_SECONDS = 1.0


def test_eight_readers_without_a_pause_see_whole_builds_through_five_publishes(
    built_tonight: Warehouse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    warehouse = copy_of(built_tonight, tmp_path / "copied")
    published = [checked_manifest(warehouse.serving)["build"]]

    stop = tmp_path / "stop"
    readers = [
        subprocess.Popen(
            [sys.executable, str(READER), str(warehouse.serving), kind, str(stop)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for kind in KINDS
    ]
    try:
        for reader in readers:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "ready\n"
        for _ in range(PUBLISHES):
            time.sleep(PAUSE_SECONDS)
            next_build(warehouse)
            published.append(checked_manifest(warehouse.serving)["build"])
        time.sleep(PAUSE_SECONDS)
    finally:
        stop.touch()
        answers = [reader.communicate() for reader in readers]
    assert [reader.returncode for reader in readers] == [0] * len(KINDS), [errors for _, errors in answers]

    seen = [json.loads(output) for output, _ in answers]
    for kind, answer in zip(KINDS, seen, strict=True):
        assert set(answer["builds"]) <= set(published)
        assert answer["builds"][-1] == (published[-1] if kind == "fresh" else published[0])
    fresh = [answer for kind, answer in zip(KINDS, seen, strict=True) if kind == "fresh"]
    assert set().union(*(answer["builds"] for answer in fresh)) == set(published)
    assert all(answer["within_one_build"] > 10 for answer in seen)

    told = []
    for name, kind in (("open, query and read Parquet", "fresh"), ("query on an open connection", "held")):
        seconds = np.concatenate(
            [answer["seconds"] for answer_kind, answer in zip(KINDS, seen, strict=True) if answer_kind == kind]
        )
        p50, p99 = np.quantile(seconds, [0.5, 0.99])
        told.append(f"{len(seconds):,} times {name}: median {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms")
    with capsys.disabled():
        print(f"\n{len(KINDS)} readers, {PUBLISHES} publishes, no error; {'; '.join(told)}")
