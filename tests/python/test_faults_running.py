"""Killed, out of room, shut out, run twice or at a wrong time: what is served stays whole, the next build repairs it.

OLIST_KILLS is the number of builds that are killed (default 3); as many publishes are, but at least 6.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from forked import Forked, dbt, published, server_with
from nights import REFIT, SETTINGS, WHOLE, Nights, copy_of
from olist_segments.errors import UserError
from olist_segments.serving import folder
from olist_segments.serving.publish import publish
from served_folders import change, checked_manifest, note_as_whole, run_publish, served
from warehouses import BUILD, Warehouse

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("OLIST_KILLS", "3"))
PUBLISH_KILLS = max(KILLS, 6)
VERSIONS = "select model_version, max(fitted_at) as fitted_at from fit_segment_model group by 1 order by 1"


@dataclass
class Stage:
    """Last night's whole build, published, and what tonight's builds make of it when nothing goes wrong."""

    home: Path
    nights: Nights
    warehouse: Warehouse
    seconds: float = 0.0
    digests: dict[tuple[bool, bool], dict[str, str]] = field(default_factory=dict)

    def copied(self, home: Path, *, from_nothing: bool = False) -> Warehouse:
        """The warehouse with what is published; `from_nothing`: only what is published."""
        copied = copy_of(self.warehouse, home)
        if from_nothing:
            copied.path.unlink()
        return copied

    def build(self, warehouse: Warehouse, *, refit: bool, succeeds: bool = True, tests: bool = False) -> str:
        """Tonight's build. Data tests change nothing in the warehouse: mostly it is taken for one that ran them."""
        variables = REFIT if refit else SETTINGS
        command = WHOLE if tests else BUILD
        output = warehouse.dbt(*command, data=self.nights.tonight, variables=variables, succeeds=succeeds)
        if succeeds and not tests:
            note_as_whole(warehouse)
        return output

    def refit_forecasts(self, warehouse: Warehouse) -> None:
        warehouse.build(self.nights.tonight, variables=SETTINGS | {"refit_forecasts": True})
        note_as_whole(warehouse)

    @staticmethod
    def forecast_version(warehouse: Warehouse) -> int:
        return int(warehouse.query("select max(forecast_version) as newest from forecast_versions")["newest"][0])

    def start(self, warehouse: Warehouse, *, refit: bool) -> Forked:
        """Tonight's build in a process of its own: to be killed, or where this process holds the files it meets."""
        warehouse.home.mkdir(parents=True, exist_ok=True)
        return Forked(
            dbt, [*BUILD, "--threads", "2"], warehouse.environment_of(self.nights.tonight), REFIT if refit else SETTINGS
        )

    def undisturbed(self, *, refit: bool, from_nothing: bool = False) -> dict[str, str]:
        """Digests of the tables of tonight's build; the time that one in a process of its own took is noted."""
        if (refit, from_nothing) not in self.digests:
            warehouse = self.copied(self.home / f"undisturbed_{refit}_{from_nothing}", from_nothing=from_nothing)
            if refit and not from_nothing:
                start = time.monotonic()
                ended_well(self.start(warehouse, refit=True))
                self.seconds = time.monotonic() - start
            else:
                self.build(warehouse, refit=refit)
            self.digests[refit, from_nothing] = warehouse.table_digests()
        return self.digests[refit, from_nothing]


def ended_well(process: Forked) -> None:
    output, _ = process.communicate()
    assert process.returncode == 0, output


