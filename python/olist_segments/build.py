"""`make build`: a whole `dbt build` that a person can follow: steps, what is left of them, warnings and errors in full.

dbt's own words go to its log file either way, and to the screen with `--verbose`. Unit tests and tests of macros are
left out: they test the code and not the data, and `make test` runs them.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest

from olist_segments.dbt_io import WITHOUT_TESTS_OF_CODE

STEP_OF_ROOM = {
    "segmentation": "evidence",
    "profiles": "profiles",
    "forecasts": "forecasts",
    "campaigns": "campaigns",
    "maintenance": "ageing",
}
# Seconds of a node in a first build, when no run before tells them; what counts is how they compare.
SECONDS_OF_SQL, SECONDS_OF_TEST, LEAST_SECONDS = 0.3, 0.15, 0.01
SECONDS_OF_PYTHON = {
    "fit_segment_candidates": 20.0,
    "fit_forecast_candidates": 20.0,
    "fit_ageing": 20.0,
    "fit_campaign_effects": SECONDS_OF_SQL,
}
SECONDS_OF_OTHER_PYTHON = 3.0
# Before this share of the work is done the time left is anybody's guess.
LEAST_SHARE = 0.05
SECONDS_BETWEEN_LINES = 30.0
BUILD = ["build", *WITHOUT_TESTS_OF_CODE]
# The level of the screen would be that of the log as well.
SILENT = ["--log-level", "none", "--log-level-file", "debug"]
INTERRUPTED = 130
# Said again, with their reason, when the run is over.
RESULT_LINES = {"LogModelResult", "LogTestResult", "LogSeedResult", "LogHookEndLine", "LogNodeResult"}
# Where in dbt's code an error was met: for the log.
FOR_THE_LOG = {"MainStackTrace", "LogDebugStackTrace"}
# A test that warns where build_warnings holds rows, which are told as sentences already.
TOLD_ONE_BY_ONE = "build_warnings_are_none"
# What dbt tells at level info that belongs to a failure or comes from the project itself.
TOLD = {"JinjaLogInfo", "SQLCompiledPath", "CheckNodeTestFailure"}


@dataclass(frozen=True)
class Planned:
    """A node that is to run: the step it belongs to, and the seconds that it is expected to take."""

    step: str
    seconds: float


class Screen:
    """A stream that may be a terminal, and whose reader may leave: the build goes on without being heard."""

    def __init__(self, stream: TextIO) -> None:
        self._stream: TextIO | None = stream
        self.fault: str | None = None
        self.is_terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._is_bar_shown = False

    def line(self, text: str) -> None:
        """A line that stays."""
        self._write(("\r\x1b[K" if self._is_bar_shown else "") + text + "\n")
        self._is_bar_shown = False

    def bar(self, text: str) -> None:
        """A line that the next one takes the place of."""
        self._write("\r\x1b[K" + text[: shutil.get_terminal_size().columns - 1])
        self._is_bar_shown = True

    def clear(self) -> None:
        """Take the bar off."""
        if self._is_bar_shown:
            self._write("\r\x1b[K")
            self._is_bar_shown = False

    def _write(self, text: str) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError as error:
            if not isinstance(error, BrokenPipeError):
                self.fault = error.strerror
            # What is still buffered goes nowhere, where Python would complain of it at the end.
            with open(os.devnull, "w") as nowhere:
                os.dup2(nowhere.fileno(), self._stream.fileno())
            self._stream = None


class Progress:
    """Follows the events of a build; each node of `planned` counts once. The clock shown may have begun before it."""

    def __init__(self, planned: Mapping[str, Planned], screen: Screen, *, began: float | None = None) -> None:
        self._planned = dict(planned)
        self._left = Counter(node.step for node in planned.values())
        self._done: set[str] = set()
        self._took: dict[str, float] = {}
        # Name and start of each node that runs.
        self._running: dict[str, tuple[str, float]] = {}
        self._screen = screen
        self._told: set[str] = set()
        self._lock = threading.RLock()
        self._start = self._last_line = time.monotonic()
        self.began = self._start if began is None else began
        self._is_over = threading.Event()
        self._clock = threading.Thread(target=self._tick, daemon=True)
        self.warnings = 0

    @contextmanager
    def shown(self) -> Iterator[Progress]:
        """Keep the time left up to date for as long as the build runs."""
        self._clock.start()
        try:
            yield self
        finally:
            self._is_over.set()
            self._clock.join()
            self._screen.clear()

    @property
    def elapsed(self) -> float:
        """Seconds since the build began."""
        return time.monotonic() - self.began

    def __call__(self, event: Any) -> None:
        """Take in one event of dbt, in whichever of its threads."""
        name, level = event.info.name, event.info.level
        with self._lock:
            if name in ("NodeStart", "LogHookStartLine"):
                self._running[event.data.node_info.unique_id] = (event.data.node_info.node_name, time.monotonic())
            elif name in ("NodeFinished", "LogHookEndLine"):
                self._finish(event.data.node_info.unique_id)
            if name in RESULT_LINES | FOR_THE_LOG:
                return
            if level in ("warn", "error") or name in TOLD:
                message = str(event.info.msg)
                is_repeated = name == "RunResultWarningMessage" or TOLD_ONE_BY_ONE in message
                self._tell(message, is_warning=level == "warn" and not is_repeated)

    def _finish(self, node: str) -> None:
        now = time.monotonic()
        _, start = self._running.pop(node, ("", now))
        if node in self._done or node not in self._planned:
            return
        self._done.add(node)
        self._took[node] = now - start
        step = self._planned[node].step
        self._left[step] -= 1
        if not self._left[step]:
            count = sum(other.step == step for other in self._planned.values())
            self._line(f"{clock(self.elapsed)}  {step}: {count} of {count} done")

    def _tell(self, message: str, *, is_warning: bool) -> None:
        """A message in full, once."""
        if not message.strip() or message in self._told:
            return
        self._told.add(message)
        self.warnings += is_warning
        self._line(message.rstrip())

    def _line(self, text: str) -> None:
        self._screen.line(text)
        self._last_line = time.monotonic()

    def _tick(self) -> None:
        while not self._is_over.wait(1.0):
            with self._lock:
                now = f"{clock(self.elapsed)}  {self.state()}"
                if self._screen.is_terminal:
                    self._screen.bar(f"{self._bar()} {now}" if self._planned else now)
                elif time.monotonic() - self._last_line >= SECONDS_BETWEEN_LINES:
                    self._line(now)

    def _bar(self, width: int = 24) -> str:
        filled = int(width * self._share())
        return f"[{'#' * filled}{'.' * (width - filled)}]"

    def _share(self) -> float:
        whole = sum(node.seconds for node in self._planned.values())
        done = sum(self._planned[node].seconds for node in self._done)
        for node, (_, start) in self._running.items():
            if node in self._planned:
                # What takes longer than expected comes near its end and never there.
                expected = self._planned[node].seconds
                done += expected * (1 - math.exp(-(time.monotonic() - start) / expected))
        return done / whole if whole else 0.0

    def _left_over(self) -> float:
        """Seconds to come when the rest goes as all before did; it hardly grows while a node takes longer than that."""
        now = time.monotonic()
        took = sum(self._took.values())
        ran = {node: now - start for node, (_, start) in self._running.items() if node in self._planned}
        busy = took + sum(ran.values())
        if not took or not busy:
            return 0.0
        pace = took / sum(self._planned[node].seconds for node in self._took)
        at_work = [max(self._planned[node].seconds * pace - seconds, 0.0) for node, seconds in ran.items()]
        waiting = self._planned.keys() - self._done - ran.keys()
        rest = sum(at_work) + pace * sum(self._planned[node].seconds for node in waiting)
        # So many nodes at once, and no node is over before it is.
        return max(rest * (now - self._start) / busy, *at_work, 0.0)

    def state(self) -> str:
        """How far the build is, and what it is at."""
        with self._lock:
            if not self._planned:
                return "reading the project"
            text = f"{len(self._done)} of {len(self._planned)} done"
            left = self._left_over()
            if self._share() >= LEAST_SHARE and left >= 1:
                text += f", about {clock(left)} left"
            at = [
                f"{self._planned[node].step} ({name})"
                for node, (name, _) in self._running.items()
                if node in self._planned
            ]
            return f"{text}: {', '.join(at)}" if at else text


def clock(seconds: float) -> str:
    """Seconds as minutes and seconds, like 1:05."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def planned_nodes(manifest: Manifest, seconds: Mapping[str, float]) -> dict[str, Planned]:
    """Each node that BUILD runs, by unique id; `seconds` is what they took in the run before."""
    planned: dict[str, Planned] = {}
    for unique_id, node in manifest.nodes.items():
        kind = str(node.resource_type)
        if kind == "test" and "code" not in node.tags:
            planned[unique_id] = Planned("tests", SECONDS_OF_TEST)
        elif kind == "seed" or (kind == "operation" and "on-run-start" in node.tags):
            planned[unique_id] = Planned("loading", SECONDS_OF_SQL)
        elif kind == "model":
            step = STEP_OF_ROOM.get(Path(node.path).parts[0], "SQL")
            of_python = SECONDS_OF_PYTHON.get(node.name, SECONDS_OF_OTHER_PYTHON)
            planned[unique_id] = Planned(step, of_python if node.language == "python" else SECONDS_OF_SQL)
    # No node takes no time, whatever a run that stopped early noted.
    return {
        unique_id: replace(node, seconds=max(seconds.get(unique_id, node.seconds), LEAST_SECONDS))
        for unique_id, node in planned.items()
    }


