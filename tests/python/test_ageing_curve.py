"""The ageing curve: how many independent origins there are, and whether its intervals cover what they should."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from marks import slow_after
from olist_segments.ageing.curve import COLUMNS, ageing_curve, effective_origins

STEP = 14
FLAT = 10**9
"""A half-life so long that all origins weigh the same."""


def pairs_of(agreement: npt.NDArray[np.float64], age: int) -> pd.DataFrame:
    origins = pd.Timestamp("2018-01-01") + pd.to_timedelta(STEP * np.arange(len(agreement)), unit="D")
    return pd.DataFrame(
        {"model_version": 1, "variant": "all features", "origin_date": origins, "horizon_days": age, "ari": agreement}
    ).assign(noise_floor=0.97, noise_floor_se=0.01)


def agreements(origins: int, age: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Agreements of models struck by rare events between their origin and their age, measured with noise."""
    steps = age // STEP
    events = (rng.random(origins + steps) < 0.08) * rng.exponential(0.04, origins + steps)
    passed = np.concatenate([[0.0], np.cumsum(events)])
    lost = np.array([passed[origin + steps] - passed[origin] for origin in range(origins)])
    return np.asarray(np.exp(-lost) + rng.normal(0, 0.012, origins))


def test_origins_that_move_together_are_few() -> None:
    equal, days = np.ones(30), STEP * np.arange(30.0)
    alternating = np.where(np.arange(30) % 2, 0.9, 0.95)
    assert effective_origins(alternating, equal, days, 7.0) == 30
    # Two halves of history: lag-1 autocorrelation 0.9, so 30 * 0.1 / 1.9.
    halves = np.where(np.arange(30) < 15, 0.9, 0.95)
    assert effective_origins(halves, equal, days, 7.0) == pytest.approx(30 * (1 - 0.9) / (1 + 0.9))
    # The age fits into 30 * 14 days three and a half times.
    assert effective_origins(alternating, equal, days, 120.0) == pytest.approx(3.5)
    assert effective_origins(alternating, equal, days, 1000.0) == 1
    # Only the newest half weighs anything.
    newest = (np.arange(30) >= 15).astype(float)
    assert effective_origins(alternating, newest, days, 7.0) == pytest.approx(15)
    assert effective_origins(np.array([0.9]), np.ones(1), np.zeros(1), 7.0) == 1


def test_recent_origins_weigh_most_and_one_trial_has_no_interval() -> None:
    curve = ageing_curve(pairs_of(np.array([0.8, 0.9]), 28), STEP)
    assert curve.dtypes.astype(str).to_dict() == COLUMNS
    (row,) = curve.to_dict("records")
    assert row["agreement"] == pytest.approx((0.5 * 0.8 + 0.9) / 1.5)
    assert row["effective_origin_count"] == 1
    assert np.isnan([row["agreement_low"], row["agreement_high"]]).all()
    assert row["noise_floor"] == pytest.approx(0.97)
    assert row["noise_floor_high"] - row["noise_floor_low"] == pytest.approx(2 * 1.96 * 0.01)
    assert ageing_curve(pairs_of(np.array([]), 28), STEP).dtypes.astype(str).to_dict() == COLUMNS


@pytest.mark.parametrize("age", slow_after(1, [28, 14, 56, 91]))
def test_intervals_cover_the_mean_of_histories_of_a_year(age: int) -> None:
    rng = np.random.default_rng(age)
    origins = (420 - age) // STEP
    truth = float(np.mean([agreements(origins, age, rng).mean() for _ in range(1_000)]))
    covered = []
    for _ in range(300):
        (row,) = ageing_curve(pairs_of(agreements(origins, age, rng), age), FLAT).to_dict("records")
        if row["effective_origin_count"] >= 2:
            covered.append(row["agreement_low"] <= truth <= row["agreement_high"])
    assert len(covered) > 200
    assert np.mean(covered) >= 0.88