@pytest.fixture(scope="module")
def stage(nights: Nights, built_last_night: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    server_with("forked_nights")
    return Stage(tmp_path_factory.mktemp("stage"), nights, built_last_night)


def fractions(count: int, seed: int) -> list[float]:
    """Random moments of a run that lasts 1, one in each of as many equal parts of it."""
    luck = random.Random(seed)
    return [(part + luck.random()) / count for part in range(count)]


def killed_at(fraction: float, seconds: float, start: Callable[[], Forked]) -> float:
    """Start a process, kill it and its children at a fraction of `seconds`, which it usually takes; when that was.

    Where it has ended by then it is started again, and the time that it took is what it usually takes.
    """
    while True:
        began = time.monotonic()
        process = start()
        try:
            process.communicate(timeout=fraction * seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return fraction * seconds
        seconds = time.monotonic() - began


def tell(capsys: pytest.CaptureFixture[str], text: str) -> None:
    """Print a figure where pytest shows it."""
    with capsys.disabled():
        print(f"\n{text}")


def ended_builds(warehouse: Warehouse) -> int:
    """How many builds of the warehouse came to their end."""
    if not warehouse.path.exists():
        return 0
    if warehouse.query("select * from duckdb_tables() where table_name = 'builds'").empty:
        return 0
    return len(warehouse.query("from build_log.builds where finished_at is not null"))


def test_a_build_killed_at_any_moment_is_mended_by_the_next(
    stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half of them are run again as they were, with the refit they were asked for; half by a nightly build without."""
    stage.undisturbed(refit=True)
    first_version = stage.warehouse.query(VERSIONS)
    killed = []
    for number, fraction in enumerate(fractions(KILLS, seed=11)):
        from_nothing = number % 3 == 2
        warehouse = Warehouse(tmp_path / str(number))

        def start(warehouse: Warehouse = warehouse, from_nothing: bool = from_nothing) -> Forked:
            shutil.rmtree(warehouse.home, ignore_errors=True)
            return stage.start(stage.copied(warehouse.home, from_nothing=from_nothing), refit=True)

        moment = killed_at(fraction, stage.seconds, start)
        killed.append(moment)
        before = checked_manifest(stage.warehouse.serving)
        ended = 0 if from_nothing else 1
        assert checked_manifest(warehouse.serving) == before
        came_to_its_end = ended_builds(warehouse) > ended

        if not came_to_its_end and warehouse.path.exists():
            with contextlib.suppress(UserError):
                publish(warehouse.serving, warehouse.path)
            after = checked_manifest(warehouse.serving)
            assert after["dbt_invocation_id"] == before["dbt_invocation_id"]

        again = number % 2 == 0 and not came_to_its_end
        stage.build(warehouse, refit=again, tests=number == 0)
        versions = warehouse.query(VERSIONS)
        assert versions["model_version"].tolist() in ([1, 2], [1, 2][: 1 + again])
        if stage.forecast_version(warehouse) < len(versions):
            # Killed between the two fits and run again without a refit: forecasts keep their version until asked.
            assert not again
            stage.refit_forecasts(warehouse)
        pd.testing.assert_frame_equal(versions.head(1), first_version)
        expected = stage.undisturbed(refit=len(versions) == 2, from_nothing=from_nothing)
        assert warehouse.table_digests() == expected, f"after a kill at {moment:.1f} s"
        publish(warehouse.serving, warehouse.path)
        assert len(checked_manifest(warehouse.serving)["model_versions"]) == len(versions)
        shutil.rmtree(warehouse.home)
    tell(
        capsys,
        f"{len(killed)} builds killed, at {', '.join(f'{moment:.1f}' for moment in killed)} s of about "
        f"{stage.seconds:.0f} s: all were repaired by the next build",
    )


@pytest.mark.parametrize(
    "line",
    [
        "START sql by_date model main.customer_segments_monthly",
        "OK created python incremental model main.fit_segment_candidates",
        "OK created python incremental model main.fit_segment_labels",
    ],
)
def test_a_build_killed_where_it_appends_is_mended_when_it_is_run_again(
    line: str, stage: Stage, tmp_path: Path
) -> None:
    """Dates that are computed again, and a version that is half there or whole, come out once."""
    warehouse = stage.copied(tmp_path / "copied")
    process = stage.start(warehouse, refit=True)
    assert process.stdout is not None
    next(printed for printed in process.stdout if line in printed)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    stage.build(warehouse, refit=True)
    assert warehouse.query(VERSIONS)["model_version"].tolist() == [1, 2]
    assert warehouse.table_digests() == stage.undisturbed(refit=True)


def test_a_publish_killed_at_any_moment_leaves_one_whole_build(
    stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    warehouse = stage.copied(tmp_path / "copied")
    began = time.monotonic()
    ended_well(Forked(published, warehouse.serving, warehouse.path))
    seconds = time.monotonic() - began
    rows = checked_manifest(warehouse.serving)["tables"]["customer_segments"]["rows"]
    changed = 0
    for fraction in fractions(PUBLISH_KILLS, seed=12):
        change(warehouse, "delete from customer_segments where rowid = (select min(rowid) from customer_segments)")
        shown: dict[str, Any] = {}

        def start(shown: dict[str, Any] = shown) -> Forked:
            shown |= checked_manifest(warehouse.serving)
            return Forked(published, warehouse.serving, warehouse.path)

        killed_at(fraction, seconds, start)
        after = checked_manifest(warehouse.serving)
        if after["build"] == shown["build"]:
            assert after == shown
        else:
            changed += 1
            assert after["tables"]["customer_segments"]["rows"] == rows - 1
            assert after["build"] > shown["build"]
        publish(warehouse.serving, warehouse.path)
        rows -= 1
        assert checked_manifest(warehouse.serving)["tables"]["customer_segments"]["rows"] == rows
        assert len(list((warehouse.serving / ".builds").iterdir())) == 2
    tell(
        capsys,
        f"{PUBLISH_KILLS} publishes of about {seconds:.1f} s killed: the old build was shown after "
        f"{PUBLISH_KILLS - changed} of them, the new one after {changed}, never a mixture",
    )


@contextmanager
def disk(folder: Path, size: int) -> Iterator[Callable[[str], None]]:
    """A disk of `size` bytes at `folder`; called with mount options ("size=…", "ro"), it changes them."""
    folder.mkdir(parents=True)

    def mount(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["mount", *arguments, str(folder)], capture_output=True, text=True, check=False, env=os.environ
        )

    if sys.platform != "linux" or shutil.which("mount") is None:
        pytest.skip("a small disk is made by Linux' mount")
    mounted = mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs")
    if mounted.returncode:
        pytest.skip(f"a small disk can't be made here: {mounted.stderr.strip()}")

    def change_to(options: str) -> None:
        changed = mount("-o", f"remount,{options}")
        assert changed.returncode == 0, changed.stderr

    try:
        yield change_to
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def test_a_serving_disk_that_is_full_keeps_the_build_before(stage: Stage, tmp_path: Path) -> None:
    with disk(tmp_path / "disk", 3 * size_of(stage.warehouse.serving) // 2) as change_disk:
        warehouse = Warehouse(stage.warehouse.home, tmp_path / "disk" / "serving")
        publish(warehouse.serving, warehouse.path)
        before = checked_manifest(warehouse.serving)
        result = run_publish(warehouse)
        assert result.returncode == 2
        assert "could not be written" in result.stderr
        assert len(result.stderr.splitlines()) == 1
        assert checked_manifest(warehouse.serving) == before
        assert [path.name for path in (warehouse.serving / ".builds").iterdir()] == [before["build"]]
        change_disk("size=200m")
        assert run_publish(warehouse).returncode == 0
        assert checked_manifest(warehouse.serving)["build"] > before["build"]


def test_a_warehouse_disk_that_is_full_is_mended_by_the_next_build(stage: Stage, tmp_path: Path) -> None:
    with disk(tmp_path / "disk", stage.warehouse.path.stat().st_size + 2_000_000) as change_disk:
        warehouse = Warehouse(tmp_path / "disk" / "home", tmp_path / "serving")
        warehouse.home.mkdir()
        shutil.copy(stage.warehouse.path, warehouse.path)
        publish(warehouse.serving, warehouse.path)
        before = checked_manifest(warehouse.serving)
        output = warehouse.build(
            stage.nights.tonight,
            *("--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "logs")),
            variables=REFIT,
            succeeds=False,
        )
        assert "No space left on device" in output
        assert "Traceback" not in output
        with pytest.raises(UserError, match=r"did not come to its end|failed steps?\b"):
            publish(warehouse.serving, warehouse.path)
        assert checked_manifest(warehouse.serving) == before
        change_disk("size=400m")
        stage.build(warehouse, refit=True)
        assert warehouse.table_digests() == stage.undisturbed(refit=True)
        publish(warehouse.serving, warehouse.path)
        assert len(checked_manifest(warehouse.serving)["model_versions"]) == 2


def test_a_serving_folder_that_is_read_only_is_told_and_still_read(stage: Stage, tmp_path: Path) -> None:
    with disk(tmp_path / "disk", 200_000_000) as change_disk:
        warehouse = copy_of(stage.warehouse, tmp_path / "copied")
        warehouse = Warehouse(warehouse.home, tmp_path / "disk" / "serving")
        publish(warehouse.serving, warehouse.path)
        before = checked_manifest(warehouse.serving)
        change_disk("ro")
        result = run_publish(warehouse)
        assert result.returncode == 2
        assert "could not be written" in result.stderr
        assert len(result.stderr.splitlines()) == 1
        stage.build(warehouse, refit=False)
        assert checked_manifest(warehouse.serving) == before
        change_disk("rw")
        assert run_publish(warehouse).returncode == 0
        assert checked_manifest(warehouse.serving)["dbt_invocation_id"] != before["dbt_invocation_id"]


def test_of_two_builds_at_once_the_second_is_told_and_the_first_is_unharmed(stage: Stage, tmp_path: Path) -> None:
    warehouse = stage.copied(tmp_path / "copied")
    first = stage.start(warehouse, refit=False)
    assert first.stdout is not None
    next(line for line in first.stdout if "START hook" in line)
    second = stage.build(warehouse, refit=False, succeeds=False)
    assert first.poll() is None, "the first ended before the second was refused"
    assert f"'{warehouse.path}' is in use by another program" in second
    assert "wait for it to end and run dbt again" in second
    assert "Traceback" not in second
    ended_well(first)
    assert warehouse.table_digests() == stage.undisturbed(refit=False)


def test_who_reads_the_warehouse_holds_a_build_up_and_who_reads_what_is_served_does_not(
    stage: Stage, tmp_path: Path
) -> None:
    warehouse = stage.copied(tmp_path / "copied")
    with duckdb.connect(str(warehouse.path), read_only=True):
        refused = stage.start(warehouse, refit=False)
        output, _ = refused.communicate()
    assert refused.returncode == 1
    assert f"'{warehouse.path}' is in use by another program" in output
    customers = served(warehouse.serving, "select count(*) from customer_segments")
    with duckdb.connect(str(warehouse.serving / "segments.duckdb"), read_only=True) as reader:
        ended_well(stage.start(warehouse, refit=False))
        note_as_whole(warehouse)
        # The next folder holds the file of the reader's name: only another process may open both.
        assert run_publish(warehouse).returncode == 0
        assert reader.sql("select count(*) from customer_segments").fetchall() == customers
    assert served(warehouse.serving, "select count(*) from customer_segments")[0] > customers[0]
    assert warehouse.table_digests() == stage.undisturbed(refit=False)


class Tomorrow(dt.datetime):
    """The clock of a machine that goes a day ahead."""

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> Tomorrow:
        return super().now(tz) + dt.timedelta(days=1)


def test_a_clock_set_back_changes_no_order(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was built, fitted and published before bears moments that are yet to come."""
    warehouse = stage.copied(tmp_path / "copied")
    change(warehouse, "update build_log.builds set started_at = started_at + interval 1 day")
    change(warehouse, "update build_log.builds set finished_at = finished_at + interval 1 day")
    for table in ("fit_segment_candidates", "fit_segment_model"):
        change(warehouse, f"update {table} set fitted_at = fitted_at + interval 1 day")
    shutil.rmtree(warehouse.serving)
    with monkeypatch.context() as patched:
        patched.setattr(folder, "datetime", Tomorrow)
        publish(warehouse.serving, warehouse.path)
    before = checked_manifest(warehouse.serving)

    stage.build(warehouse, refit=True)
    versions = warehouse.query("from segment_versions")
    assert versions["fitted_at"].is_monotonic_decreasing
    assert versions["is_in_force"].tolist() == [False, True]
    assert warehouse.table_digests() == stage.undisturbed(refit=True)
    for _ in range(2):
        publish(warehouse.serving, warehouse.path)
        after = checked_manifest(warehouse.serving)
        assert after["dbt_invocation_id"] != before["dbt_invocation_id"]
        assert after["model_version"] == 2
        assert after["build"] > before["build"]
        before = before | {"build": after["build"]}
