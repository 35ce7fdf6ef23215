"""The environment is the locked one, and the order in which it was installed changes no number.

OLIST_SECOND_ENVIRONMENT=1 installs the lock once more, last package first, and builds with it (some minutes).
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import venv
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest
from nights import SETTINGS, Nights
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from warehouses import PROJECT, Warehouse

LOCK = PROJECT / "requirements.lock"
# A package begins a line; its hashes, and who needs it, are indented below.
NEXT_PACKAGE = re.compile(r"\n(?=[a-z0-9])", re.IGNORECASE)


def pinned() -> list[tuple[Requirement, str]]:
    """Every package of the lock that this system needs, and its lines there."""
    packages = NEXT_PACKAGE.split(LOCK.read_text().strip())
    entries = [(Requirement(text.split("\\")[0].strip()), text) for text in packages]
    return [(needed, text) for needed, text in entries if needed.marker is None or needed.marker.evaluate()]


def test_every_package_is_installed_in_the_version_of_the_lock() -> None:
    packages = [needed for needed, _ in pinned()]
    assert len(packages) > 50
    assert {"dbt-core", "dbt-duckdb", "duckdb", "numpy", "scikit-learn"} <= {needed.name for needed in packages}
    installed = {needed.name: version(canonicalize_name(needed.name)) for needed in packages}
    assert installed == {needed.name: str(needed.specifier).removeprefix("==") for needed in packages}


def test_every_package_of_the_lock_has_a_hash() -> None:
    assert all("--hash=sha256:" in text for _, text in pinned())


def loaded_audit() -> ModuleType:
    """What `make audit` runs."""
    spec = importlib.util.spec_from_file_location("audit", PROJECT / ".ci" / "audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


WELL = {"name": "numpy", "version": "2.4.6", "vulns": []}
ILL = {"name": "jinja2", "version": "3.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3.1"]}]}
UNKNOWN = {"name": "scipy", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("answer", "fetches", "exit_code", "sentence"),
    [
        ([WELL], None, 0, "no package has a known vulnerability"),
        ([WELL, ILL], None, 1, "jinja2 3.0: PYSEC-1, fixed in 3.1"),
        ([ILL, UNKNOWN], None, 1, "jinja2 3.0: PYSEC-1, fixed in 3.1"),
        ([WELL, UNKNOWN], 0, 0, "(1 of 2 packages: Dependency not found on PyPI): the hashes"),
        (None, 0, 0, "(no connection): the hashes"),
        (None, 1, 1, "THESE PACKAGES DO NOT MATCH THE HASHES"),
    ],
)
def test_an_audit_that_could_not_ask_never_says_that_all_is_well(
    answer: list[dict[str, object]] | None,
    fetches: int | None,
    exit_code: int,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    audit = loaded_audit()

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        if command[0] == "pip_audit":
            output = "" if answer is None else json.dumps({"dependencies": answer})
            return subprocess.CompletedProcess(command, 1, output, "ERROR\nno connection\n")
        assert fetches is not None
        return subprocess.CompletedProcess(command, fetches, "", "THESE PACKAGES DO NOT MATCH THE HASHES" * fetches)

    monkeypatch.setattr(audit, "run", run)
    monkeypatch.setattr(audit, "find_spec", lambda name: name)
    assert audit.main("requirements.lock") == exit_code
    printed = capsys.readouterr().out
    assert sentence in printed
    assert ("no package has a known vulnerability" in printed) is (answer == [WELL])


@pytest.mark.slow
@pytest.mark.skipif(
    os.environ.get("OLIST_SECOND_ENVIRONMENT") != "1",
    reason="a second environment takes minutes to install: OLIST_SECOND_ENVIRONMENT=1 tries it",
)
def test_the_order_of_installation_changes_no_table(
    nights: Nights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = nights.tonight
    here = Warehouse(tmp_path / "here")
    here.build(data, variables=SETTINGS, alone=True)

    venv.create(tmp_path / "venv", with_pip=True)
    python = str(tmp_path / "venv" / "bin" / "python")
    install = [python, "-m", "pip", "install", "--quiet", "--no-deps"]
    backwards = [text for _, text in reversed(pinned())]
    for start in range(0, len(backwards), 10):
        some = tmp_path / f"{start}.lock"
        some.write_text("\n".join(backwards[start : start + 10]) + "\n")
        subprocess.run([*install, "--require-hashes", "--requirement", str(some)], check=True)
    subprocess.run([*install, "--no-build-isolation", "--editable", str(PROJECT)], check=True)

    monkeypatch.setattr(sys, "executable", python)
    there = Warehouse(tmp_path / "there")
    there.build(data, variables=SETTINGS, alone=True)
    assert there.table_digests() == here.table_digests()
