"""Processes of their own, to be killed, that need not import and parse first: forked from one that has done so."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from dbt.cli.main import dbtRunner
from dbt_here import PROJECT, parsed_project
from olist_segments.serving.publish import publish

HERE = PROJECT / "tests" / "python"


def server_with(*modules: str) -> None:
    """Start the process that others are forked from, with these modules imported, those of the tests among them."""
    multiprocessing.get_context("forkserver").set_forkserver_preload(list(modules))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(HERE), prepend=os.pathsep)
        forkserver.ensure_running()


class Forked:
    """A function at work in a process group of its own; as of a `Popen`, all it prints comes from one pipe."""

    def __init__(self, function: Callable[..., bool], *arguments: object) -> None:
        context = multiprocessing.get_context("forkserver")
        reading, writing = context.Pipe(duplex=False)
        self._process = context.Process(target=alone, args=(writing, function, *arguments))
        self._process.start()
        writing.close()
        self._rest: Future[str] | None = None
        self.stdout = os.fdopen(os.dup(reading.fileno()), encoding="utf-8")
        reading.close()
        # From here on the group can be killed.
        assert self.stdout.readline() == "begun\n"

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, None]:
        """The rest of what it prints; subprocess.TimeoutExpired where it has not ended by then."""
        if self._rest is None:
            pool = ThreadPoolExecutor(1)
            self._rest = pool.submit(self.stdout.read)
            pool.shutdown(wait=False)
        try:
            rest = self._rest.result(timeout)
        except NotYet as error:
            raise subprocess.TimeoutExpired("forked", timeout or 0.0) from error
        self._process.join()
        return rest, None


def alone(output: Connection, function: Callable[..., bool], *arguments: object) -> None:
    """In the process that was forked: leave the group, print into the pipe, and end as the function does."""
    os.setsid()
    for printed in (1, 2):
        os.dup2(output.fileno(), printed)
    output.close()
    sys.stdout, sys.stderr = (os.fdopen(printed, "w", 1, "utf-8", closefd=False) for printed in (1, 2))
    print("begun")
    code = 1
    try:
        code = 0 if function(*arguments) else 1
    finally:
        sys.stdout.flush()
        os._exit(code)


def dbt(arguments: list[str], environment: Mapping[str, str], variables: Mapping[str, object]) -> bool:
    """Run dbt in the project; whether it passed."""
    project = parsed_project(variables)
    os.environ.update(environment)
    os.chdir(PROJECT)
    given = ["--no-use-colors", *arguments, "--vars", json.dumps(dict(variables))]
    return bool(dbtRunner(manifest=project).invoke(given).success)


def published(serving: Path, warehouse: Path) -> bool:
    return bool(publish(serving, warehouse))


def killed_at_call(name: str, calls: int, serving: Path, warehouse: Path) -> bool:
    """Publish, and be killed with SIGKILL at the nth call of a function of the module os."""
    left, original = [calls], getattr(os, name)

    def killed(*arguments: object, **options: object) -> object:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments, **options)

    setattr(os, name, killed)
    return published(serving, warehouse)
