"""Forecasts as tables: nothing of the future in them, frozen once fitted, taken back, and what the contract says."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from dbt.contracts.graph.manifest import Manifest
from marketplaces import cut_at, read_tables, write_tables
from nights import SETTINGS, Nights, copy_of
from warehouses import FEW_CANDIDATES, SAMPLE, Warehouse

CUT = dt.date(2018, 6, 30)
# Models are fitted though the sample has few returns, and whichever ranks best may forecast.
RULE = {"forecast_rule": {"min_returns": 5, "min_judged_dates": 2, "min_auc_lead": 0}}
EAGER = FEW_CANDIDATES | RULE
FITS = ("fit_forecast_candidates", "fit_forecast_model", "fit_forecast_lookup")
FORECASTS = (*FITS, "forecast_model", "forecast_versions", "customer_forecasts_monthly")
EARLIER = f"from customer_forecasts_monthly where as_of_date <= '{CUT}' order by as_of_date, customer_unique_id"


def without_fits(built: Warehouse, home: Path) -> Warehouse:
    """A copy of the built warehouse in which nothing was forecast yet."""
    home.mkdir(parents=True)
    warehouse = Warehouse(home)
    shutil.copy(built.path, warehouse.path)
    with duckdb.connect(str(warehouse.path)) as connection:
        for table in FITS:
            connection.execute(f"drop table {table}")
    return warehouse


@pytest.fixture(scope="module")
def eager(built: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The sample with models fitted on whatever returns there are."""
    warehouse = without_fits(built, tmp_path_factory.mktemp("eager") / "warehouse")
    warehouse.dbt("run", "--select", *FORECASTS, data=SAMPLE, variables=EAGER)
    return warehouse


def test_terms_that_settings_allow_are_those_that_scoring_knows(manifest: Manifest) -> None:
    columns = manifest.nodes["model.olist_segments.forecast_features"].columns
    terms = sorted(name for name, column in columns.items() if column.meta.get("is_term"))
    macro = manifest.macros["macro.olist_segments.forecast_terms"].macro_sql
    assert [name for name in sorted(columns) if f'"{name}"' in macro] == terms
    assert len(terms) > 10


@pytest.mark.slow
def test_forecasts_of_a_date_are_those_of_an_export_cut_at_it(eager: Warehouse, tmp_path: Path) -> None:
    cut = write_tables(cut_at(read_tables(SAMPLE), CUT), tmp_path / "cut")
    warehouse = Warehouse(tmp_path / "warehouse")
    warehouse.build(cut, "--select", "+customer_forecasts_monthly", variables=EAGER)

    then, full = warehouse.query(EARLIER), eager.query(EARLIER)

    assert then.pop("is_newest").sum() > 1_000
    assert not full.pop("is_newest").any()
    assert full["order_probability"].notna().mean() > 0.9
    pd.testing.assert_frame_equal(then, full, check_exact=True)
    # The candidates that were not chosen knew no more.
    fits = (
        "select model, as_of_date, is_chosen, training_customer_count, training_return_count, parameters "
        f"from fit_forecast_candidates where tenth = 0 and as_of_date <= '{CUT}' order by model, as_of_date"
    )
    then, full = warehouse.query(fits), eager.query(fits)
    assert full["parameters"].str.len().max() > 100
    pd.testing.assert_frame_equal(then, full, check_exact=True)


@pytest.mark.slow
def test_forecasts_are_fitted_anew_when_asked_and_for_the_newest_date_only(
    built_tonight: Warehouse, nights: Nights, tmp_path: Path
) -> None:
    warehouse = copy_of(built_tonight, tmp_path / "copy")
    history = "from customer_forecasts_monthly where not is_newest order by as_of_date, customer_unique_id"

    forecast = ("run", "--select", *FORECASTS)
    warehouse.dbt(*forecast, data=nights.tonight, variables=SETTINGS)
    digests = [made.table_digests(apart=())["fit_forecast_model"] for made in (warehouse, built_tonight)]
    assert digests[0] == digests[1]

    warehouse.dbt(*forecast, data=nights.tonight, variables=SETTINGS | RULE | {"refit_forecasts": True})
    versions = warehouse.query("from forecast_versions where forecast_version > 1")
    newest = warehouse.query("select max(as_of_date) as as_of_date from as_of_dates")["as_of_date"][0]
    assert versions[["forecast_version", "fitted_on", "is_simulated", "is_in_force"]].to_numpy().tolist() == [
        [2, newest, False, True]
    ]
    pd.testing.assert_frame_equal(warehouse.query(history), built_tonight.query(history), check_exact=True)
    today = warehouse.query("select distinct forecast_version from customer_forecasts_monthly where is_newest")
    assert today["forecast_version"].tolist() == [2]


