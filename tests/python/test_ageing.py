"""Ageing: its figures against scikit-learn and by hand, and whether the simulation sees what is there and no more."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from math import ceil, comb
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nights import SETTINGS, copy_of
from olist_segments.ageing import simulation
from olist_segments.ageing.agreement import (
    Groups,
    intervals_of_pair,
    matched_jaccards,
    other_fits,
    resampled_tables,
    share_moved,
    tables_of_other_fits,
)
from olist_segments.ageing.plan import Plan
from olist_segments.ageing.simulation import (
    ALL_FEATURES,
    WITH_RECENCY,
    simulate,
    value_ranks,
)
from olist_segments.ageing.versions import AGEING_COLUMNS, append_ageing
from olist_segments.model.agreement import adjusted_rand, adjusted_rands, contingency, matched_segments
from olist_segments.model.model import Model
from olist_segments.model.naming import SegmentName
from olist_segments.model.segmentation import Segmentation
from olist_segments.selection import recipe as recipes
from olist_segments.selection.algorithms import fit_segmentations
from olist_segments.selection.recipe import Recipe
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits
from warehouses import FEW_CANDIDATES, SAMPLE, Warehouse

TRANSFORMS = {"total_spend": "log1p", "avg_review_score": "identity"}
CLOCKED = {"recency_days": "identity", **TRANSFORMS}
PLAN = Plan(
    origin_days=14,
    clock_days=28,
    noise_refits=3,
    resamples=60,
    newcomer_days=28,
    refresh_days=7,
    few_customers=30,
    clock_transform="identity",
)
START = pd.Timestamp("2018-01-01")
PAIR = ["variant", "is_model_in_force", "origin_date", "later_date"]


def marketplace(people: int = 3_000, weeks: int = 40, first_week: int = 20) -> pd.DataFrame:
    """Rows like those of ageing_features: arrivals at a steady rate, two kinds that never change, nobody buys twice."""
    rng = np.random.default_rng(5)
    arrival = np.sort(rng.integers(0, 7 * weeks, people))
    kind = rng.integers(0, 2, people)
    customers = pd.DataFrame(
        {
            "arrival": arrival,
            "total_spend": np.exp(np.where(kind, 6, 4) + 0.3 * rng.normal(size=people)),
            "avg_review_score": np.where(kind, 4.6, 1.8) + 0.3 * rng.normal(size=people),
        }
    )
    dates = []
    for week in range(first_week, weeks + 1):
        known = customers[customers["arrival"] <= 7 * week]
        age = 7 * week - known["arrival"]
        rows = known.assign(
            as_of_date=START + pd.Timedelta(weeks=week),
            customer_number=known.index,
            known_customer_count=10 * len(known),
            tenure_days=age,
            recency_days=age.astype(float),
        )
        dates.append(rows.drop(columns="arrival"))
    return pd.concat(dates, ignore_index=True)


def fitted(features: pd.DataFrame, date: Any = None, recipe: Recipe | None = None) -> pd.DataFrame:
    """Rows like those of segment_model: the recipe's fit on one date's people, the newest by default."""
    recipe = recipe or Recipe(TRANSFORMS, "kmeans", "k=4", 1)
    date = features["as_of_date"].max() if date is None else pd.Timestamp(date)
    model = recipe.fit(features[features["as_of_date"] == date].reset_index(drop=True), "in force")
    names = tuple(SegmentName(f"key_{number}", f"Key {number}", "traits", None) for number in range(1, model.k + 1))
    return pd.DataFrame(replace(model, names=names).to_rows()).assign(
        model_version=1,
        feature_set="all",
        algorithm=recipe.algorithm,
        setting=recipe.setting,
        data_as_of=date,
        random_seed=recipe.seed,
    )


def pairs(
    features: pd.DataFrame, model: pd.DataFrame | None = None, choices: pd.DataFrame | None = None, **changes: Any
) -> pd.DataFrame:
    """The simulation's comparisons, one row each."""
    model = fitted(features) if model is None else model
    rows = pd.DataFrame(simulate(features, model, replace(PLAN, **changes), choices, workers=1))
    rows["horizon_days"] = (rows["later_date"] - rows["origin_date"]).dt.days
    return rows[rows["segment_number"] == 1].reset_index(drop=True)


