"""The folder that readers open: it shows one whole build, and changes to the next in one atomic rename.

    segments.duckdb -> current/segments.duckdb
    parquet         -> current/parquet
    versions        -> current/versions
    manifest.json   -> current/manifest.json
    current         -> .builds/<build>

Thirty files can't be renamed at once, and whoever is killed between two renames would leave tables of two builds under
one manifest. So each build is written whole into a folder of its own, and what readers open are links through
`current`: renaming that one link changes all files in the same instant. Every path is an ordinary path to open, and a
reader that has the old file open keeps it. The build that was replaced stays until the next one, for readers that
are half way through its files; of a build with model versions that are found nowhere else, those stay for good.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from olist_segments.errors import UserError
from olist_segments.serving.atomic import sync

DEFAULT_FOLDER = "serving"
DATABASE = "segments.duckdb"
PARQUET = "parquet"
VERSIONS = "versions"
MANIFEST = "manifest.json"

_CURRENT = "current"
_BUILDS = ".builds"
_LOCK = ".lock"
_MOMENT = "%Y%m%dT%H%M%S.%fZ"
_NAMED_BY_MOMENT = f"{'[0-9]' * 8}T{'[0-9]' * 6}.{'[0-9]' * 6}Z"
_SHOWN = (DATABASE, PARQUET, VERSIONS, MANIFEST)


def serving_path() -> Path:
    """Where readers look: `OLIST_SERVING_DIR`, or serving in the working directory."""
    return Path(os.environ.get("OLIST_SERVING_DIR") or DEFAULT_FOLDER)


def published_tables() -> Path | None:
    """The database that readers open; None where nothing is published."""
    database = serving_path() / DATABASE
    return database if database.is_file() else None


def database_before(folder: Path) -> Path | None:
    """The database of the build that was published before the one that readers are shown; None where it is gone."""
    shown = (folder / _CURRENT).resolve()
    before = [
        build / DATABASE
        for build in sorted((folder / _BUILDS).glob(_NAMED_BY_MOMENT))
        if build.name < shown.name and (build / DATABASE).is_file()
    ]
    return before[-1] if before else None


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest in `folder`, or an empty one where there is none that can be read."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return manifest if isinstance(manifest, dict) else {}


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Nobody else writes to the serving folder while the block runs; leftovers of killed processes are removed first.

    The folder is made where it is missing. UserError where another is at work, or where something else stands in the
    place of a link.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / _LOCK, "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(f"another publish is writing to '{folder}': wait for it to end and try again.") from error
        _refuse_foreign_files(folder)
        remove_leftovers(folder)
        yield


@contextmanager
def new_build(folder: Path) -> Iterator[Path]:
    """An empty folder for the files of one build; shown to readers when the block ends, removed when it fails.

    `folder`: the serving folder, which the caller has `held`.
    """
    with ExitStack() as on_failure:
        build = folder / _BUILDS / _name_of_next(folder)
        build.mkdir(parents=True)
        on_failure.callback(shutil.rmtree, build, ignore_errors=True)
        yield build
        _make_durable(build)
        sync(folder / _BUILDS)
        for name in _SHOWN:
            _link(folder / name, f"{_CURRENT}/{name}")
        # From here on the folder may be in use.
        on_failure.pop_all()
        _link(folder / _CURRENT, f"{_BUILDS}/{build.name}")
        sync(folder)


def kept_for_versions(folder: Path, new: Path) -> list[Path]:
    """The builds in `folder` that neither readers are shown nor are being written (`new`), kept for model versions."""
    shown = (folder / _CURRENT).resolve()
    return [build for build in sorted((folder / _BUILDS).glob("*")) if build.resolve() not in (shown, new.resolve())]


def model_versions(manifest: dict[str, Any]) -> set[tuple[int, str]]:
    """The model versions of a manifest, each told from its namesakes by the moment of its fit."""
    return {(version["model_version"], version["fitted_at"]) for version in manifest.get("model_versions", [])}


def _name_of_next(folder: Path) -> str:
    """The moment, or where the clock was set back the first one after the newest build: names rise with every build."""
    now = datetime.now(UTC).strftime(_MOMENT)
    newest = max((build.name for build in (folder / _BUILDS).glob(_NAMED_BY_MOMENT)), default="")
    if now > newest:
        return now
    return (datetime.strptime(newest, _MOMENT) + timedelta(microseconds=1)).strftime(_MOMENT)


def _refuse_foreign_files(folder: Path) -> None:
    for name in (*_SHOWN, _CURRENT):
        if os.path.lexists(folder / name) and not (folder / name).is_symlink():
            raise UserError(
                f"'{folder / name}' was not made by olist-segments publish: move it away and publish again."
            )


def remove_leftovers(folder: Path) -> None:
    """Remove the builds that nobody is shown, but those with model versions that the one shown does not have."""
    shown = (folder / _CURRENT).resolve()
    known = model_versions(read_manifest(shown))
    for build in sorted((folder / _BUILDS).glob("*")):
        if build.resolve() != shown and model_versions(read_manifest(build)) <= known:
            shutil.rmtree(build)


def _make_durable(folder: Path) -> None:
    """Everything in `folder` read-only and on the disk."""
    for directory, _, names in os.walk(folder):
        for name in names:
            path = Path(directory, name)
            path.chmod(0o444)
            sync(path)
        sync(Path(directory))


def _link(path: Path, target: str) -> None:
    if path.is_symlink() and os.readlink(path) == target:
        return
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    os.replace(new, path)
