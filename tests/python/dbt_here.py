"""dbt in this process: the project is parsed once per checkout, and a run costs what it builds."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import gc
import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import pytest
import yaml
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from dbt.clients.jinja import get_rendered
from dbt.contracts.graph.manifest import Manifest
from dbt_common.behavior_flags import BehaviorFlagRendered
from dbt_common.events.base_types import BaseEvent, EventLevel
from dbt_common.events.event_manager import EventManager
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


def folder_of(schema_on_spark: str = "") -> Path:
    """Where what dbt read of the project is kept for the next session."""
    return PARSED / hashlib.sha256(schema_on_spark.encode()).hexdigest()[:16]


def read_by_dbt(folder: Path, variables: Mapping[str, object], schema_on_spark: str = "") -> Manifest:
    """The project as dbt reads it under these vars; it leaves in `folder` what spares the next worker most of it."""
    target = ["--target", "spark"] if schema_on_spark else []
    with locked(folder / "lock"), pytest.MonkeyPatch.context() as patch:
        patch.chdir(PROJECT)
        # dbt parses anew whenever the profile differs, so it is given the same one each time.
        for name in [name for name in os.environ if name.startswith(("OLIST_", "DBT_"))]:
            patch.delenv(name)
        patch.setenv("OLIST_WAREHOUSE", str(PARSED / "warehouse.duckdb"))
        if schema_on_spark:
            patch.setenv("OLIST_SPARK_SCHEMA", schema_on_spark)
        places = ["--target-path", str(folder), "--log-path", str(folder / "logs")]
        parsed = dbtRunner().invoke(["--quiet", "parse", *target, *places, "--vars", json.dumps(dict(variables))])
    assert parsed.success, parsed.exception
    assert isinstance(parsed.result, Manifest)
    if not gc.get_freeze_count():
        # Every run ends with a look through all objects: those of the project would be most of them.
        gc.collect()
        gc.freeze()
    return parsed.result


@functools.cache
def parsed_once(schema_on_spark: str = "") -> bytes:
    """The parts of the project as dbt reads it without vars, pickled: runs write into what they are given."""
    parsed = read_by_dbt(folder_of(schema_on_spark), {}, schema_on_spark)
    # Not the whole, which comes back with its private parts mixed up.
    names = [part.name for part in fields(Manifest) if not part.name.startswith("_") and part.name != "flat_graph"]
    return pickle.dumps({name: getattr(parsed, name) for name in names})


@functools.cache
def configs_of_vars() -> dict[str, dict[str, Any]]:
    """Of each model the entries of its `config` that are made of vars, as they are written."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted((PROJECT / "models").rglob("*.yml")):
        text = path.read_text(encoding="utf-8")
        for model in (yaml.safe_load(text).get("models") or []) if "var(" in text else []:
            made = {key: value for key, value in model.get("config", {}).items() if "var(" in json.dumps(value)}
            if made:
                found[model["name"]] = made
    return found


def rendered(value: Any, context: dict[str, Any]) -> Any:
    """What dbt makes of an entry of a `config`."""
    if isinstance(value, dict):
        return {key: rendered(member, context) for key, member in value.items()}
    return get_rendered(value, context, native=True) if isinstance(value, str) else value


@functools.lru_cache(maxsize=4)
def parsed_under(variables: str, schema_on_spark: str = "") -> Manifest:
    """The project under vars in JSON: only some configs know vars, so it is not read anew for others."""
    manifest = Manifest(**pickle.loads(parsed_once(schema_on_spark)))
    defaults = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
    context = {"var": (defaults | json.loads(variables)).__getitem__}
    for model, config in configs_of_vars().items():
        node = manifest.nodes[f"model.olist_segments.{model}"]
        for key, value in config.items():
            node.config[key] = node.unrendered_config[key] = rendered(value, context)
    manifest.build_flat_graph()  # type: ignore[no-untyped-call]
    return manifest


def parsed_project(variables: Mapping[str, object] | None = None, schema_on_spark: str = "") -> Manifest:
    """The project as dbt reads it under these vars: they are part of the `config` of the Python models."""
    return parsed_under(json.dumps(dict(variables or {})), schema_on_spark)


