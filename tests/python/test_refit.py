"""What a refit would change: events by hand, and a dry run that leaves the warehouse as it is."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pytest
from dbt_here import command_here
from nights import SETTINGS, Nights, copy_of
from olist_segments.cli import main
from olist_segments.model.events import Event, events
from olist_segments.refit import what_would_change
from warehouses import SAMPLE, Warehouse


def test_events_by_hand() -> None:
    table = np.array(
        [
            [90, 10, 0, 0, 0],  # goes on
            [0, 60, 0, 0, 0],  # these two go on in one
            [0, 70, 10, 0, 0],
            [0, 0, 40, 45, 15],  # two of three hold a quarter each
            [24, 24, 24, 24, 4],  # nobody holds a quarter
            [0, 0, 0, 0, 0],
        ]
    )
    assert events(table) == [
        Event("survives", 0, (0,)),
        Event("merges", 1, (1,)),
        Event("merges", 2, (1,)),
        Event("splits", 3, (2, 3)),
        Event("disappears", 4, ()),
        Event("disappears", 5, ()),
        Event("emerges", -1, (4,)),
    ]


def test_a_half_goes_on_and_less_does_not() -> None:
    assert [event.kind for event in events(np.array([[5, 2, 3]]))] == ["survives", "emerges", "emerges"]
    assert [event.kind for event in events(np.array([[49, 24, 24, 3]]))] == ["disappears"] + ["emerges"] * 4


@pytest.fixture
def environment(built: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    warehouse = copy_of(built, tmp_path / "copy")
    for name, value in warehouse.environment_of(SAMPLE).items():
        monkeypatch.setenv(name, value)
    return warehouse


def test_what_would_change_is_told_of_the_newest_version(environment: Warehouse) -> None:
    """Version 2 by hand: the largest segment of version 1 is given another key, and so are three of another one."""
    with duckdb.connect(str(environment.path)) as connection:
        keys = connection.sql("select segment_key from segment_profiles order by customer_count desc").fetchall()
        (largest,), (second,), *_ = keys
        connection.execute(
            "insert into fit_segment_model by name select * replace (2 as model_version), "
            "'because of a test' as reason from (from fit_segment_model select * exclude (reason))"
        )
        connection.execute(
            f"update fit_segment_model set segment_key = 'another', segment_name = 'Another' "
            f"where model_version = 2 and segment_key = '{largest}'"
        )
        connection.execute(
            "insert into fit_segment_labels select * replace (2 as model_version) from fit_segment_labels"
        )
        connection.execute(
            "update fit_segment_labels set segment_key = 'another' where model_version = 2 "
            f"and (segment_key = '{largest}' or customer_unique_id in (select customer_unique_id "
            f"from customer_segments where segment_key = '{second}' order by all limit 3))"
        )
        expected = connection.execute(
            "select count(*) filter (l.segment_key <> c.segment_key), count(*), sum(c.total_spend) filter "
            "(l.segment_key <> c.segment_key)::double / sum(c.total_spend)::double "
            "from fit_segment_labels as l inner join customer_segments as c using (customer_unique_id) "
            "where l.model_version = 2"
        ).fetchall()[0]
    told = what_would_change(environment.path)
    moved, everybody, money = expected
    assert told.startswith("A refit would be model version 2: because of a test.\n")
    assert f"{moved:,} of {everybody:,} customers ({moved / everybody:.1%}), with {money:.1%} of the spend" in told
    assert "goes on: Another" in told
    assert len(told.splitlines()) == 6 + len(keys)


@pytest.mark.slow
def test_a_dry_run_fits_on_a_copy_and_changes_nothing(
    built_tonight: Warehouse,
    nights: Nights,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    environment = copy_of(built_tonight, tmp_path / "copy")
    for name, value in environment.environment_of(nights.tonight).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("olist_segments.refit.subprocess.run", command_here)
    before = environment.table_digests(apart=())
    assert main(["refit", "--dry-run", "--vars", json.dumps(SETTINGS)]) == 0
    told = capfd.readouterr().out
    # The same data and the same candidates: the recipe and every customer stay.
    assert "A refit would be model version 2: " in told
    assert "the recipe of version 1" in told
    assert "0 of " in told
    assert "nothing has changed" in told
    assert environment.table_digests(apart=()) == before
    assert main(["refit", "--dry-run", "--vars", "{candidate_k_max: 1}"]) == 1
    assert "The fit of the dry run failed" in capfd.readouterr().out
    assert environment.table_digests(apart=()) == before


def test_a_refit_away_from_the_project_is_refused_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["refit"]) == 2
    assert capsys.readouterr().err == (
        "olist-segments: there is no dbt_project.yml here: run this in the folder of the project.\n"
    )


def test_a_copy_that_can_not_be_written_is_told_in_one_sentence(
    environment: Warehouse, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shutil, "copy", full)
    assert main(["refit", "--dry-run"]) == 2
    told = capsys.readouterr().err
    assert "(No space left on device): set TMPDIR to a folder with room for it." in told
    assert told.count("\n") == 1


def test_a_warehouse_that_a_build_holds_is_not_copied(
    environment: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    holder = [
        sys.executable,
        "-c",
        "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print(1, flush=True); input()",
    ]
    with subprocess.Popen(
        [*holder, str(environment.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert main(["refit", "--dry-run"]) == 2
        process.communicate("\n")
    assert "is in use by a build: wait for it to end and try again." in capsys.readouterr().err
