"""The stability of segments: what the table says of a planted and of an arbitrary one, and that it is measured once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from olist_segments.selection.stability_table import NOT_MEASURED, append_stability, summarise

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


def stability(
    model: pd.DataFrame, labels: pd.DataFrame, existing: pd.DataFrame | None = None, resamples: int = 10
) -> pd.DataFrame:
    return append_stability(model, labels, existing, resamples)


def test_a_cloud_of_its_own_is_stable_and_halves_of_a_cloud_are_not() -> None:
    table = stability(model_of(1, HALVES), people_of(1)).set_index("segment_key")
    assert table.loc["segment_0", "verdict"] == "highly stable"
    assert table["jaccard"].loc["segment_0"] > 0.95
    assert table.loc["segment_0", "recovered_share"] == 1
    halves = table.loc[["segment_1", "segment_2"]]
    assert (halves["jaccard"] < 0.75).all()
    assert (halves["jaccard_high"] > halves["jaccard_low"]).all()


def test_a_version_is_measured_once_on_its_own_people() -> None:
    first = stability(model_of(1, CENTRES), people_of(1))
    both = pd.concat([model_of(1, HALVES), model_of(2, CENTRES)])
    labels = pd.concat([people_of(1, seed=6), people_of(2)])
    second = stability(both, labels, first)
    assert second["model_version"].unique().tolist() == [2]
    pd.testing.assert_frame_equal(second.drop(columns="model_version"), first.drop(columns="model_version"))
    nothing = stability(both, labels, pd.concat([first, second]))
    assert nothing.empty
    assert nothing.columns.tolist() == first.columns.tolist()


def test_the_order_of_the_rows_does_not_matter() -> None:
    model, labels = model_of(1, HALVES), people_of(1)
    shuffled = stability(model.sample(frac=1, random_state=1), labels.sample(frac=1, random_state=2))
    pd.testing.assert_frame_equal(shuffled, stability(model, labels), check_exact=True)


def test_where_there_was_too_little_to_cluster_nothing_is_measured() -> None:
    table = stability(model_of(1, CENTRES[:1], "none"), people_of(1, count=50))
    assert table["verdict"].tolist() == [NOT_MEASURED]
    assert table["resamples"].tolist() == [0]
    assert table[["jaccard", "jaccard_low", "jaccard_high", "dissolved_share", "recovered_share"]].isna().all(axis=None)


def test_a_summary_by_hand() -> None:
    similarity = np.array([[0.5, 1.0], [0.6, 1.0], [0.7, 1.0], [0.8, 1.0], [0.9, 1.0]])
    summary = summarise(similarity)
    assert summary["jaccard"] == pytest.approx([0.7, 1])
    # Quantiles lie between the ordered values: 2.5 % of four steps is a tenth of the first.
    assert summary["jaccard_low"] == pytest.approx([0.51, 1])
    assert summary["jaccard_high"] == pytest.approx([0.89, 1])
    assert summary["dissolved_share"] == pytest.approx([0.2, 0])
    assert summary["recovered_share"] == pytest.approx([0.4, 1])
    assert summary["verdict"] == ["pattern", "highly stable"]
