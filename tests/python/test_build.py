"""The progress of `make build`: what a person sees of it, and that the screen never changes how the build ends."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest
from dbt_here import close_warehouses
from faults import FILES, ORDERS
from olist_segments.build import (
    Planned,
    Progress,
    Screen,
    clock,
    exit_code_of,
    main,
    planned_nodes,
    seconds_of_last_run,
)
from warehouses import PROJECT

# Stands for dbt: what it is told to do, it does in a process of its own.
STUB = """
import os, sys, time
from types import SimpleNamespace
from dbt.contracts.graph.manifest import Manifest
from olist_segments import build

class Runner:
    def __init__(self, manifest=None, callbacks=()):
        self.callbacks = callbacks
    def invoke(self, arguments):
        if "parse" in arguments:
            return SimpleNamespace(success=True, exception=None, result=Manifest())
        for number in range(300):
            for call in self.callbacks:
                call(SimpleNamespace(info=SimpleNamespace(name="JinjaWarning", level="warn", msg=f"warning {number}")))
        try:
            if sys.argv[1] == "waits":
                print("waiting", file=sys.stderr, flush=True)
                time.sleep(60)
        except KeyboardInterrupt as error:
            return SimpleNamespace(success=False, exception=error, result=None)
        return SimpleNamespace(success=sys.argv[1] == "passes", exception=None, result=None)

