"""Building a part of the project, or tables without rows, on a new warehouse and beside a built one."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from dbt.contracts.graph.nodes import GenericTestNode, ModelNode, SingularTestNode
from dbt.graph.cli import parse_difference
from dbt.task.list import ListTask
from dbt_common.events.contextvars import task_contextvars
from faults import runners
from nights import REFIT, SETTINGS, Nights
from warehouses import Warehouse

EMPTY = ("build", "--empty", "--exclude-resource-type", "unit_test")
VERSIONS = (
    *("fit_segment_candidates", "fit_segment_model", "fit_segment_labels", "fit_segment_refits", "fit_ageing"),
    *("fit_forecast_candidates", "fit_forecast_model"),
)
ROOMS = (
    *("staging", "core", "features", "segmentation", "profiles", "forecasts", "campaigns", "semantic", "maintenance"),
)


@pytest.fixture(scope="module")
def runner(manifest: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dbtRunner]:
    with runners(manifest, tmp_path_factory.mktemp("selections")) as made:
        yield made([])


def listed(runner: dbtRunner, *arguments: str) -> list[dict[str, Any]]:
    """The nodes that a selection takes, each with its id and what it depends on."""
    command = ["--quiet", "ls", "--output", "json", "--output-keys", "unique_id", "resource_type", "depends_on"]
    result = runner.invoke([*command, "--no-write-json", *arguments])
    assert result.success, result.exception
    return [json.loads(line) for line in result.result]  # type: ignore[union-attr]


def selected(runner: dbtRunner, models: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """The ids that dbt takes for each of the models with its ancestors; the graph is made once for all of them."""
    taken = {}

    def run(task: ListTask) -> list[str]:
        with task_contextvars(project_root=task.config.project_root):
            task.compile_manifest()
        selector = task.get_node_selector()
        for model in models:
            taken[model] = set(map(str, selector.get_selected(parse_difference([f"+{model}"], []))))
        return list(taken)

    monkeypatch.setattr(ListTask, "run", run)
    assert runner.invoke(["--quiet", "ls"]).success
    return taken


@pytest.mark.slow
def test_with_its_ancestors_a_model_brings_only_tests_of_what_is_built(
    manifest: Manifest, runner: dbtRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = [node.name for node in manifest.nodes.values() if str(node.resource_type) == "model"]
    assert len(models) > 50
    tests = {name: node.depends_on.nodes for name, node in manifest.unit_tests.items()}
    tests |= {
        name: node.depends_on.nodes
        for name, node in manifest.nodes.items()
        if isinstance(node, GenericTestNode | SingularTestNode)
    }
    brought = 0
    for model, built in selected(runner, models, monkeypatch).items():
        assert f"model.olist_segments.{model}" in built
        for name in built & tests.keys():
            brought += 1
            needed = {parent for parent in tests[name] if parent.startswith(("model.", "seed."))}
            assert needed <= built, f"{name} is brought by +{model}"
    assert brought > 1_000


def test_a_model_reads_its_own_room_and_those_before(manifest: Manifest) -> None:
    models = {node.unique_id: node for node in manifest.nodes.values() if isinstance(node, ModelNode)}
    place = {name: ROOMS.index(Path(node.original_file_path).parts[1]) for name, node in models.items()}
    assert set(place.values()) == set(range(len(ROOMS)))
    for name, node in models.items():
        for parent in node.depends_on.nodes:
            assert place.get(parent, 0) <= place[name], f"{name} reads {parent}"


def test_a_whole_build_runs_every_test(manifest: Manifest, runner: dbtRunner) -> None:
    tests = {node.unique_id for node in manifest.nodes.values() if str(node.resource_type) == "test"}
    assert len(tests) > 150

    nodes = listed(runner, "--resource-type", "test", "unit_test")

    assert {node["unique_id"] for node in nodes} == tests | set(manifest.unit_tests)


KEYED = re.compile(r"models/(core|features|profiles|campaigns/(campaign|policy|suppressed))")


def test_every_table_that_people_read_has_a_key(manifest: Manifest) -> None:
    tests = [node for node in manifest.nodes.values() if isinstance(node, GenericTestNode)]
    keyed = {test.attached_node for test in tests if test.test_metadata.kwargs.get("keys")}
    models = {
        node.unique_id
        for node in manifest.nodes.values()
        if isinstance(node, ModelNode) and KEYED.match(node.original_file_path)
    }
    assert len(models) > 30
    assert models - keyed == set()


@pytest.mark.slow
def test_a_model_is_built_with_its_ancestors_in_a_new_warehouse(nights: Nights, tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)

    output = warehouse.dbt("build", "--select", "+segment_profiles", data=nights.tonight, variables=SETTINGS)

    assert "WARN=0 ERROR=0 SKIP=0" in output
    assert warehouse.query("select count(*) as n from segment_profiles")["n"][0] >= 2


def types_of(warehouse: Warehouse) -> dict[str, list[tuple[str, str]]]:
    """The columns of every table and view, with their types."""
    with duckdb.connect(str(warehouse.path), read_only=True) as connection:
        columns = connection.sql(
            "select table_name, column_name, data_type from duckdb_columns() where schema_name = 'main' and not "
            "internal order by table_name, column_index"
        ).fetchall()
    found: dict[str, list[tuple[str, str]]] = {}
    for table, column, kind in columns:
        found.setdefault(table, []).append((column, kind))
    return found


@pytest.mark.slow
def test_a_build_without_rows_makes_every_table_of_a_new_warehouse_and_the_next_build_fills_them(
    built_tonight: Warehouse, nights: Nights, tmp_path: Path
) -> None:
    warehouse = Warehouse(tmp_path)

    output = warehouse.dbt(*EMPTY, data=nights.tonight, variables=SETTINGS)

    assert "ERROR=0 SKIP=0" in output
    assert types_of(warehouse) == types_of(built_tonight)
    for table in ("orders", "customer_features_monthly", *VERSIONS):
        assert warehouse.query(f"select count(*) as n from {table}")["n"][0] == 0
    warehouse.build(nights.tonight, variables=SETTINGS)
    assert warehouse.table_digests() == built_tonight.table_digests()


@pytest.mark.slow
def test_a_build_without_rows_loses_no_model_version(built_tonight: Warehouse, nights: Nights, tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    shutil.copy(built_tonight.path, warehouse.path)

    output = warehouse.build(nights.tonight, "--empty", variables=REFIT)

    assert "ERROR=0 SKIP=0" in output
    before, after = built_tonight.table_digests(), warehouse.table_digests()
    assert {name: after[name] for name in VERSIONS} == {name: before[name] for name in VERSIONS}
    warehouse.build(nights.tonight, variables=SETTINGS)
    assert warehouse.table_digests() == before