labellings = st.integers(2, 60).flatmap(
    lambda n: st.tuples(*(st.lists(st.integers(0, 4), min_size=n, max_size=n) for _ in range(2)))
)


@given(st.lists(labellings, min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_adjusted_rand_of_many_tables_is_that_of_scikit_learn_to_the_last_digit(
    cases: list[tuple[list[int], list[int]]],
) -> None:
    tables = np.array([contingency(np.array(a), np.array(b), 5, 5) for a, b in cases])
    assert adjusted_rands(tables).tolist() == [adjusted_rand_score(a, b) for a, b in cases]


def test_adjusted_rand_of_millions_of_people_does_not_overflow() -> None:
    tables = np.random.default_rng(1).integers(0, 5_000_000, (20, 6, 6))
    expected = []
    for table in tables.astype(object):
        # The paper's own formula, in fractions of whole numbers of any size.
        both, rows, columns, everybody = (
            sum(comb(count, 2) for count in np.ravel(counts))
            for counts in (table, table.sum(axis=1), table.sum(axis=0), table.sum())
        )
        chance = Fraction(rows * columns, everybody)
        expected.append(float((both - chance) / (Fraction(rows + columns, 2) - chance)))
    assert adjusted_rands(tables).tolist() == pytest.approx(expected, rel=1e-12)


def test_matching_is_optimal_and_not_greedy() -> None:
    # Greedy takes the 60 first and is left with 0 + 60; the best matching keeps 50 + 55.
    table = np.array([[60, 50], [55, 0]])
    matched = matched_segments(table)
    assert matched.tolist() == [1, 0]
    assert share_moved(table, matched) == pytest.approx(60 / 165)
    # Half of the people who move spend nothing.
    assert share_moved(np.array([[30.0, 50.0], [55.0, 0.0]]), matched) == pytest.approx(30 / 135)


def test_a_segment_without_a_partner_is_addressed_differently() -> None:
    table = np.array([[40, 2], [1, 30], [20, 7]])
    matched = matched_segments(table)
    assert matched.tolist() == [0, 1, -1]
    assert share_moved(table, matched) == pytest.approx(30 / 100)
    assert matched_jaccards(table[None], matched)[0].tolist() == [40 / 63, 30 / 40, 0.0]


def test_interval_of_resampled_customers_alone_covers_the_truth_of_fixed_models() -> None:
    shares = np.array([[0.4, 0.03, 0.0], [0.02, 0.3, 0.05], [0.0, 0.02, 0.18]])
    truth = adjusted_rand((shares * 10**6).round().astype(np.int64))
    rng = np.random.default_rng(2)
    covered = []
    for _ in range(300):
        table = rng.multinomial(800, shares.ravel()).reshape(3, 3)
        resampled = resampled_tables(table, 200, rng)
        agreement, jaccards = intervals_of_pair(table, resampled, matched_segments(table), table[None])
        assert agreement.value == adjusted_rand(table)
        assert [one.value for one in jaccards] == matched_jaccards(table[None], matched_segments(table))[0].tolist()
        covered.append(agreement.low <= truth <= agreement.high)
    assert 0.90 <= np.mean(covered) <= 0.99


def skewed(people: int, drift: float, rng: np.random.Generator) -> pd.DataFrame:
    """Customers with margins like those of a marketplace: few repeat buyers, most content, a long tail of spend."""
    scores = np.array([0.12 + drift / 4, 0.03, 0.08, 0.19, 0.58 - drift / 4])
    return pd.DataFrame(
        {
            "purchase_day_count": np.where(rng.random(people) < 0.03, 2.0, 1.0),
            "total_spend": np.exp(4 + drift + 0.8 * rng.normal(size=people)),
            "avg_review_score": rng.choice([1.0, 2.0, 3.0, 4.0, 5.0], people, p=scores),
        }
    )


def test_interval_with_other_fits_covers_the_agreement_of_fits_on_everybody() -> None:
    """Two dates of 10,000 customers, 1,500 of whom are seen: resampled customers alone would miss the truth mostly."""
    rng = np.random.default_rng(4)
    transforms = {"purchase_day_count": "ln", "total_spend": "log1p", "avg_review_score": "identity"}
    recipe = Recipe(transforms, "kmeans", "k=4", 1)
    covered: list[bool] = []
    covered_by_customers: list[bool] = []
    with threadpool_limits(1):
        for trial in range(20):
            dates = [skewed(10_000, drift, rng) for drift in (0.0, 0.1)]
            whole = [recipe.fit(rows, "whole", trial, date) for date, rows in enumerate(dates)]
            frozen, fresh = (model.labels(dates[1]) for model in whole)
            truth = adjusted_rand(contingency(frozen, fresh, 4, 4))
            seen = [rows.iloc[rng.choice(10_000, 1_500, replace=False)] for rows in dates]
            drawn = [[rows, *(rows.sample(frac=1, replace=True, random_state=i) for i in range(5))] for rows in seen]
            models = [[recipe.fit(rows, trial) for rows in resamples] for resamples in drawn]
            labels = [[model.labels(seen[1]) for model in of_date] for of_date in models]
            table = contingency(labels[0][0], labels[1][0], 4, 4)
            resampled, matched = resampled_tables(table, 100, rng), matched_segments(table)
            for found, others in ((covered, 6), (covered_by_customers, 1)):
                fits = [other_fits(of_date[:others]) for of_date in labels]
                refitted = tables_of_other_fits(fits[0], Groups.of(fits[1]), *table.shape)
                interval, _ = intervals_of_pair(table, resampled, matched, refitted)
                found.append(interval.low <= truth <= interval.high)
    assert np.mean(covered) >= 0.85
    assert np.mean(covered_by_customers) < np.mean(covered) - 0.2


def test_frozen_model_keeps_its_own_scaling() -> None:
    """Everybody's spend is multiplied: a scaler fitted again would undo it and call the frozen model as good as new."""
    rng = np.random.default_rng(3)
    spend = np.where(np.arange(400) % 2, 10.0, 20.0) + rng.normal(size=400)
    rows = [
        pd.DataFrame(
            {
                "as_of_date": START + pd.Timedelta(weeks=2 * later),
                "customer_number": np.arange(400),
                "known_customer_count": 400,
                "tenure_days": 100 + 14 * later,
                "total_spend": spend * (1 + 4 * later),
                "avg_review_score": 4.0,
            }
        )
        for later in range(2)
    ]
    features = pd.concat(rows, ignore_index=True)
    recipe = Recipe({"total_spend": "identity"}, "kmeans", "k=2", 1)
    found = pairs(features, fitted(features, recipe=recipe))
    assert found["ari"].tolist() == [0.0]
    fresh = recipe.fit(rows[1])
    rescaled = Model(fresh.scalings, recipe.fit(rows[0]).segmentation)
    assert adjusted_rand_score(rescaled.labels(rows[1]), fresh.labels(rows[1])) == 1.0


@pytest.fixture(scope="module")
def unchanged() -> pd.DataFrame:
    return pairs(marketplace())


def test_a_model_ages_by_the_clock_and_not_without_it_while_kinds_do_not_change(unchanged: pd.DataFrame) -> None:
    kinds, clocked = (unchanged[unchanged["variant"] == variant] for variant in (ALL_FEATURES, WITH_RECENCY))
    curve = clocked.groupby("horizon_days")["ari"].median()
    assert curve[112] < curve[56] < curve[28]
    assert curve[112] < 0.75
    assert len(clocked) >= 10
    assert kinds["ari"].quantile(0.1) >= 0.92
    assert kinds["ari"].median() >= kinds["noise_floor"].median() - 0.005
    assert (kinds["newcomer_shift"].abs() - 1.96 * kinds["newcomer_shift_error"] < 0.15).all()


def test_curves_fall_within_their_intervals() -> None:
    features = marketplace()
    found = pairs(features, fitted(features, recipe=Recipe(CLOCKED, "kmeans", "k=4", 1)))
    # A model that holds recency has no variant with it.
    assert set(found["variant"]) == {ALL_FEATURES}
    moving = found.sort_values(["origin_date", "horizon_days"])
    lowest_before = moving.groupby("origin_date")["ari_high"].cummin().groupby(moving["origin_date"]).shift()
    rises = (moving["ari_low"] > lowest_before)[lowest_before.notna()]
    assert len(rises) > 80
    assert rises.mean() <= 0.02


def test_the_refit_of_a_date_is_shared_by_all_origins(monkeypatch: pytest.MonkeyPatch) -> None:
    features = marketplace(people=800)
    model = fitted(features)
    counted = []

    def fit(*arguments: Any, **options: Any) -> dict[str, Segmentation]:
        counted.append(1)
        return fit_segmentations(*arguments, **options)

    monkeypatch.setattr(recipes, "fit_segmentations", fit)
    found = pairs(features, model)
    dates = features["as_of_date"].nunique()
    assert len(counted) == (dates + ceil(dates / 4)) * (1 + PLAN.noise_refits)
    floors = found[["variant", "later_date", "noise_floor", "noise_floor_low"]].drop_duplicates()
    assert not floors.duplicated(["variant", "later_date"]).any()


def test_origins_every_two_weeks_meet_every_later_week(unchanged: pd.DataFrame) -> None:
    moving = unchanged[unchanged["variant"] == ALL_FEATURES]
    assert sorted(set(moving["origin_date"].diff().dt.days.dropna())) == [0, 14]
    for _, curve in moving.groupby("origin_date"):
        assert curve["horizon_days"].tolist() == list(range(7, curve["horizon_days"].max() + 1, 7))
    assert moving["horizon_days"].max() == 140


def test_good_customers_are_those_whose_people_spend_and_are_content() -> None:
    spend = np.array([100.0, 100.0, 90.0, 90.0, 10.0, 80.0])
    score = np.array([1.0, 2.0, 5.0, np.nan, 5.0, np.nan])
    # Segment 0 spends most and is cross; of segment 3 no review is known; 4 is empty.
    assert value_ranks(spend, score, np.array([0, 0, 1, 1, 2, 3]), 5).tolist() == [3, 1, 4, 2, 5]


def test_segments_carry_the_keys_of_the_version_in_force() -> None:
    features = marketplace(people=1_500)
    model = fitted(features, recipe=Recipe(TRANSFORMS, "kmeans", "k=2", 1))
    model["segment_number"] = 3 - model["segment_number"]
    rows = pd.DataFrame(simulate(features, model, PLAN, workers=1))
    simulated = rows[rows["variant"] == ALL_FEATURES]
    keys = [tuple(sorted(found["segment_key"])) for _, found in simulated.groupby(["origin_date", "later_date"])]
    assert set(keys) == {("key_1", "key_2")}
    # The kind that spends much and is content has one key, and a number that is not the one of the version in force.
    best = simulated[simulated["value_rank"] == 1]
    assert set(best["segment_key"]) == {model.loc[model["segment_number"] == 2, "segment_key"].iloc[0]}
    assert set(best.loc[~best["is_model_in_force"], "segment_number"]) == {1}
    assert (best["key_jaccard"] > 0.95).all()


def test_model_in_force_is_an_origin_of_its_own() -> None:
    features = marketplace(people=1_500)
    dates = sorted(features["as_of_date"].unique())
    model = fitted(features, dates[9])
    # Fitted on a day that is no simulation date.
    model["data_as_of"] += pd.Timedelta(days=3)
    found = pairs(features, model)
    ours = found[found["is_model_in_force"]]
    assert set(ours["variant"]) == {ALL_FEATURES}
    assert ours["later_date"].tolist() == dates[10:]
    assert (ours["horizon_days"] % 7 == 4).all()
    assert ours["newcomer_shift"].notna().all()


@pytest.mark.parametrize(
    ("algorithm", "setting"), [("gaussian_mixture", "k=4"), ("ward", "k=4"), ("hdbscan", "min_cluster_size=5%")]
)
def test_every_algorithm_that_can_be_in_force_can_age(algorithm: str, setting: str) -> None:
    features = marketplace(people=900, first_week=34)
    recipe = Recipe({**TRANSFORMS, "avg_review_score": "sqrt"}, algorithm, setting, 1)
    found = pairs(features, fitted(features, recipe=recipe), noise_refits=1)
    assert set(found["variant"]) == {ALL_FEATURES, WITH_RECENCY}
    assert found["ari"].between(-0.5, 1).all()


@pytest.mark.slow
def test_same_rows_whoever_computes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    features = marketplace(people=700, first_week=30)
    model = fitted(features)
    one = simulate(features, model, PLAN, workers=1)
    monkeypatch.setattr(simulation, "WORTH_WORKERS", 0)
    assert len(one) > 100
    pd.testing.assert_frame_equal(
        pd.DataFrame(simulate(features, model, PLAN, workers=2)), pd.DataFrame(one), check_exact=True
    )


def never() -> pd.DataFrame:
    raise AssertionError("the simulation was not due")


def test_a_simulation_runs_when_the_version_is_new_or_the_data_have_gone_on() -> None:
    features = marketplace(people=300, first_week=36)
    model = fitted(features)
    newest = features["as_of_date"].max()
    first = append_ageing(lambda: features, newest, model, None, PLAN)
    assert first.dtypes.astype(str).to_dict() == AGEING_COLUMNS
    assert not first.empty
    for days, is_due in ((0, False), (6, False), (7, True)):
        later = newest + pd.Timedelta(days=days)
        again = append_ageing(lambda: features if is_due else never(), later, model, first, PLAN)  # noqa: B023
        assert again.empty is not is_due
    another = model.assign(model_version=2)
    assert set(append_ageing(lambda: features, newest, another, first, PLAN)["model_version"]) == {2}
    at_once = append_ageing(lambda: features, newest, model, first, replace(PLAN, refresh_days=0))
    pd.testing.assert_frame_equal(at_once, first, check_exact=True)


def test_too_little_gives_an_empty_table_of_the_right_types() -> None:
    features = marketplace(people=300, first_week=40)
    model = fitted(features)
    newest = features["as_of_date"].max()
    single = model.assign(algorithm="none")
    for found in (
        append_ageing(lambda: features, newest, model, None, PLAN),
        append_ageing(lambda: features.head(0), newest, model, None, PLAN),
        append_ageing(never, newest, single, None, PLAN),
    ):
        assert found.empty
        assert found.dtypes.astype(str).to_dict() == AGEING_COLUMNS


CHANGE = dt.date(2018, 3, 1)


def generated_pairs(folder: Path, *options: str) -> pd.DataFrame:
    """The simulation round the day of the change, on a generated marketplace brought through the SQL."""
    command = [sys.executable, "-m", "olist_segments.cli", "generate", "--orders", "20000", "--format", "parquet"]
    subprocess.run([*command, *options, "--out", str(folder / "data")], check=True, capture_output=True)
    warehouse = Warehouse(folder / "warehouse")
    warehouse.dbt("run", "--select", "+ageing_features", data=folder / "data")
    features = warehouse.query(
        "from ageing_features where as_of_date between '2017-12-20' and '2018-04-15' "
        "order by as_of_date, customer_number"
    )
    before = features.loc[features["as_of_date"] < pd.Timestamp(CHANGE), "as_of_date"].max()
    names = ("purchase_day_count", "total_spend", "avg_review_score", "late_delivery_share")
    transforms = dict(zip(names, ("ln", "log1p", "identity", "identity"), strict=True))
    model = fitted(features, before, Recipe(transforms, "kmeans", "k=5", 1))
    return pairs(features, model, clock_days=14)


def changes_seen(found: pd.DataFrame) -> pd.DataFrame:
    """The comparisons across the day of the change whose newcomers differ, in the words of the table."""
    beyond = found["newcomer_shift"].abs() - 1.96 * found["newcomer_shift_error"] > 0.15
    return found[beyond & (found["horizon_days"] <= 60) & (found["variant"] == ALL_FEATURES)]


@pytest.fixture(scope="module")
def generated_unchanged(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return generated_pairs(tmp_path_factory.mktemp("unchanged"))


@pytest.mark.slow
def test_no_change_is_seen_where_none_was_planted(generated_unchanged: pd.DataFrame) -> None:
    assert changes_seen(generated_unchanged).empty
    kinds = generated_unchanged[generated_unchanged["variant"] == ALL_FEATURES]
    assert kinds["ari"].median() > 0.93
    assert (kinds["ari_high"] >= kinds["noise_floor_low"]).mean() >= 0.8


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "feature"),
    [("satisfaction", "avg_review_score"), ("spend", "total_spend")],
    ids=["satisfaction", "spend"],
)
def test_a_planted_change_is_seen_within_a_month(
    option: str, feature: str, generated_unchanged: pd.DataFrame, tmp_path: Path
) -> None:
    found = generated_pairs(tmp_path, "--change", f"{option}@{CHANGE}")
    seen = changes_seen(found)
    assert set(seen["newcomer_shift_feature"]) == {feature}
    assert pd.Timestamp(CHANGE) < seen["later_date"].min() <= pd.Timestamp(CHANGE) + pd.Timedelta(days=31)
    assert (seen["origin_date"] < pd.Timestamp(CHANGE) + pd.Timedelta(days=28)).all()
    assert seen["is_model_in_force"].any()
    if option == "spend":
        # So strong a change moves the fits as well: agreement falls below what it was.
        month = (found["variant"] == ALL_FEATURES) & found["later_date"].between("2018-03-08", "2018-04-01")
        month &= found["origin_date"] < pd.Timestamp(CHANGE)
        assert found.loc[month, "ari"].median() < generated_unchanged.loc[month, "ari"].median() - 0.02


@pytest.mark.slow
def test_the_tables_are_built_once_and_hold_their_rules(built: Warehouse, tmp_path: Path) -> None:
    warehouse = copy_of(built, tmp_path / "copy")
    names = ["segment_ageing", "segment_ageing_segments", "fit_ageing"]
    first = {name: warehouse.query(f"from {name}") for name in names}
    assert len(first["segment_ageing"]) > 100
    assert first["segment_ageing"]["recency_loss"].notna().any()
    segments = first["segment_ageing_segments"]
    assert len(segments) == len(first["fit_ageing"])
    assert segments.groupby(PAIR, sort=False)["value_rank"].agg(lambda ranks: ranks.is_monotonic_increasing).all()
    rerun = ("build", "--select", *names)
    # Not due, so the rows stay though the settings differ; then forced, with the settings of the first time.
    for variables in (SETTINGS, FEW_CANDIDATES | {"ageing_refresh_days": 0}):
        warehouse.dbt(*rerun, data=SAMPLE, variables=variables)
        for name in names:
            pd.testing.assert_frame_equal(warehouse.query(f"from {name}"), first[name], check_exact=True)


def test_grouped_customers_count_as_one_by_one() -> None:
    rng = np.random.default_rng(8)
    labels, *fits = (rng.integers(0, k, 400) for k in (4, 3, 5, 2))
    tables = Groups.of(fits).tables(labels, 4, 6)
    assert tables.tolist() == [contingency(labels, fit, 4, 6).tolist() for fit in fits]