def test_a_regression_forecasts_in_sql_as_its_parameters_say(eager: Warehouse, tmp_path: Path) -> None:
    """Whatever was chosen on so few returns, the newest date is given a regression on every term."""
    warehouse = Warehouse(tmp_path)
    shutil.copy(eager.path, warehouse.path)
    with duckdb.connect(str(warehouse.path)) as connection:
        terms = [
            name
            for (name,) in connection.sql("select column_name from (describe forecast_features) offset 18").fetchall()
            if not name.startswith("next_")
        ]
        assert terms[0] == "ln_purchase_days"
        connection.execute(
            "create temp table chosen as select distinct * replace ('logistic' as model, false as is_abstaining) "
            "from fit_forecast_model where fitted_on = data_as_of and part = 'amount'"
        )
        connection.execute("delete from fit_forecast_model where fitted_on = data_as_of")
        connection.execute("insert into fit_forecast_model from chosen")
        for i, term in enumerate(["intercept", *terms]):
            connection.execute(
                "insert into fit_forecast_model select * replace ('terms' as part, $term as term, '' as level, "
                "$shift as shift, $scale as scale, $coefficient as coefficient) from chosen limit 1",
                {"term": term, "shift": 0.1 * i, "scale": 1 + 0.3 * i, "coefficient": (-1) ** i / (1 + i)},
            )
    models = ("forecast_model", "forecast_versions", "customer_forecasts_monthly", "customer_forecasts")
    output = warehouse.dbt(
        *("build", "--indirect-selection", "empty", "--select", *models, "sql_forecasts_like_python"),
        data=SAMPLE,
        variables=EAGER,
    )
    assert "PASS sql_forecasts_like_python" in output
    spread = warehouse.query("select count(distinct order_probability) as n from customer_forecasts")["n"][0]
    assert spread > 1_000


def test_the_contract_asks_for_another_fit_only_of_one_that_did_not_know_the_outcomes(
    built: Warehouse, tmp_path: Path
) -> None:
    warehouse = Warehouse(tmp_path)
    shutil.copy(built.path, warehouse.path)
    columns = "is_broken_today, is_forecast_off, forecast_explanation"

    def told(fitted_on: str, status: str) -> tuple[bool, bool, str]:
        with duckdb.connect(str(warehouse.path)) as connection:
            connection.execute(
                f"update forecast_drift_monthly set order_ratio = 1.5, drift_status = '{status}' where is_newest"
            )
            connection.execute(
                f"update forecast_versions set fitted_on = '{fitted_on}', model = 'logistic', is_abstaining = false "
                "where is_in_force"
            )
        warehouse.dbt("run", "--select", "maintenance_contract", data=SAMPLE, variables=FEW_CANDIDATES)
        row = warehouse.query(f"select {columns} from maintenance_contract where is_the_contract").iloc[0]
        return tuple(row)

    broken = built.query("select is_broken_today from maintenance_contract where is_the_contract").iloc[0, 0]
    assert told("2018-05-31", "off") == (
        broken,
        True,
        "Forecasts are off: for the 90 days after 2018-05-31 they expected 1.50 orders for each that came. Fit them "
        "anew with --vars '{refit_forecasts: true}'.",
    )
    by_the_model = (
        "Forecasts are by the model logistic: for the 90 days after 2018-05-31, 1.50 orders were expected for each"
    )
    assert told("2018-08-31", "off") == (broken, False, f"{by_the_model} that came.")
    assert told("2018-05-31", "in line") == (broken, False, f"{by_the_model} that came.")


def test_fits_are_published_and_taken_back(built: Warehouse, tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path, built.serving)
    warehouse.dbt("run", "--select", "stg_olist__sellers", data=SAMPLE, variables=FEW_CANDIDATES)
    for table in FITS[:2]:
        rows = f"from {table} order by all"
        pd.testing.assert_frame_equal(warehouse.query(rows), built.query(rows), check_exact=True)
