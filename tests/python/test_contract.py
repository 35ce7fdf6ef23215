"""The contract on the screen, as a document and for machines; its exit code; a build that acts on it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pytest
from olist_segments.cli import main
from warehouses import FEW_CANDIDATES, SAMPLE, Warehouse


@pytest.fixture
def warehouse(built: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """A copy that a test may change, and the command line pointed at it."""
    copy = Warehouse(tmp_path)
    shutil.copy(built.path, copy.path)
    monkeypatch.setenv("OLIST_WAREHOUSE", str(copy.path))
    return copy


def set_contract(warehouse: Warehouse, **values: object) -> None:
    assignments = ", ".join(
        f"{name} = {value!r}" if value is not None else f"{name} = null" for name, value in values.items()
    )
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute(f"update maintenance_contract set {assignments}")


def test_a_contract_that_holds_exits_0_and_says_when_it_falls_due(
    warehouse: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    set_contract(
        warehouse,
        is_broken_today=False,
        is_overdue=False,
        refit_interval_days=91,
        drifting_features=None,
        is_feature_drifting=False,
        is_segment_share_drifting=False,
        explanation="The contract holds: see you later.",
    )
    assert main(["contract"]) == 0
    printed = capsys.readouterr().out
    assert "The contract holds: see you later." in printed
    assert "every 91 days" in printed
    assert "0.80*" in printed
    assert "OVERDUE" not in printed


def test_a_broken_contract_exits_3_and_names_what_broke_it(
    warehouse: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    set_contract(
        warehouse,
        is_broken_today=True,
        is_feature_drifting=True,
        drifting_features="total_spend",
        explanation="Refit early: the behaviour behind total_spend has changed.",
    )
    assert main(["contract"]) == 3
    assert "total_spend: CHANGED" in capsys.readouterr().out


def test_machines_read_the_same_figures_as_json(warehouse: Warehouse, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["contract", "--format", "json"])
    contract = json.loads(capsys.readouterr().out)
    table = warehouse.query("from maintenance_contract order by threshold")
    assert [row["threshold"] for row in contract["thresholds"]] == table["threshold"].tolist() == [0.7, 0.8, 0.9]
    assert contract["terms"]["explanation"] == table.loc[table["is_the_contract"], "explanation"].iloc[0]
    assert code == (3 if contract["terms"]["is_broken_today"] else 0)


def test_the_document_to_sign_has_every_segment_and_every_threshold(
    warehouse: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["contract", "--format", "md"])
    document = capsys.readouterr().out
    for name in warehouse.query("select distinct segment_name from segment_profiles")["segment_name"]:
        assert name in document
    assert all(f"| {threshold:.2f}" in document for threshold in (0.7, 0.8, 0.9))
    assert document.startswith("# Maintenance contract")


def test_no_warehouse_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OLIST_WAREHOUSE", str(tmp_path / "absent.duckdb"))
    assert main(["contract"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.slow
def test_a_build_refits_a_broken_contract_only_when_it_may(built: Warehouse, tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    shutil.copy(built.path, warehouse.path)
    set_contract(warehouse, is_broken_today=True, is_feature_drifting=True)
    warehouse.build(SAMPLE, variables=FEW_CANDIDATES)
    assert warehouse.query("from segment_versions")["model_version"].tolist() == [1]
    set_contract(warehouse, is_broken_today=True, is_feature_drifting=True)
    warehouse.build(SAMPLE, variables=FEW_CANDIDATES | {"auto_refit": True})
    assert warehouse.query("from segment_versions")["model_version"].tolist() == [1, 2]
    warehouse.build(SAMPLE, variables=FEW_CANDIDATES | {"auto_refit": True})
    refitted = warehouse.query("from maintenance_contract")["is_broken_today"].any()
    assert warehouse.query("from segment_versions")["model_version"].tolist() == ([1, 2, 3] if refitted else [1, 2])