def close_warehouses() -> None:
    """Let go of the file that dbt keeps open as long as its process lives, with all that was written in it."""
    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    # What dbt has made refers to itself in circles, and its connections are part of it.
    gc.collect()


@contextmanager
def opened(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse at `path`, to read; a copy of its files while a run of this process has not let go of it yet."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            connection = duckdb.connect(str(path), read_only=True)
        except (duckdb.ResourceInUseException, duckdb.ConnectionException):
            copy = Path(folder) / path.name
            for ending in ("", ".wal"):
                with contextlib.suppress(FileNotFoundError):
                    shutil.copyfile(f"{path}{ending}", f"{copy}{ending}")
            connection = duckdb.connect(str(copy))
        with connection:
            yield connection


COMPILE = jinja2.Environment.compile
FIRE_EVENT = EventManager.fire_event
COMPILED: dict[tuple[type[jinja2.Environment], str], Any] = {}


def compiled_once(environment: jinja2.Environment, source: Any, *named: Any, **options: Any) -> Any:
    """What Jinja makes of a template without a name, for all runs of this process: dbt compiles it in every run."""
    if named or options or not isinstance(source, str):
        return COMPILE(environment, source, *named, **options)
    key = (type(environment), source)
    if key not in COMPILED:
        COMPILED[key] = COMPILE(environment, source)
    return COMPILED[key]


def fire_event(manager: EventManager, e: BaseEvent, level: EventLevel | None = None, **options: Any) -> None:
    """What nobody reads is not made: nine events in ten are of level debug."""
    if (level or e.level_tag()) != EventLevel.DEBUG:
        FIRE_EVENT(manager, e, level, **options)


def shorten_runs(patch: pytest.MonkeyPatch) -> None:
    """Leave out what dbt does anew in each run, and nobody reads."""
    patch.setattr(jinja2.Environment, "compile", compiled_once)
    # Found by reading the source of everything that called it.
    patch.setattr(BehaviorFlagRendered, "_default_source", staticmethod(lambda: "dbt"))


@dataclass(frozen=True)
class Ended:
    """How a run of dbt ended, and what it said."""

    success: bool
    output: str


def run_dbt(
    arguments: list[str],
    environment: Mapping[str, str],
    variables: Mapping[str, object] | None = None,
    schema_on_spark: str = "",
) -> Ended:
    """Run dbt in the project with these variables of the environment and vars, and let go of the warehouse.

    With `--target spark` among the arguments, its schema is given, and the session stays open for the next run.
    """
    events: list[Any] = []
    options = ["--log-level", "none", "--log-level-file", "none", "--no-use-colors", "--no-write-json"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(PROJECT)
        for name, value in environment.items():
            patch.setenv(name, value)
        shorten_runs(patch)
        patch.setattr(EventManager, "fire_event", fire_event)
        # Workers take longer to start than the small fits of tests, and pytest has a worker per core already.
        for module in (candidates, simulation):
            patch.setattr(module, "WORTH_WORKERS", sys.maxsize)
        try:
            runner = dbtRunner(manifest=parsed_project(variables, schema_on_spark), callbacks=[events.append])
            ended = runner.invoke([*options, *arguments, "--vars", json.dumps(dict(variables or {}))])
        finally:
            close_warehouses()
    # dbt takes Ctrl-C for a failure like any other; who runs the tests means all of them.
    if isinstance(ended.exception, KeyboardInterrupt):
        raise ended.exception
    told = [str(event.info.msg) for event in events]
    return Ended(bool(ended.success), "\n".join([*told, *([repr(ended.exception)] if ended.exception else [])]))


def command_here(command: list[str], env: Mapping[str, str], **_: Any) -> subprocess.CompletedProcess[str]:
    """In the place of `subprocess.run` where that runs dbt and a process of its own is not what is tested."""
    *arguments, vars_follow, given = command[command.index("dbt.cli.main") + 1 :]
    assert vars_follow == "--vars"
    ended = run_dbt(arguments, env, yaml.safe_load(given))
    return subprocess.CompletedProcess(command, 0 if ended.success else 1, ended.output)
