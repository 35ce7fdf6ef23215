"""Refits of a version: what they say of planted and of arbitrary segments, measured once; probabilities that hold."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from dbt_here import PROJECT
from nights import copy_of
from olist_segments.model.model import Model
from olist_segments.selection.refits import MARGIN_BINS, append_refits, bootstrap_refits, kept_by, margins, refit_rows
from olist_segments.serving.publish import publish
from sklearn.isotonic import IsotonicRegression
from warehouses import FEW_CANDIDATES, SAMPLE, Warehouse

FEATURES = ["a", "b"]
# A narrow and a wide cloud, far apart.
CENTRES = np.array([[0.0, 0.0], [8.0, 8.0]])
SPREADS = np.array([0.2, 1.0])
# The wide cloud cut in two, where nothing but chance decides how.
HALVES = np.array([[0.0, 0.0], [8.0, 8.6], [8.0, 7.4]])


def people_of(version: int, count: int = 3_000, seed: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    cloud = rng.choice(2, count)
    values = CENTRES[cloud] + SPREADS[cloud, None] * rng.normal(size=(count, 2))
    frame = pd.DataFrame(values, columns=FEATURES)
    return frame.assign(customer_unique_id=[f"{i:06x}" for i in range(count)], model_version=version)


def model_of(version: int, centres: np.ndarray, algorithm: str = "kmeans") -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "model_version": version,
                "segment_number": segment + 1,
                "segment_key": f"segment_{segment}",
                "segment_name": f"Segment {segment}",
                "name_source": "archetype",
                "feature": feature,
                "transform": "identity",
                "shift": 0.0,
                "scale": 1.0,
                "impute_value": 0.0,
                "is_constant": False,
                "centre": centres[segment, column],
                "inverse_variance": 1.0,
                "bias": 0.0,
                "algorithm": algorithm,
                "setting": f"k={len(centres)}",
                "random_seed": 1,
            }
            for segment in range(len(centres))
            for column, feature in enumerate(FEATURES)
        ]
    )


def refits_of(
    model: pd.DataFrame, labels: pd.DataFrame, existing: pd.DataFrame | None = None, resamples: int = 10
) -> pd.DataFrame:
    return append_refits(model, lambda: labels, existing, resamples)


def jaccards(rows: pd.DataFrame) -> pd.DataFrame:
    """Resample × segment."""
    return rows.drop_duplicates(["resample", "segment_number"]).pivot_table("jaccard", "resample", "segment_number")


def test_a_cloud_of_its_own_comes_back_and_halves_of_a_cloud_do_not() -> None:
    rows = refits_of(model_of(1, HALVES), people_of(1))
    found = jaccards(rows).mean()
    assert found[1] > 0.95
    assert (found[[2, 3]] < 0.75).all()
    kept = rows.groupby("segment_number")[["kept_count", "customer_count"]].sum()
    share = kept["kept_count"] / kept["customer_count"]
    assert share[1] > 0.99
    assert (share[[2, 3]] < 0.9).all()


def test_everybody_is_counted_once_a_resample() -> None:
    rows = refits_of(model_of(1, HALVES), people_of(1))
    assert rows.groupby("resample")["customer_count"].sum().tolist() == [3_000] * 10
    assert not rows.duplicated(["resample", "segment_number", "margin_bin"]).any()
    assert (rows["kept_count"] <= rows["customer_count"]).all()
    # Of three segments the winner's margin is above a third.
    assert rows["margin_bin"].between(MARGIN_BINS // 3, MARGIN_BINS - 1).all()


def test_refit_segments_are_matched_one_to_one() -> None:
    # Most of 0 and most of 1 went into 0 of the refit: only one of them can be what it was, and 0 has more to lose.
    labels = np.array([0] * 6 + [1] * 4)
    relabelled = np.array([0] * 5 + [1] + [0] * 3 + [1])
    assert kept_by(labels, 2, relabelled, 2).tolist() == [True] * 5 + [False] + [False] * 3 + [True]
    # A refit of one segment matches one; one of more segments leaves some without a match.
    assert kept_by(labels, 2, np.zeros(10, dtype=np.int64), 1).tolist() == [True] * 6 + [False] * 4
    assert kept_by(labels, 2, np.array([2] * 6 + [0] * 4), 3).all()


def test_a_segment_without_customers_keeps_a_row() -> None:
    segmentation = Model.from_rows(model_of(1, np.vstack([CENTRES, [[99.0, 99.0]]]))).segmentation
    z = people_of(1, count=200)[FEATURES].to_numpy()
    rows = refit_rows(segmentation, z, [Model.from_rows(model_of(1, CENTRES)).segmentation])
    empty = rows[rows["segment_number"] == 3]
    assert empty[["customer_count", "kept_count", "jaccard"]].to_numpy().tolist() == [[0, 0, 0]]
    assert rows["kept_count"].sum() == rows["customer_count"].sum() == 200


def test_a_version_is_measured_once_on_its_own_people() -> None:
    first = refits_of(model_of(1, CENTRES), people_of(1))
    both = pd.concat([model_of(1, HALVES), model_of(2, CENTRES)])
    labels = pd.concat([people_of(1, seed=6), people_of(2)])
    second = refits_of(both, labels, first)
    assert second["model_version"].unique().tolist() == [2]
    pd.testing.assert_frame_equal(second.drop(columns="model_version"), first.drop(columns="model_version"))

    def never() -> pd.DataFrame:
        raise AssertionError("the labels were read for nothing")

    nothing = append_refits(both, never, pd.concat([first, second]), 10)
    assert nothing.empty
    assert nothing.dtypes.to_dict() == first.dtypes.to_dict()


def test_the_order_of_the_rows_does_not_matter() -> None:
    model, labels = model_of(1, HALVES), people_of(1)
    shuffled = refits_of(model.sample(frac=1, random_state=1), labels.sample(frac=1, random_state=2))
    pd.testing.assert_frame_equal(shuffled, refits_of(model, labels), check_exact=True)


@pytest.mark.parametrize(
    ("model", "labels"),
    [(model_of(1, CENTRES[:1], "none"), people_of(1, count=50)), (model_of(1, CENTRES), people_of(2))],
    ids=["too little to cluster", "none of its customers is left"],
)
def test_what_cannot_be_measured_says_so_segment_by_segment(model: pd.DataFrame, labels: pd.DataFrame) -> None:
    rows = refits_of(model, labels)
    assert rows["segment_number"].tolist() == sorted(set(model["segment_number"]))
    assert (rows[["resample", "margin_bin", "customer_count", "kept_count"]] == 0).all(axis=None)
    assert rows["jaccard"].isna().all()


def test_bins_of_python_are_those_of_sql() -> None:
    macro = (PROJECT / "macros" / "segmentation" / "margins.sql").read_text()
    assert re.findall(r"do return\((\d+)\)", macro) == [str(MARGIN_BINS)]


def test_the_calibration_is_that_of_scikit_learn(built: Warehouse) -> None:
    table = built.query("from segment_calibration order by margin_bin")
    assert len(table) == MARGIN_BINS
    seen = table[table["customer_count"] > 0]
    fitted = IsotonicRegression().fit_transform(
        seen["margin_bin"], seen["observed_kept_share"], sample_weight=seen["customer_count"]
    )
    assert seen["kept_share"].to_numpy() == pytest.approx(fitted, abs=1e-12)
    assert (seen["kept_share"].diff() > 0).sum() >= 5
    # What is between two bins with customers lies between them.
    assert table["kept_share"].is_monotonic_increasing


def test_probabilities_are_the_shares_of_new_refits_and_margins_are_not(built: Warehouse) -> None:
    """The customers that refits with other seeds keep, tenth by tenth of the least certain half."""
    model_rows = built.query("from fit_segment_model")
    model, first = Model.from_rows(model_rows), model_rows.iloc[0]
    people = built.query(
        "select labels.*, today.segment_probability, today.segment_margin from fit_segment_labels as labels "
        "inner join customer_segments as today using (customer_unique_id, as_of_date) order by customer_unique_id"
    )
    z = model.z(people)
    _, refits = bootstrap_refits(z, first["algorithm"], first["setting"], resamples=60, seed=4)
    assert int(first["random_seed"]) != 4
    labels = model.segmentation.labels(z)
    kept = np.mean([kept_by(labels, model.k, refit.labels(z), refit.k) for refit in refits], axis=0)
    assert people["segment_margin"].to_numpy() == pytest.approx(margins(model.segmentation, z))

    order = people["segment_margin"].rank(method="first")
    tenth = np.minimum(np.ceil(order / len(people) * 20), 11)
    means = people.assign(kept=kept).groupby(tenth)[["kept", "segment_probability", "segment_margin"]].mean()
    assert means["kept"].iloc[0] < 0.8
    assert (means["segment_probability"] - means["kept"]).abs().max() < 0.05
    assert (means["segment_margin"] - means["kept"]).abs().max() > 0.15


@pytest.mark.slow
def test_a_published_calibration_is_taken_back_with_its_version(built: Warehouse, tmp_path: Path) -> None:
    warehouse = copy_of(built, tmp_path / "copy")
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("update fit_segment_refits set kept_count = kept_count // 2")
    publish(warehouse.serving, warehouse.path)
    again = Warehouse(tmp_path / "again", warehouse.serving)
    output = again.build(SAMPLE, "--select", "+segment_calibration", variables=FEW_CANDIDATES)
    assert "were taken back" in output
    halved, measured = (w.query("from segment_calibration order by margin_bin") for w in (again, built))
    assert halved["kept_share"].iloc[-1] < 0.55 < measured["kept_share"].iloc[-1]
    # Those of a release that published none are measured anew, on the labels that came back.
    with duckdb.connect(str(again.path)) as connection:
        connection.execute("drop table fit_segment_refits")
    again.build(SAMPLE, "--select", "fit_segment_refits", "segment_calibration", variables=FEW_CANDIDATES)
    pd.testing.assert_frame_equal(again.query("from segment_calibration order by margin_bin"), measured)