build.dbtRunner = Runner
sys.exit(build.main([]))
"""


def event(name: str, node: str = "", level: str = "debug", message: str = "") -> Any:
    node_info = SimpleNamespace(unique_id=node, node_name=node.rpartition(".")[2])
    return SimpleNamespace(
        info=SimpleNamespace(name=name, level=level, msg=message), data=SimpleNamespace(node_info=node_info)
    )


def environment(home: Path, data: Path) -> dict[str, str]:
    return os.environ | {
        "OLIST_DATA_DIR": str(data),
        "OLIST_WAREHOUSE": str(home / "warehouse.duckdb"),
        "OLIST_SERVING_DIR": str(home / "serving"),
        "OLIST_CAMPAIGN_DIR": str(home / "campaigns"),
        "DBT_TARGET_PATH": str(home / "target"),
        "DBT_LOG_PATH": str(home / "logs"),
    }


def stubbed(ending: str, home: Path, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", STUB, ending]
    return subprocess.Popen(command, cwd=PROJECT, env=environment(home, home), text=True, **options)


def test_every_node_of_a_whole_build_is_planned_once_in_its_step(manifest: Manifest) -> None:
    planned = planned_nodes(manifest, {"model.olist_segments.fit_ageing": 12.5, "gone": 1.0})

    kinds = {str(node.resource_type) for node in manifest.nodes.values()}
    assert kinds == {"model", "test", "seed", "operation", "analysis"}
    ends = [node for node in manifest.nodes.values() if "on-run-end" in node.tags]
    analyses = [node for node in manifest.nodes.values() if str(node.resource_type) == "analysis"]
    of_code = [node for node in manifest.nodes.values() if "code" in node.tags]
    assert {node.original_file_path.rpartition("/")[0] for node in of_code} == {"tests/macros"}
    assert len(planned) == len(manifest.nodes) - len(ends) - len(analyses) - len(of_code)
    assert not planned.keys() & manifest.unit_tests.keys()
    steps = {step: sum(node.step == step for node in planned.values()) for step in {n.step for n in planned.values()}}
    assert set(steps) == {"loading", "SQL", "evidence", "profiles", "forecasts", "campaigns", "ageing", "tests"}
    assert steps["tests"] > 150
    assert planned["model.olist_segments.fit_ageing"] == Planned("ageing", 12.5)
    python = planned["model.olist_segments.fit_segment_candidates"]
    assert python.step == "evidence"
    assert python.seconds > planned["model.olist_segments.orders"].seconds


def progress_of(planned: Mapping[str, Planned]) -> tuple[Progress, io.StringIO]:
    written = io.StringIO()
    return Progress(planned, Screen(written)), written


def test_a_step_is_told_when_its_last_node_has_ended_and_each_node_counts_once() -> None:
    progress, written = progress_of(
        {"m.a": Planned("SQL", 1.0), "m.b": Planned("SQL", 1.0), "t.c": Planned("tests", 1)}
    )
    for name, node in (("NodeStart", "m.a"), ("NodeFinished", "m.a"), ("NodeFinished", "m.a"), ("NodeFinished", "end")):
        progress(event(name, node))
    assert written.getvalue() == ""
    progress(event("NodeStart", "t.c"))
    assert progress.state() == "1 of 3 done: tests (c)"
    progress(event("LogHookEndLine", "m.b", "info"))
    assert written.getvalue() == "0:00  SQL: 2 of 2 done\n"
    assert progress.state().startswith("2 of 3 done")


def test_time_left_follows_the_seconds_that_nodes_take_and_not_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("olist_segments.build.time.monotonic", lambda: now[0])
    progress, _ = progress_of({"m.short": Planned("SQL", 10.0), "m.long": Planned("ageing", 90.0)})
    progress(event("NodeStart", "m.short"))
    now[0] = 10.0
    progress(event("NodeFinished", "m.short"))
    assert progress.state() == "1 of 2 done, about 1:30 left"
    progress(event("NodeStart", "m.long"))
    now[0] = 40.0
    assert progress.state() == "1 of 2 done, about 1:00 left: ageing (long)"
    # What takes longer than before never seems over.
    now[0] = 900.0
    assert progress.state() == "1 of 2 done: ageing (long)"
    assert progress._share() < 1


def test_time_left_hardly_grows_while_a_node_takes_longer_and_counts_what_runs_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr("olist_segments.build.time.monotonic", lambda: now[0])
    planned = {f"m.{name}": Planned("SQL", 10.0) for name in "abcdef"}
    progress = Progress(planned, Screen(io.StringIO()), began=95.0)
    progress(event("NodeStart", "m.a"))
    progress(event("NodeStart", "m.b"))
    now[0] = 120.0
    progress(event("NodeFinished", "m.a"))
    progress(event("NodeFinished", "m.b"))
    assert progress.elapsed == 25.0
    assert progress.state() == "2 of 6 done, about 0:40 left", "four nodes at half of the pace, two at once"
    progress(event("NodeStart", "m.c"))
    left = []
    for now[0] in (140.0, 200.0, 400.0):
        left.append(progress._left_over())
    assert left[0] > 0
    assert progress.state().endswith(" left: SQL (c)")
    assert left[2] <= 3 * 20.0, "three nodes that wait, one after the other"


def test_warnings_and_errors_are_told_in_full_and_once_and_nothing_else_is() -> None:
    progress, written = progress_of({})
    long = "The files no longer hold 1 customer of this warehouse: " + "x" * 500 + "\nand more"
    for name, level, message in (
        ("JinjaLogWarning", "warn", long),
        ("JinjaLogWarning", "warn", long),
        ("RunResultWarning", "warn", "Warning in test build_warnings_are_none (models/build_warnings.yml)"),
        ("RunResultWarningMessage", "warn", "  Got 1 result, configured to warn if != 0"),
        ("LogTestResult", "error", "1 of 9 FAIL 3 a_test ... [FAIL 3 in 0.1s]"),
        ("RunResultFailure", "error", "Failure in test a_test (tests/a_test.sql)"),
        ("SQLCompiledPath", "info", "  compiled code at target/a_test.sql"),
        ("MainStackTrace", "error", "Traceback (most recent call last)"),
        ("JinjaLogInfo", "info", "Read 9 files."),
        ("LogStartLine", "info", "1 of 9 START"),
        ("SQLQuery", "debug", "select 1"),
        ("Formatting", "error", " "),
    ):
        progress(event(name, level=level, message=message))
    assert written.getvalue() == "\n".join(
        [
            long,
            "Warning in test build_warnings_are_none (models/build_warnings.yml)",
            "  Got 1 result, configured to warn if != 0",
            "Failure in test a_test (tests/a_test.sql)",
            "  compiled code at target/a_test.sql",
            "Read 9 files.\n",
        ]
    )
    assert progress.warnings == 1


def test_events_may_come_from_many_threads() -> None:
    nodes = {f"m.{number}": Planned("SQL", 1.0) for number in range(400)}
    progress, written = progress_of(nodes)

    def run(part: list[str]) -> None:
        for node in part:
            progress(event("NodeStart", node))
            progress(event("NodeFinished", node))

    with progress.shown():
        names = list(nodes)
        threads = [threading.Thread(target=run, args=(names[first::4],)) for first in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert written.getvalue().endswith("SQL: 400 of 400 done\n")
    assert written.getvalue().count("\n") == 1


@pytest.mark.parametrize(
    ("ended", "code"),
    [
        (dbtRunnerResult(success=True), 0),
        (dbtRunnerResult(success=False), 1),
        (dbtRunnerResult(success=False, exception=ValueError()), 2),
        (dbtRunnerResult(success=False, exception=KeyboardInterrupt()), 130),
    ],
)
def test_the_exit_code_is_that_of_dbt(ended: dbtRunnerResult, code: int) -> None:
    assert exit_code_of(ended) == code


@pytest.mark.parametrize("content", [None, "", "[]", '{"results": [{"unique_id": "a"}]}', "\x00"])
def test_notes_of_the_run_before_that_say_nothing_are_read_over(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "run_results.json").write_text(content)
    assert seconds_of_last_run(tmp_path) == {}
    results = {"results": [{"unique_id": "model.a", "execution_time": 1.5}]}
    (tmp_path / "run_results.json").write_text(json.dumps(results))
    assert seconds_of_last_run(tmp_path) == {"model.a": 1.5}


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0:00"), (59.6, "1:00"), (65, "1:05"), (3_725, "62:05")])
def test_a_time_is_minutes_and_seconds(seconds: float, text: str) -> None:
    assert clock(seconds) == text


@pytest.mark.parametrize(("ending", "code"), [("passes", 0), ("fails", 1)])
def test_a_reader_who_has_left_changes_neither_the_build_nor_its_exit_code(
    ending: str, code: int, tmp_path: Path
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with contextlib.closing(os.fdopen(writing, "wb")) as closed:
        process = stubbed(ending, tmp_path, stdout=closed, stderr=subprocess.PIPE)
        assert process.communicate()[1] == ""
    assert process.returncode == code


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only where there is a device that is always full")
def test_progress_that_can_not_be_written_is_told_after_the_build(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        process = stubbed("passes", tmp_path, stdout=full, stderr=subprocess.PIPE)
        _, told = process.communicate()
    assert process.returncode == 2
    assert told == "The progress of the build could not be written (No space left on device).\n"


def test_ctrl_c_ends_the_build_with_a_sentence_and_the_place_of_the_log(tmp_path: Path) -> None:
    process = stubbed(
        "waits",
        tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        # A shell that started the tests in the background has them ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "waiting\n"
    process.send_signal(signal.SIGINT)
    output, faults = process.communicate()
    assert process.returncode == 130
    assert f"The build was stopped. dbt's own log is {tmp_path / 'logs' / 'dbt.log'}" in output
    assert output.count("warning 299") == 1
    assert "Traceback" not in output + faults


def test_on_a_terminal_a_bar_is_drawn_over_and_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal:
        screen = Screen(terminal)
        assert screen.is_terminal
        screen.bar("[##..] 1 of 2 done" + "x" * 10_000)
        screen.line("a warning")
        screen.bar("[####]")
        screen.clear()
        drawn = b""
        while not drawn.endswith(b"[####]\r\x1b[K"):
            drawn += os.read(ours, 20_000)
    os.close(ours)
    first, rest = drawn.decode().split("\r\x1b[Ka warning\r\n")
    assert first.startswith("\r\x1b[K[##..] 1 of 2 done")
    assert "\n" not in first
    assert len(first) < 1_000, "no wider than the terminal"
    assert rest == "\r\x1b[K[####]\r\x1b[K"


def test_a_build_that_is_refused_says_why_and_where_dbts_log_is(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """With dbt itself: one faulty file; its sentence is shown in full, and the log has what the screen leaves out."""
    data = tmp_path / "data"
    data.mkdir()
    for name, text in FILES.items():
        (data / f"{name}.csv").write_text(text, encoding="utf-8")
    (data / f"{ORDERS}.csv").unlink()
    for name, value in environment(tmp_path, data).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(PROJECT)
    parsed = dbtRunnerResult(success=True, result=manifest)

    class Runner(dbtRunner):
        """dbt that has read the project already."""

        def invoke(self, args: list[str], **options: Any) -> dbtRunnerResult:
            return parsed if "parse" in args else super().invoke(args, **options)

    monkeypatch.setattr("olist_segments.build.dbtRunner", Runner)
    code = main([])
    close_warehouses()
    told = capfd.readouterr()
    assert code in (1, 2)
    assert f"{ORDERS}.csv" in told.out
    assert "START" not in told.out
    assert told.out.splitlines()[-1] == (
        f"The build failed. dbt's own log is {tmp_path / 'logs' / 'dbt.log'}; make build VERBOSE=1 shows it."
    )
    assert "START hook" in (tmp_path / "logs" / "dbt.log").read_text(encoding="utf-8")
    assert told.err == ""
