"""Scaling: hand-computed cases, the imputation rule, order that can't matter, and what is refused."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from olist_segments.arrays import FloatArray
from olist_segments.errors import UserError
from olist_segments.model import scaling as scaling_module
from olist_segments.model.scaling import (
    TRANSFORMS,
    Features,
    Scaling,
    design_matrix,
    exact_sum,
    fit_scaling,
    raw_values,
    value_bounds,
)


def test_shift_scale_and_imputation_by_hand() -> None:
    frame = pd.DataFrame({"spend": [1.0, math.e, np.nan, math.e**2], "days": [0, 10, 20, 30]})
    days, spend = fit_scaling(frame, {"spend": "ln", "days": "identity"})
    assert days == Scaling("days", "identity", 15.0, math.sqrt(125), 15.0, False, 0.0, 30.0)
    assert (spend.shift, spend.scale) == pytest.approx((1.0, math.sqrt(2 / 3)))
    # The mean of the raw values, not of the logarithms.
    assert spend.impute_value == pytest.approx((1 + math.e + math.e**2) / 3)
    z = design_matrix(frame, [days, spend])
    assert z.dtype == np.float64
    assert z[:, 0] == pytest.approx(np.array([-15, -5, 5, 15]) / math.sqrt(125))
    assert z[2, 1] == pytest.approx((math.log(spend.impute_value) - 1) / math.sqrt(2 / 3))


@pytest.mark.parametrize("transform", sorted(TRANSFORMS))
def test_known_values_are_standardised(transform: str) -> None:
    frame = pd.DataFrame({"x": np.random.default_rng(1).gamma(2.0, 50.0, 500)})
    z = design_matrix(frame, fit_scaling(frame, {"x": transform}))
    assert (z.mean(), z.std()) == pytest.approx((0, 1), abs=1e-12)


@given(
    st.lists(st.one_of(st.none(), st.floats(0.01, 1e6)), min_size=2, max_size=60),
    st.randoms(use_true_random=False),
)
@settings(max_examples=60, deadline=None)
def test_the_order_of_rows_and_features_changes_no_bit(values: list[float | None], random: object) -> None:
    frame = pd.DataFrame({"b": pd.array(values, dtype="Float64"), "a": range(len(values))})
    order = list(range(len(values)))
    random.shuffle(order)  # type: ignore[attr-defined]
    straight = fit_scaling(frame, {"a": "sqrt", "b": "ln"})
    shuffled = fit_scaling(frame.iloc[order][["a", "b"]], {"b": "ln", "a": "sqrt"})
    assert straight == shuffled
    assert [scaling.name for scaling in straight] == ["a", "b"]
    assert np.isfinite(design_matrix(frame, straight)).all()


@pytest.mark.parametrize("values", [[0.1] * 7, [0.1, np.nan, 0.1], [np.nan, np.nan]])
@pytest.mark.parametrize("transform", sorted(TRANSFORMS))
def test_a_feature_without_spread_contributes_nothing(values: list[float], transform: str) -> None:
    frame = pd.DataFrame({"x": values})
    (scaling,) = fit_scaling(frame, {"x": transform})
    assert scaling.is_constant
    assert scaling.scale == 1
    assert design_matrix(frame, [scaling]) == pytest.approx(0, abs=1e-15)


def test_a_small_spread_far_from_zero_is_spread() -> None:
    (scaling,) = fit_scaling(pd.DataFrame({"x": [1e6, 1e6 + 0.01]}), {"x": "identity"})
    assert not scaling.is_constant
    assert scaling.scale == pytest.approx(0.005, rel=1e-6)


@pytest.mark.parametrize(
    ("column", "transform", "words"),
    [
        ([1.0, 0.0, -2.0], "ln", "feature x is at or below 0 for 2 customers, where ln is not defined"),
        ([1.0, -0.5], "sqrt", "feature x is below 0 for 1 customers, where sqrt"),
        ([-1.0, 3.0], "log1p", "feature x is at or below -1 for 1 customers, where log1p"),
        ([np.inf, 1.0], "identity", "feature x is infinite for 1 customers"),
        (["a", "b"], "identity", "feature x holds values that are not numbers"),
        ([1.0, 2.0], "cube", "asks for transform 'cube'"),
    ],
)
def test_what_a_transform_cannot_take_is_told_in_one_sentence(column: list[object], transform: str, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        fit_scaling(pd.DataFrame({"x": column}), {"x": transform})
    assert str(caught.value).count(". ") == 0


def test_an_absent_feature_is_named() -> None:
    with pytest.raises(UserError, match="feature y is not a column"):
        fit_scaling(pd.DataFrame({"x": [1]}), {"y": "identity"})


def test_a_hundredth_of_test_accounts_does_not_move_the_scale() -> None:
    generator = np.random.default_rng(3)
    spend = np.exp(generator.normal(4.6, 0.8, 5_000))
    with_tests = spend.copy()
    with_tests[generator.choice(5_000, 50, replace=False)] = 0.01
    with_giants = spend.copy()
    with_giants[generator.choice(5_000, 50, replace=False)] = 1e7
    clean, cents, giants = (
        fit_scaling(pd.DataFrame({"spend": values}), {"spend": "log1p"})[0]
        for values in (spend, with_tests, with_giants)
    )
    assert cents.lower_bound is not None
    assert giants.upper_bound is not None
    assert cents.lower_bound > 5
    assert giants.upper_bound < 2_000
    assert cents.scale == pytest.approx(clean.scale, rel=0.05)
    assert giants.scale == pytest.approx(clean.scale, rel=0.05)
    # Cut off is not taken out: such a customer lies at the edge, not beyond it.
    edge = design_matrix(pd.DataFrame({"spend": [0.01, cents.lower_bound]}), [cents])
    assert edge[0] == edge[1]


def test_what_a_twentieth_of_the_customers_have_is_not_cut_off() -> None:
    scores = np.repeat([1.0, 4.0, 5.0], [120, 300, 580])
    assert value_bounds(scores, "identity") == (1.0, 5.0)
    days = np.arange(1.0, 10_001)
    assert value_bounds(days, "identity") == (51.0, 9_950.0)


@given(st.lists(st.floats(-1e9, 1e9), max_size=80), st.integers(-40, 40))
@settings(max_examples=200, deadline=None)
def test_sums_are_those_of_the_exact_numbers_rounded_once(values: list[float], exponent: int) -> None:
    scaled = np.array(values, dtype=np.float64) * 2.0**exponent
    assert exact_sum(scaled) == pytest.approx(math.fsum(scaled), rel=1e-15, abs=1e-20)
    assert exact_sum(scaled) == exact_sum(scaled[::-1])


def test_numbers_of_very_different_size_add_up_in_any_order() -> None:
    values = np.array([1e16, 1.0, -1e16, 1e-8, 3e-300, 2.5])
    assert exact_sum(values) == exact_sum(values[[3, 0, 4, 5, 2, 1]]) == math.fsum(values)


def test_features_of_drawn_customers_are_those_of_the_drawn_rows() -> None:
    frame = pd.DataFrame({"spend": [1.0, np.nan, 30.0, 5.0, 8.0], "days": [3, 1, 4, 1, 5]})
    transforms = {"spend": "log1p", "days": "sqrt"}
    rows = np.array([4, 4, 1, 0, 2])
    drawn, same = Features(frame).take(rows), frame.iloc[rows]
    assert len(drawn) == 5
    scalings = fit_scaling(same, transforms)
    assert fit_scaling(drawn, transforms) == scalings
    assert design_matrix(drawn, scalings).tolist() == design_matrix(same, scalings).tolist()


def test_a_feature_is_read_once_however_many_models_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def counted(frame: pd.DataFrame, name: str, transform: str) -> FloatArray:
        read.append(name)
        return raw_values(frame, name, transform)

    monkeypatch.setattr(scaling_module, "raw_values", counted)
    features = Features(pd.DataFrame({"x": [1.0, 2.0, 4.0]}))
    scalings = fit_scaling(features, {"x": "ln"})
    for _ in range(3):
        design_matrix(features, scalings)
    assert read == ["x"]
