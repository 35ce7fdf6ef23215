"""What several test modules share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from dbt.contracts.graph.manifest import Manifest
from faults import FILES, Project, RunnerOf, parsed_project, runners
from olist_segments.publish import publish
from warehouses import FEW_CANDIDATES, SAMPLE, Warehouse


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
