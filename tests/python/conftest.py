"""What several test modules share."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from dbt.contracts.graph.manifest import Manifest
from faults import FILES, Project, RunnerOf, parsed_project, runners
from olist_segments.serving.publish import publish
from warehouses import FEW_CANDIDATES, PROJECT, SAMPLE, Warehouse

READERS = PROJECT / "tests" / "readers"


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A whole build of the sample that passed, and published; not to be changed."""
    warehouse = Warehouse(tmp_path_factory.mktemp("built"))
    warehouse.dbt("build", "--exclude-resource-type", "unit_test", data=SAMPLE, variables=FEW_CANDIDATES)
    publish(warehouse.serving, warehouse.path)
    return warehouse


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """The project, read once for all tests that run dbt in this process."""
    return parsed_project(tmp_path_factory.mktemp("manifest"))


@pytest.fixture(scope="module")
def runner_of(manifest: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunnerOf]:
    with runners(manifest, tmp_path_factory.mktemp("dbt")) as made:
        yield made


@pytest.fixture
def project(runner_of: RunnerOf, tmp_path: Path) -> Project:
    """Nine tiny valid files, to be damaged."""
    made = Project(runner_of, tmp_path)
    made.write_all(FILES)
    return made


def absent(reason: str) -> None:
    """Skip the test, or fail it where OLIST_READERS_REQUIRED=1 says that every reader is to be tried."""
    if os.environ.get("OLIST_READERS_REQUIRED") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def node_reader(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The Node client, installed as its lock says into a folder of its own."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        absent("Node and npm are not installed: the Node client is not tried")
    assert node is not None
    assert npm is not None
    home = tmp_path_factory.mktemp("node")
    for name in ("package.json", "package-lock.json", "node_reader.mjs"):
        shutil.copy(READERS / name, home)
    installing = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    installed = subprocess.run(installing, cwd=home, capture_output=True, text=True, check=False)
    if installed.returncode:
        absent(f"npm ci could not install the Node client:\n{installed.stderr}")
    return [node, str(home / "node_reader.mjs")]
