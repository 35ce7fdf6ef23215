"""The comparison of segmentations, computed again by other means from what each date could know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from olist_segments.arrays import FloatArray
from olist_segments.model.model import Model
from olist_segments.selection.past import COLUMNS, TABLE_COLUMNS, current_past_models, fit_past_models
from olist_segments.selection.recipe import recipe_of
from olist_segments.selection.search import SMALLEST_POPULATION
from scipy.stats import norm
from test_lifecycle import boundaries_by_hand
from warehouses import Warehouse

DRAWN = 7_500
MIN_RETURNS = 50
DEFAULT_DAYS = [60, 180, 365]
INPUT_KEYS = ("as_of_date", "customer_unique_id", "inputs_digest", "customer_count")
NAMES = ("clusters", "clusters_by_stage", "rfm", "naive")


@dataclass(frozen=True, eq=False)
class Known:
    """The tables that the comparison may rest on, of the shared build."""

    customers: pd.DataFrame
    purchases: pd.DataFrame
    dates: pd.DataFrame
    in_force: pd.DataFrame
    model_input: pd.DataFrame
    past_models: pd.DataFrame
    comparison: pd.DataFrame


@pytest.fixture(scope="module")
def known(built: Warehouse) -> Known:
    customers = built.query(
        "select features.*, rfm_segment_key, next.customer_unique_id is not null as again "
        "from customer_features_monthly as features "
        "inner join rfm_segments_monthly using (customer_unique_id, as_of_date) "
        "left join next_purchases as next using (customer_unique_id, as_of_date) "
        "order by as_of_date, customer_unique_id"
    )
    return Known(
        customers,
        built.query("select customer_unique_id, purchase_date from purchases"),
        built.query("from outcome_dates order by as_of_date"),
        built.query("from fit_segment_model"),
        built.query("from past_model_input order by as_of_date, customer_unique_id"),
        built.query("from fit_segment_past_models order by as_of_date, segment_number, feature"),
        built.query("from segmentation_comparison order by as_of_date, segmentation"),
    )


def boundaries_at(purchases: pd.DataFrame, date: pd.Timestamp) -> list[int]:
    """Where stages end by the returns seen by the date: the default days where they are few."""
    visits = purchases[purchases["purchase_date"] <= date].drop_duplicates()
    waits = visits.sort_values(list(visits.columns)).groupby("customer_unique_id")["purchase_date"].diff().dt.days
    return boundaries_by_hand(purchases, date) if (waits <= 365).sum() >= MIN_RETURNS else DEFAULT_DAYS


def segments_at(customers: pd.DataFrame, model: Model, ends: list[int]) -> pd.DataFrame:
    """The segment of each customer in each of the segmentations that have segments."""
    kind = pd.Series(model.labels(customers), index=customers.index).astype(str)
    stage = np.searchsorted(ends, customers["recency_days"], side="left")
    stage = np.where(stage == 0, np.where(customers["purchase_day_count"] > 1, -1, 0), stage)
    by_stage = kind + ":" + pd.Series(stage, index=customers.index).astype(str)
    return pd.DataFrame({"clusters": kind, "clusters_by_stage": by_stage, "rfm": customers["rfm_segment_key"]})


def scores_at(known: Known, date: pd.Timestamp) -> tuple[dict[str, FloatArray], np.ndarray]:
    """What each segmentation expected of every customer known at the date, and who ordered again after it."""
    today = known.customers[known.customers["as_of_date"] == date]
    ended = known.dates.loc[known.dates["outcome_until"] <= date, "as_of_date"]
    before = known.customers[known.customers["as_of_date"].isin(ended)]
    drawn = known.model_input.loc[known.model_input["as_of_date"] == date, "customer_unique_id"]
    model = recipe_of(known.in_force).fit(
        today[today["customer_unique_id"].isin(drawn)].reset_index(drop=True), "past", date
    )
    ends = boundaries_at(known.purchases, date)
    now, then = segments_at(today, model, ends), segments_at(before, model, ends)
    scores = {}
    for name in now.columns:
        expected = before["again"].groupby(then[name]).mean()
        scores[name] = now[name].map(expected).fillna(before["again"].mean()).to_numpy(dtype=np.float64)
    order = today.assign(back=today["purchase_day_count"] > 1).sort_values(
        ["back", "recency_days"], ascending=[True, False]
    )
    places = order.groupby(["back", "recency_days"], sort=False).ngroup()
    scores["naive"] = places.reindex(today.index).to_numpy(dtype=np.float64)
    return scores, today["again"].to_numpy()


def placements(score: FloatArray, again: np.ndarray) -> tuple[FloatArray, FloatArray]:
    """For each who ordered again, the share of the others below; for each other, the share of them above; ties half."""
    wins = np.sign(score[again][:, None] - score[~again][None, :]) / 2 + 0.5
    return wins.mean(axis=1), wins.mean(axis=0)


def test_auc_and_intervals_are_those_of_another_computation(known: Known) -> None:
    computed = known.comparison.set_index(["as_of_date", "segmentation"])
    judged = [date for date in known.dates["as_of_date"] if (known.dates["outcome_until"] <= date).any()]
    assert len(judged) == 13
    assert known.comparison.loc[known.comparison["ranking_auc"].notna(), "as_of_date"].unique().tolist() == judged
    width = float(norm.ppf(0.975))
    statuses = set()
    for date in judged[::3]:
        scores, again = scores_at(known, date)
        placed = {name: placements(score, again) for name, score in scores.items()}
        for name in NAMES:
            row = computed.loc[(date, name)]
            assert row["ranking_auc"] == pytest.approx(placed[name][0].mean(), abs=1e-12)
            for other in ("rfm", "naive"):
                if name == other:
                    assert pd.isna(row[f"auc_minus_{other}"])
                    continue
                of_again, of_others = (mine - theirs for mine, theirs in zip(placed[name], placed[other], strict=True))
                error = np.sqrt(of_again.var(ddof=1) / len(of_again) + of_others.var(ddof=1) / len(of_others))
                difference = of_again.mean()
                assert row[f"auc_minus_{other}"] == pytest.approx(difference, abs=1e-12)
                assert row[f"auc_minus_{other}_low"] == pytest.approx(difference - width * error, abs=1e-9)
                assert row[f"auc_minus_{other}_high"] == pytest.approx(difference + width * error, abs=1e-9)
                if other == "rfm":
                    clear = abs(difference) > width * error
                    told = ("better than rfm" if difference > 0 else "worse than rfm") if clear else "no difference"
                    assert row["comparison_status"] == told
                    statuses.add(told)
    assert len(statuses) > 1


def test_a_past_model_is_the_recipe_on_what_was_known_then(known: Known) -> None:
    sizes = known.model_input.groupby("as_of_date").size()
    dates = sizes[sizes >= SMALLEST_POPULATION].index.tolist()
    assert known.past_models["as_of_date"].unique().tolist() == dates
    assert 0 < len(dates) < len(known.dates)
    for date in (dates[0], dates[-1]):
        # Nothing else is handed to the fit: what came later can't matter.
        drawn = known.model_input[known.model_input["as_of_date"] == date]
        rows = fit_past_models(drawn, known.in_force)
        computed = known.past_models[known.past_models["as_of_date"] == date].reset_index(drop=True)
        pd.testing.assert_frame_equal(computed[list(COLUMNS)], rows, check_dtype=False)
        features = known.customers[known.customers["as_of_date"] == date].set_index("customer_unique_id")
        assert len(drawn) == len(features) < DRAWN
        names = [name for name in drawn.columns if name not in INPUT_KEYS]
        expected = features.loc[drawn["customer_unique_id"], names].astype(float).reset_index(drop=True)
        pd.testing.assert_frame_equal(drawn[names].reset_index(drop=True), expected, check_exact=True)


def test_a_past_model_is_fitted_again_only_where_something_has_changed(known: Known) -> None:
    inputs = known.model_input[["as_of_date", "inputs_digest", "customer_count"]].drop_duplicates()
    dates = known.past_models["as_of_date"].drop_duplicates().tolist()
    read: list[pd.Timestamp] = []

    def customers(asked: Sequence[pd.Timestamp]) -> pd.DataFrame:
        read.extend(asked)
        return known.model_input[known.model_input["as_of_date"].isin(asked)]

    def again(
        inputs: pd.DataFrame = inputs,
        in_force: pd.DataFrame = known.in_force,
        previous: pd.DataFrame | None = known.past_models,
    ) -> list[pd.Timestamp]:
        """The dates that are fitted; what comes of it is what the build wrote."""
        read.clear()
        rows = current_past_models(inputs, customers, in_force, previous)
        assert {name: str(kind) for name, kind in rows.dtypes.items()} == TABLE_COLUMNS
        of_date = known.past_models["as_of_date"].isin(inputs["as_of_date"])
        expected = known.past_models.loc[of_date, list(COLUMNS)].reset_index(drop=True)
        pd.testing.assert_frame_equal(rows[list(COLUMNS)], expected, check_dtype=False)
        return list(read)

    assert again() == []
    assert again(previous=None) == dates
    assert again(previous=known.past_models.drop(columns="inputs_digest")) == dates
    changed = inputs["as_of_date"] == dates[2]
    assert again(inputs.assign(inputs_digest=inputs["inputs_digest"].mask(changed, "another"))) == [dates[2]]
    assert again(inputs.assign(customer_count=inputs["customer_count"] + changed)) == [dates[2]]
    assert again(inputs[~changed]) == []
    another = known.in_force.assign(random_seed=known.in_force["random_seed"] + 1)
    current_past_models(inputs, customers, another, known.past_models)
    assert read == dates


def test_too_little_to_fit_gives_no_rows_of_the_right_types(known: Known) -> None:
    few = known.model_input.groupby("as_of_date").head(SMALLEST_POPULATION - 1)
    one_segment = known.in_force.assign(algorithm="none")
    for rows in (
        fit_past_models(few, known.in_force),
        fit_past_models(known.model_input, one_segment),
        fit_past_models(known.model_input.head(0), known.in_force.head(0)),
    ):
        assert rows.empty
        assert {name: str(kind) for name, kind in rows.dtypes.items()} == COLUMNS
