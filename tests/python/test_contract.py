"""The contract on the screen, as a document and for machines; its exit code; a refit that acts on it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pytest
from dbt_here import command_here
from nights import SETTINGS, Nights, copy_of
from olist_segments.cli import main
from warehouses import PROJECT, Warehouse


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
        is_interval_at_least=False,
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
    set_contract(warehouse, is_interval_at_least=True)
    assert main(["contract"]) == 0
    assert "after at least 91 days" in capsys.readouterr().out


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


@pytest.mark.parametrize("form", ["text", "md", "json"])
def test_how_the_forecasts_do_is_told_and_breaks_no_contract(
    warehouse: Warehouse, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    set_contract(
        warehouse, is_broken_today=False, is_forecast_off=True, forecast_explanation="The forecasts are far off."
    )
    assert main(["contract", "--format", form]) == 0
    assert "The forecasts are far off." in capsys.readouterr().out
    with duckdb.connect(str(warehouse.path)) as connection:
        for column in ("forecast_explanation", "forecast_version", "is_forecast_abstaining"):
            connection.execute(f"alter table maintenance_contract drop column {column}")
    assert main(["contract", "--format", form]) == 0
    assert "forecasts do" not in capsys.readouterr().out


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
def test_a_refit_follows_a_broken_contract_and_none_one_that_holds(
    built_tonight: Warehouse,
    nights: Nights,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    warehouse = copy_of(built_tonight, tmp_path / "copy")
    for name, value in warehouse.environment_of(nights.tonight).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(PROJECT)
    set_contract(warehouse, is_broken_today=False, explanation="The contract holds: see you later.")
    assert main(["refit-if-due"]) == 0
    assert capsys.readouterr().out == "No refit: The contract holds: see you later.\n"
    assert warehouse.query("from segment_versions")["model_version"].tolist() == [1]

    set_contract(warehouse, is_broken_today=True, explanation="Refit: the model is too old.")
    with monkeypatch.context() as patch:
        # The refit below is what runs in a process of its own.
        patch.setattr("olist_segments.refit.subprocess.run", command_here)
        assert main(["refit-if-due", "--vars", "{candidate_k_max: 1}"]) == 1
    assert "its build failed" in capsys.readouterr().out
    assert warehouse.query("from segment_versions")["model_version"].tolist() == [1]
    assert main(["refit-if-due", "--vars", json.dumps(SETTINGS)]) == 0
    assert "Refitted: Refit: the model is too old." in capsys.readouterr().out
    assert warehouse.query("from segment_versions")["model_version"].tolist() == [1, 2]
    assert warehouse.query("from maintenance_contract")["model_version"].unique().tolist() == [2]


def test_a_refit_is_refused_in_one_sentence_where_nobody_can_say_whether_it_is_due(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(warehouse.home)
    set_contract(warehouse, is_broken_today=True, explanation="Refit.")
    assert main(["refit-if-due"]) == 2
    assert "there is no dbt_project.yml here" in capsys.readouterr().err
    assert main(["refit-if-due", "--vars", "candidate_k_max"]) == 2
    assert "give a mapping" in capsys.readouterr().err
    # A build that fitted and then failed left the contract of the version before.
    set_contract(warehouse, model_version=0)
    assert main(["refit-if-due"]) == 2
    assert "run dbt build to its end first" in capsys.readouterr().err