def seconds_of_last_run(target: Path) -> dict[str, float]:
    """What each node took in the run before, as dbt noted it; nothing where there was none."""
    try:
        results = json.loads((target / "run_results.json").read_text(encoding="utf-8"))["results"]
        return {str(result["unique_id"]): float(result["execution_time"]) for result in results}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def exit_code_of(ended: dbtRunnerResult) -> int:
    """The exit code that dbt itself would have ended with, or that of a program which Ctrl-C stopped."""
    if isinstance(ended.exception, KeyboardInterrupt):
        return INTERRUPTED
    if ended.success:
        return 0
    return 2 if ended.exception else 1


def build(screen: Screen, *, is_verbose: bool) -> int:
    """Run `dbt build` and return its exit code."""
    log_folder = Path(os.environ.get("DBT_LOG_PATH") or "logs")
    target = Path(os.environ.get("DBT_TARGET_PATH") or "target")
    options = ["--log-path", str(log_folder), *([] if is_verbose else SILENT)]
    if is_verbose:
        ended = dbtRunner().invoke([*options, *BUILD])
        return exit_code_of(ended)

    with Progress({}, screen).shown() as reading:
        screen.line("Reading the project …")
        # The build writes what it was given; once is enough.
        ended = dbtRunner(callbacks=[reading]).invoke([*options, "parse", "--no-write-json"])
    if isinstance(ended.result, Manifest):
        planned = planned_nodes(ended.result, seconds_of_last_run(target))
        with Progress(planned, screen, began=reading.began).shown() as progress:
            ended = dbtRunner(manifest=ended.result, callbacks=[progress]).invoke([*options, *BUILD])
        if ended.success:
            warnings = counted(reading.warnings + progress.warnings, "warning")
            screen.line(f"Built and tested in {clock(progress.elapsed)}, {warnings}.")
    code = exit_code_of(ended)
    if code:
        what = "was stopped" if code == INTERRUPTED else "failed"
        screen.line(f"The build {what}. dbt's own log is {log_folder / 'dbt.log'}; make build VERBOSE=1 shows it.")
    return code


def counted(count: int, noun: str) -> str:
    """A number of things: no warnings, 1 warning, 2 warnings."""
    return f"{count or 'no'} {noun}{'' if count == 1 else 's'}"


def main(argv: Sequence[str] | None = None) -> int:
    """Build, and return the exit code of dbt; 2 as well when the output could not be written."""
    parser = argparse.ArgumentParser(prog="python -m olist_segments.build", description=__doc__)
    parser.add_argument("--verbose", action="store_true", help="show dbt's own log")
    arguments = parser.parse_args(argv)
    screen = Screen(sys.stdout)
    try:
        code = build(screen, is_verbose=arguments.verbose)
    except KeyboardInterrupt:
        code = INTERRUPTED
    if screen.fault:
        print(f"The progress of the build could not be written ({screen.fault}).", file=sys.stderr)
    return code or (2 if screen.fault else 0)


if __name__ == "__main__":
    sys.exit(main())
