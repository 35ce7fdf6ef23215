"""What several test modules share."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import cloudpickle
import duckdb
import pytest
from dbt.contracts.graph.manifest import Manifest
from dbt_here import locked, parsed_project
from faults import FILES, Project, RunnerOf, runners
from nights import SETTINGS, WHOLE, Nights, two_nights
from olist_segments.report import charts
from olist_segments.serving.publish import publish
from warehouses import FEW_CANDIDATES, PROJECT, SAMPLE, Warehouse

READERS = PROJECT / "tests" / "readers"
# Of the files that take longest, in the order in which they begin; the others follow as they are named. The first and
# the second need different builds, so that no worker waits for the other's.
LONGEST = [
    "test_report.py",
    "test_faults_running.py",
    "test_tables_by_date.py",
    "test_forget.py",
    "test_pipeline.py",
    "test_fault_catalogue.py",
    "test_publish.py",
    "test_upgrade.py",
    "test_walkthrough.py",
    "test_warehouse_file.py",
    "test_campaign_sequences.py",
    "test_campaign_simulations.py",
    "test_report_campaigns.py",
    "test_report_shops.py",
    "test_ageing.py",
    "test_selections.py",
    "test_variable_edges.py",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first: begun last, one of them would keep one worker busy while the other has nothing left."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


@pytest.fixture(scope="session", autouse=True)
def charts_drawn_once() -> Iterator[None]:
    """A chart of the same rows is drawn once a session: of a page of other tables only what differs is drawn anew."""
    draw, drawn = charts.render, dict[bytes, list[str]]()

    def render(name: str, chart: Callable[[int], object], alternative: str) -> list[str]:
        # By value: what the function of a chart refers to is its rows.
        key = hashlib.sha256(cloudpickle.dumps((name, chart, alternative))).digest()
        if key not in drawn:
            drawn[key] = draw(name, chart, alternative)
        return list(drawn[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(charts, "render", render)
        yield


def made_once(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder `name` as `make` leaves it: made by the worker that asks first, shared by all of this session."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    with locked(folder.with_suffix(".lock")):
        if not folder.exists():
            unfinished = folder.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            make(unfinished)
            unfinished.rename(folder)
    return folder


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A whole build of the sample that passed, published, analyses compiled; not to be changed, nor dbt run on it."""

    def make(home: Path) -> None:
        warehouse = Warehouse(home)
        warehouse.dbt(*WHOLE, data=SAMPLE, variables=FEW_CANDIDATES)
        publish(warehouse.serving, warehouse.path)
        warehouse.dbt("compile", "--select", "path:analyses", data=SAMPLE, variables=FEW_CANDIDATES)

    return Warehouse(made_once(tmp_path_factory, "built", make))


@pytest.fixture(scope="session")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """The small marketplace of two nights; not to be changed."""
    return Nights.of(made_once(tmp_path_factory, "nights", two_nights))


def built_once(tmp_path_factory: pytest.TempPathFactory, name: str, data: Path) -> Warehouse:
    """A whole build of the tiny marketplace's files in `data` that passed, and published; not to be changed."""

    def make(home: Path) -> None:
        warehouse = Warehouse(home)
        warehouse.dbt(*WHOLE, data=data, variables=SETTINGS)
        publish(warehouse.serving, warehouse.path)

    return Warehouse(made_once(tmp_path_factory, name, make))


@pytest.fixture(scope="session")
def built_last_night(nights: Nights, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return built_once(tmp_path_factory, "last_night", nights.last)


@pytest.fixture(scope="session")
def built_tonight(nights: Nights, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return built_once(tmp_path_factory, "tonight", nights.tonight)


@pytest.fixture
def environment(built: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """The commands read what `built` published."""
    monkeypatch.setenv("OLIST_WAREHOUSE", str(built.path))
    monkeypatch.setenv("OLIST_SERVING_DIR", str(built.serving))
    return built


@pytest.fixture
def tampered(built: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> duckdb.DuckDBPyConnection:
    """A connection to a copy of the published tables, which the commands read once it is closed."""
    folder = tmp_path / "serving"
    folder.mkdir()
    shutil.copy(built.serving / "segments.duckdb", folder)
    (folder / "segments.duckdb").chmod(0o644)
    monkeypatch.setenv("OLIST_WAREHOUSE", str(tmp_path / "none.duckdb"))
    monkeypatch.setenv("OLIST_SERVING_DIR", str(folder))
    return duckdb.connect(str(folder / "segments.duckdb"))


@pytest.fixture(scope="session")
def manifest() -> Manifest:
    """The project, read once for all tests that run dbt in this process."""
    return parsed_project()


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
