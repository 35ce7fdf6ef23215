"""Drift tables: equal to scipy and to a second computation, right about planted changes, calm without one."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from marketplaces import cut_at, read_tables, write_tables
from nights import copy_of
from olist_segments.cli import main
from scipy.stats import ks_2samp, wasserstein_distance
from warehouses import SAMPLE, Warehouse

TRANSFORMS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "recency_days": lambda x: x,
    "purchase_day_count": np.log,
    "total_spend": np.log1p,
    "avg_review_score": lambda x: x,
    "late_delivery_share": lambda x: x,
}
OF_THE_SAMPLE = {"stability_resamples": 20}
FEW_CANDIDATES = {"candidate_algorithms": ["kmeans"], "candidate_k_min": 5, "candidate_k_max": 5}
FEATURES = ("--select", "+feature_drift_monthly")
SHARES = ("+segment_share_drift_monthly",)
CHANGED_ON = dt.date(2018, 3, 1)
FITTED_ON = dt.date(2018, 2, 28)
SEEN_ON = pd.Timestamp("2018-03-31")
RIGHT_FEATURE = {"spend": "total_spend", "satisfaction": "avg_review_score", "frequency": "purchase_day_count"}


def reference_people(warehouse: Warehouse) -> dict[str, pd.DataFrame]:
    """The people of the fit, and the recent buyers of the three month ends up to it."""
    features = warehouse.query("from customer_features_monthly")
    fitted = warehouse.query("from fit_segment_labels")
    last_dates = sorted(features["as_of_date"].unique())[-3:]
    recent = features[(features["recency_days"] < 30) & features["as_of_date"].isin(last_dates)]
    return {"everybody": fitted, "recent_buyers": recent}


def known(people: pd.DataFrame, feature: str) -> np.ndarray:
    return people[feature].dropna().to_numpy(dtype=np.float64)


def test_distances_are_those_of_scipy_on_the_same_values(built: Warehouse) -> None:
    drift = built.query("from feature_drift_monthly where aspect = 'values'")
    features = built.query("from customer_features_monthly")
    reference = reference_people(built)
    assert len(drift) == 20 * 2 * len(TRANSFORMS)
    for row in drift.itertuples():
        people = features[features["as_of_date"] == row.as_of_date]
        if row.population == "recent_buyers":
            people = people[people["recency_days"] < 30]
        feature, population = str(row.feature), str(row.population)
        transform = TRANSFORMS[feature]
        now = transform(known(people, feature))
        then = transform(known(reference[population], feature))
        scale = transform(known(reference["everybody"], feature)).std()
        assert row.wasserstein == pytest.approx(wasserstein_distance(now, then) / scale, abs=1e-9)
        assert row.mean_shift == pytest.approx((now.mean() - then.mean()) / scale, abs=1e-9)
        assert row.ks_d == pytest.approx(ks_2samp(now, then, method="asymp").statistic, abs=1e-12)
        assert row.missing_rate == pytest.approx(people[feature].isna().mean(), abs=1e-12)


def shares(people: pd.DataFrame, bins: pd.DataFrame) -> np.ndarray:
    """Smoothed shares of people in bins, counted by comparing every person with every bin."""
    values = people[bins["feature"].iloc[0]].to_numpy(dtype=np.float64)
    counts = []
    bounds = zip(bins["is_missing_bin"], bins["lower_bound"], bins["upper_bound"], strict=True)
    for is_missing_bin, lower_bound, upper_bound in bounds:
        inside = np.isnan(values) if is_missing_bin else ~np.isnan(values)
        if not np.isnan(lower_bound):
            inside &= values >= lower_bound
        if not np.isnan(upper_bound):
            inside &= values < upper_bound
        counts.append(inside.sum())
    return (np.array(counts) + 0.5) / (sum(counts) + 0.5 * len(counts))


def test_psi_is_that_of_counting_everybody_into_the_frozen_bins(built: Warehouse) -> None:
    drift = built.query("from feature_drift_monthly")
    features = built.query("from customer_features_monthly")
    all_bins = built.query("from feature_drift_bins order by bin_number")
    reference = reference_people(built)
    for (population, feature, aspect), rows in drift.groupby(["population", "feature", "aspect"]):
        bins = all_bins[all_bins[["population", "feature", "aspect"]].eq([population, feature, aspect]).all(axis=1)]
        then = before = shares(reference[str(population)], bins)
        for position, row in enumerate(rows.sort_values("as_of_date").itertuples()):
            people = features[features["as_of_date"] == row.as_of_date]
            now = shares(people[people["recency_days"] < 30] if population == "recent_buyers" else people, bins)
            assert row.psi == pytest.approx(((now - then) * np.log(now / then)).sum(), abs=1e-9)
            if position:
                assert row.psi_step == pytest.approx(((now - before) * np.log(now / before)).sum(), abs=1e-9)
            before = now


def test_bins_are_tenths_of_the_reference_unless_values_tie(built: Warehouse) -> None:
    bins = built.query("from feature_drift_bins where aspect = 'values' and population = 'everybody'")
    spend = bins[bins["feature"] == "total_spend"]
    assert len(spend) == 10
    assert spend["customer_share"].between(0.09, 0.11).all()
    orders = bins[bins["feature"] == "purchase_day_count"].sort_values("bin_number")
    assert orders["upper_bound"].iloc[0] == orders["lower_bound"].iloc[1] == 2
    assert len(orders) == 2


@pytest.mark.slow
def test_fewer_reviews_shrink_the_dissatisfied_but_not_their_share_among_the_reviewed(
    built: Warehouse, tmp_path: Path
) -> None:
    """The same customers by the same model, of whose reviews a random third was never written."""
    tables = read_tables(SAMPLE)
    reviews = tables["olist_order_reviews_dataset"]
    tables["olist_order_reviews_dataset"] = reviews.sample(frac=2 / 3, random_state=7)
    warehouse = copy_of(built, tmp_path / "thinned")
    selected = ("--select", "+segment_profiles_monthly", "+segment_share_drift_monthly")
    warehouse.build(write_tables(tables, tmp_path / "data"), *selected, variables=OF_THE_SAMPLE)

    profile = "from segment_profiles_monthly where is_newest and is_dissatisfied"
    before, after = (made.query(profile).iloc[0] for made in (built, warehouse))
    assert before["segment_key"] == after["segment_key"]
    assert after["reviewed_customer_share"] > 0.95
    assert after["customer_share"] < 0.8 * before["customer_share"]
    reviewed = warehouse.query("select sum(reviewed_customer_count) from segment_profiles_monthly where is_newest")
    share = before["share_of_reviewed"]
    # Drawn without replacement, two of three: a third of the variance of a sample with replacement is left.
    standard_error = np.sqrt(share * (1 - share) / reviewed.iloc[0, 0] / 3)
    assert after["share_of_reviewed"] == pytest.approx(share, abs=3 * standard_error)
    assert 3 * standard_error < (before["customer_share"] - after["customer_share"]) / 2

    drift = warehouse.query("from segment_share_drift_monthly where is_newest").set_index("population")
    beyond_chance = drift["psi"] / drift["psi_by_chance"]
    assert beyond_chance["reviewed"] < 1
    assert beyond_chance["everybody"] > 2


@pytest.fixture(scope="module")
def fitted_before_the_change(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    home = tmp_path_factory.mktemp("before")
    cut = cut_at(read_tables(generate(home / "data", None)), FITTED_ON)
    warehouse = Warehouse(home / "warehouse")
    warehouse.build(write_tables(cut, home / "cut"), *FEATURES, variables=FEW_CANDIDATES)
    return warehouse


def generate(folder: Path, change: str | None) -> Path:
    options = ["--orders", "6000", "--format", "parquet", "--out", str(folder)]
    assert main(["generate", *options, *(["--change", f"{change}@{CHANGED_ON}"] if change else [])]) == 0
    return folder


def lived_on(fitted: Warehouse, home: Path, change: str | None, *more: str, **variables: object) -> Warehouse:
    """The fitted warehouse, built again on all the months, in which `change` happened."""
    warehouse = Warehouse(home / "warehouse")
    warehouse.home.mkdir()
    shutil.copy(fitted.path, warehouse.path)
    warehouse.build(generate(home / "data", change), *FEATURES, *more, variables=variables)
    assert warehouse.query("select max(data_as_of) from segment_versions").iloc[0, 0] == pd.Timestamp(FITTED_ON)
    return warehouse


BEHAVIOUR = "from feature_drift_monthly where not is_clock_driven and is_in_model and aspect = 'values'"


@pytest.mark.slow
@pytest.mark.parametrize("change", sorted(RIGHT_FEATURE))
def test_a_change_of_behaviour_is_seen_within_a_month_and_named(
    change: str, fitted_before_the_change: Warehouse, tmp_path: Path
) -> None:
    warehouse = lived_on(fitted_before_the_change, tmp_path, change)
    drift = warehouse.query(BEHAVIOUR)
    alarms = drift[(drift["as_of_date"] > pd.Timestamp(FITTED_ON)) & (drift["drift_status"] == "act")]
    first = alarms[alarms["as_of_date"] == alarms["as_of_date"].min()].sort_values("severity", ascending=False)
    assert first["as_of_date"].iloc[0] == SEEN_ON
    assert first["feature"].tolist() == [RIGHT_FEATURE[change]]
    assert first["population"].tolist() == ["recent_buyers"]
    # It stays until a refit: the distance from the fit says so when the step has passed.
    later = drift[(drift["as_of_date"] > SEEN_ON) & (drift["population"] == "recent_buyers")]
    assert (later.loc[later["feature"] == RIGHT_FEATURE[change], "drift_status"] != "calm").all()


@pytest.mark.slow
def test_without_a_change_the_behaviour_is_calm_until_the_end_of_the_export(
    fitted_before_the_change: Warehouse, tmp_path: Path
) -> None:
    """In the last month nearly every order is delivered and answered at once, as in the published export."""
    warehouse = lived_on(fitted_before_the_change, tmp_path, None, *SHARES, stability_resamples=20)
    drift = warehouse.query(f"{BEHAVIOUR} and as_of_date > '{FITTED_ON}' and as_of_date < '2018-08-01'")
    in_model = warehouse.query("select distinct feature from segment_model where feature <> 'recency_days'")["feature"]
    assert set(drift["feature"]) == set(in_model) >= {"purchase_day_count", "total_spend", "avg_review_score"}
    assert len(drift) == 5 * 2 * len(in_model)
    assert "act" not in set(drift["drift_status"])
    shares_of_segments = warehouse.query(
        f"from segment_share_drift_monthly where as_of_date > '{FITTED_ON}' and as_of_date < '2018-08-01'"
    )
    assert "act" not in set(shares_of_segments["drift_status"])
