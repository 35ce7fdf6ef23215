"""Whole builds: what was known at a date, same input same bytes, planted kinds found, a model that stays frozen."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest
from marketplaces import cut_at, read_tables, write_tables
from nights import REFIT, SETTINGS, WHOLE, Nights, copy_of
from olist_segments.cli import main
from olist_segments.settings.model import ALGORITHMS
from sklearn.metrics import adjusted_rand_score
from warehouses import FEW_CANDIDATES, SAMPLE, Warehouse


@pytest.fixture(scope="session")
def sample_tables() -> dict[str, pd.DataFrame]:
    return read_tables(SAMPLE)


@pytest.mark.parametrize("date", [dt.date(2017, 9, 30), dt.date(2018, 1, 31), dt.date(2018, 6, 30)])
def test_rows_of_a_date_are_those_of_an_export_cut_at_it(
    date: dt.date, sample_tables: dict[str, pd.DataFrame], built: Warehouse, tmp_path: Path
) -> None:
    cut = write_tables(cut_at(sample_tables, date), tmp_path / "cut")
    warehouse = Warehouse(tmp_path / "warehouse")
    of_the_past = ("past_model_input", "past_lifecycle_boundaries")
    warehouse.dbt("run", "--select", "+customer_features_monthly", *(f"+{table}" for table in of_the_past), data=cut)
    rows = f"from customer_features_monthly where as_of_date = '{date}' order by customer_unique_id"
    then, full = warehouse.query(rows), built.query(rows)
    assert len(full) > 500
    # The one thing that a later export changes: the date is not the newest any more.
    assert then.pop("is_newest").all()
    assert not full.pop("is_newest").any()
    pd.testing.assert_frame_equal(then, full, check_exact=True)

    # What the models and stages of earlier dates are made of, which the comparison judges by what came next. Where
    # history begins depends on the months that it has.
    judged = set(warehouse.query("from outcome_dates")["as_of_date"]) & set(
        built.query("from outcome_dates")["as_of_date"]
    )
    assert max(judged).date() <= date - dt.timedelta(days=90)
    for table in of_the_past:
        then, full = (where.query(f"from {table} order by all") for where in (warehouse, built))
        then, full = (rows[rows["as_of_date"].isin(judged)].reset_index(drop=True) for rows in (then, full))
        assert len(full)
        pd.testing.assert_frame_equal(then, full, check_exact=True)


@pytest.mark.slow
def test_threads_order_of_rows_and_format_of_the_files_change_no_byte(nights: Nights, tmp_path: Path) -> None:
    one, four = Warehouse(tmp_path / "one"), Warehouse(tmp_path / "four")
    few_of_each = SETTINGS | {"candidate_algorithms": [*ALGORITHMS]}
    one.build(nights.tonight, threads=1, variables=few_of_each)
    shuffled = {name: table.sample(frac=1, random_state=7) for name, table in read_tables(nights.tonight).items()}
    # Alone: in another process texts have other hashes, and fits are given workers.
    four.build(write_tables(shuffled, tmp_path / "shuffled", "csv"), threads=4, alone=True, variables=few_of_each)
    digests = one.table_digests()
    assert {"customer_segments", "segment_candidates", "segment_model", "segment_outcomes"} <= set(digests)
    assert set(one.query("select distinct algorithm from segment_candidates")["algorithm"]) >= {*ALGORITHMS}
    assert four.table_digests() == digests


def test_vars_of_a_build_reach_its_python_models(built: Warehouse) -> None:
    candidates = built.query("select distinct algorithm, k from segment_candidates where model_version = 1 and k > 1")
    assert set(candidates["algorithm"]) == {"kmeans"}
    assert candidates["k"].max() == FEW_CANDIDATES["candidate_k_max"]
    assert len(built.query("from segment_stability")) > 0


def test_sql_labels_equal_the_labels_python_wrote(built: Warehouse) -> None:
    compared = built.query(
        "select labels.segment_key as python_key, segments.segment_key as sql_key from segment_labels as labels "
        "left join customer_segments_monthly as segments using (customer_unique_id, as_of_date)"
    )
    assert len(compared) == built.query("select count(*) from customer_segments").iloc[0, 0]
    assert (compared["python_key"] == compared["sql_key"]).all()


def generate(folder: Path, separation: float, orders: int = 6_000) -> Path:
    options = ["--orders", str(orders), "--format", "parquet", "--separation", str(separation), "--out", str(folder)]
    assert main(["generate", *options]) == 0
    return folder


@pytest.mark.slow
def test_planted_kinds_are_found(tmp_path: Path) -> None:
    data = generate(tmp_path / "data", separation=6)
    warehouse = Warehouse(tmp_path / "warehouse")
    # Two of the planted kinds differ in recency alone, which the default rule gives up for a longer shelf life.
    prefer = {"segmentation_rule": {"prefer": ["structure_gap"]}}
    warehouse.build(data, "--select", "+segment_candidates", "+customer_segments", variables=prefer)
    truth = pd.read_csv(data / "planted_segments.csv")
    found = warehouse.query("select customer_unique_id, segment_key from customer_segments").merge(truth)
    assert len(found) > 4_000
    assert adjusted_rand_score(found["planted_segment"], found["segment_key"]) >= 0.95
    chosen = warehouse.query("from segment_candidates where is_chosen")
    assert chosen["is_eligible"].tolist() == [True]


@pytest.mark.slow
def test_no_structure_is_invented_where_there_is_none(tmp_path: Path) -> None:
    data = generate(tmp_path / "data", separation=0)
    warehouse = Warehouse(tmp_path / "warehouse")
    selected = ("--indirect-selection", "empty", "--select", "+a_candidate_was_eligible")
    output = warehouse.dbt("build", *selected, data=data)
    candidates = warehouse.query("from segment_candidates")
    assert len(candidates) > 40
    assert not candidates["is_eligible"].any()
    assert candidates.loc[candidates["is_chosen"], "reason"].str.contains("NOTHING IS ELIGIBLE").tolist() == [True]
    assert "WARN 1 a_candidate_was_eligible" in output


@pytest.mark.slow
def test_a_build_never_refits_by_itself_and_a_refit_appends_a_version(
    built_last_night: Warehouse, nights: Nights, tmp_path: Path
) -> None:
    """A summer of life: fitted last night, scored on more data without a fit, refitted on request, fully refreshed."""
    warehouse = copy_of(built_last_night, tmp_path / "warehouse")
    model = warehouse.query("from segment_model")
    # Which date is the newest moves on with the data; all else that was said of a month end stays.
    history = "select * exclude (is_newest) from customer_segments_monthly where as_of_date <= '2018-05-31'"
    labels_then = warehouse.query(history)

    labels = ("--select", "+segment_migrations_monthly", "+customer_segments")
    warehouse.build(nights.tonight, *labels, variables=SETTINGS)
    pd.testing.assert_frame_equal(warehouse.query("from segment_model"), model)
    pd.testing.assert_frame_equal(warehouse.query(history), labels_then)
    newcomers = warehouse.query(
        "select segment_key from customer_segments where customer_unique_id not in "
        "(select customer_unique_id from segment_labels)"
    )
    assert len(newcomers) > 50
    assert newcomers["segment_key"].notna().all()

    warehouse.build(nights.tonight, *labels, variables=REFIT)
    versions = warehouse.query("from segment_versions")
    assert versions["model_version"].tolist() == [1, 2]
    assert versions["in_force_from"].dt.date.tolist()[1] == dt.date(2018, 8, 31)
    pd.testing.assert_frame_equal(warehouse.query("from segment_model where model_version = 1"), model)
    pd.testing.assert_frame_equal(warehouse.query(history), labels_then)
    reasons = warehouse.query("select distinct reason from segment_migrations_monthly")["reason"]
    assert set(reasons) <= {
        "stayed",
        "entered",
        "bought_again",
        "review_arrived",
        "delivery_arrived",
        "clock_only",
        "several_reasons",
        "model_changed",
    }

    warehouse.build(nights.tonight, *labels, "--full-refresh", variables=SETTINGS | {"rescore_history": True})
    assert warehouse.query("from segment_versions")["model_version"].tolist() == [1, 2]
    assert warehouse.query("select distinct model_version from customer_segments_monthly").iloc[:, 0].tolist() == [2]


@pytest.mark.slow
def test_too_few_customers_are_one_segment_and_a_sentence(
    sample_tables: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    few = cut_at(sample_tables, dt.date(2017, 2, 28))
    warehouse = Warehouse(tmp_path / "warehouse")
    warehouse.dbt(*WHOLE, data=write_tables(few, tmp_path / "few"), variables=SETTINGS)
    segments = warehouse.query("from customer_segments")
    assert 0 < len(segments) < 200
    assert set(segments["segment_key"]) == {"all_customers"}
    assert "too few to cluster" in warehouse.query("from segment_versions")["reason"].iloc[0]
