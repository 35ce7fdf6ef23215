"""The evidence table: its pieces against hand-computed cases and scikit-learn, what it finds and what it refuses."""

import json
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from olist_segments.errors import UserError
from olist_segments.model.agreement import adjusted_rand, best_jaccard, contingencies, contingency, jaccard
from olist_segments.model.features import known_of
from olist_segments.model.model import Model
from olist_segments.model.scaling import design_matrix, fit_scaling
from olist_segments.model.segmentation import Segmentation
from olist_segments.selection import candidates
from olist_segments.selection.algorithms import (
    collapsed_segments,
    discrete_features,
    fit_segmentations,
    mixture_segments,
)
from olist_segments.selection.candidates import evaluate_candidates
from olist_segments.selection.columns import COLUMNS
from olist_segments.selection.metrics import (
    davies_bouldin_and_calinski_harabasz,
    prediction_strength_of_split,
    silhouette_interval,
    silhouette_widths,
    variance_explained,
)
from olist_segments.selection.mixture import Mixture, gaussian_mixture
from olist_segments.selection.rule import Incumbent, choose
from olist_segments.selection.sampling import atoms, generator, strata, stratified_sample
from olist_segments.selection.search import Search
from olist_segments.selection.stability import mean_adjusted_rand, split_strengths
from olist_segments.selection.structure import (
    SHAPES,
    SHUFFLED,
    joint_gap,
    reference_spreads,
    references,
    spread_left,
    structure_gap,
)
from olist_segments.settings.model import ALGORITHMS, SegmentationRule
from sklearn.metrics import (
    adjusted_rand_score,
    calinski_harabasz_score,
    davies_bouldin_score,
    silhouette_samples,
    silhouette_score,
)
from sklearn.mixture import GaussianMixture

FEATURES = ["a", "b", "c", "d"]
CENTRES = 6.0 * np.array([[0, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 1], [1, 0, 1, -1], [-1, 1, -1, 0]])
SHARES = [0.4, 0.25, 0.2, 0.1, 0.05]


def frame_of(z: np.ndarray) -> pd.DataFrame:
    frame = pd.DataFrame(z, columns=FEATURES[: z.shape[1]])
    return frame.assign(customer_unique_id=[f"{i:06x}" for i in range(len(z))])


def planted(people: int, seed: int = 3) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.choice(5, people, p=SHARES)
    return frame_of(CENTRES[truth] + rng.normal(size=(people, 4))), truth


def evaluate(frame: pd.DataFrame, **changes: Any) -> pd.DataFrame:
    features = [name for name in FEATURES if name in frame]
    arguments: dict[str, Any] = {
        "feature_sets": {"all": features},
        "transforms": dict.fromkeys(features, "identity"),
        "algorithms": ["kmeans"],
        "k_max": 6,
        "seed": 1,
        "references": 6,
        "resamples": 6,
        "splits": 6,
        "seeds": 3,
    }
    search = arguments | {name: value for name, value in changes.items() if name not in ("past", "workers")}
    return evaluate_candidates(frame, Search(**search), past=changes.get("past"), workers=changes.get("workers", 1))


def chosen(table: pd.DataFrame) -> pd.Series:
    (row,) = [row for _, row in table.iterrows() if row["is_chosen"]]
    return row


# Pieces


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=2, max_size=80))
@settings(max_examples=100, deadline=None)
def test_adjusted_rand_is_that_of_scikit_learn_to_the_last_digit(pairs: list[tuple[int, int]]) -> None:
    rows, columns = np.array(pairs).T
    assert adjusted_rand(contingency(rows, columns, 5, 4)) == adjusted_rand_score(rows, columns)


def test_adjusted_rand_of_many_people_does_not_overflow() -> None:
    rng = np.random.default_rng(0)
    rows, columns = rng.integers(0, 3, (2, 400_000))
    assert adjusted_rand(contingency(rows, columns, 3, 3)) == adjusted_rand_score(rows, columns)


def test_jaccard_by_hand() -> None:
    table = np.array([[3, 1, 0], [0, 4, 0]])
    assert jaccard(table) == pytest.approx(np.array([[3 / 4, 1 / 8, 0], [0, 4 / 5, 0]]))
    assert best_jaccard(table) == pytest.approx([3 / 4, 4 / 5])
    assert best_jaccard(np.array([[0, 0], [2, 1]])) == pytest.approx([0, 2 / 3])


def test_prediction_strength_by_hand() -> None:
    # Own segments of 4 and 3 people: 3 + 1 together keep 6 of 12 ordered pairs, 1 + 2 keep 2 of 6.
    assert prediction_strength_of_split(np.array([[3, 1], [1, 2]])) == pytest.approx(1 / 3)
    assert prediction_strength_of_split(np.array([[3, 0], [0, 3]])) == 1
    assert prediction_strength_of_split(np.array([[5, 0], [0, 1]])) == 0
    assert prediction_strength_of_split(np.array([[5, 0], [2, 0]])) == pytest.approx((20 + 2) / 42)


def test_silhouette_of_everybody_is_that_of_scikit_learn_and_a_sample_covers_it() -> None:
    frame, truth = planted(4000)
    z = frame[FEATURES].to_numpy() + np.random.default_rng(1).normal(size=(4000, 4)) * 2
    exact = silhouette_score(z, truth)
    assert silhouette_interval(z, truth, generator(1), size=4000).value == pytest.approx(exact)
    intervals = [silhouette_interval(z, truth, generator(seed), size=500) for seed in range(20)]
    assert sum(interval.low <= exact <= interval.high for interval in intervals) >= 16
    assert max(interval.high - interval.low for interval in intervals) < 0.1
    assert np.isnan(silhouette_interval(z, np.zeros(4000, dtype=np.int64), generator(1)).value)


@pytest.mark.parametrize("k", [2, 5])
def test_tightness_is_that_of_scikit_learn(k: int) -> None:
    rng = np.random.default_rng(k)
    z, labels = rng.normal(size=(400, 3)), rng.integers(0, k, 400)
    z[labels == 0] += 3
    # A segment of one, and one of nobody.
    labels[:2] = [k, k + 2]
    names = np.unique(labels, return_inverse=True)[1]
    assert silhouette_widths(z, names) == pytest.approx(silhouette_samples(z, labels))
    davies_bouldin, calinski_harabasz = davies_bouldin_and_calinski_harabasz(z, labels)
    assert davies_bouldin == pytest.approx(davies_bouldin_score(z, labels))
    assert calinski_harabasz == pytest.approx(calinski_harabasz_score(z, labels))
    assert np.isnan(davies_bouldin_and_calinski_harabasz(z, np.zeros(400, dtype=np.int64))).all()


def test_tables_of_every_two_labellings() -> None:
    rng = np.random.default_rng(0)
    labellings = [(rng.integers(0, k, 300), k) for k in (2, 4, 3)]
    tables = contingencies(labellings)
    assert tables.shape == (3, 3, 4, 4)
    for i, (rows, row_count) in enumerate(labellings):
        for j, (columns, column_count) in enumerate(labellings):
            assert (
                tables[i, j, :row_count, :column_count] == contingency(rows, columns, row_count, column_count)
            ).all()
            assert tables[i, j].sum() == 300


def test_variance_explained_is_adjusted_r_squared_and_not_fooled_by_many_segments() -> None:
    values = np.array([1.0, 2.0, 3.0, 7.0, 8.0, 9.0] * 20)
    labels = np.array([0, 0, 0, 1, 1, 1] * 20)
    by_hand = 1 - (80 / 118) / (values.var() * 120 / 119)
    assert variance_explained(values, labels, generator(1)).value == pytest.approx(by_hand)
    rng = np.random.default_rng(2)
    noise = [
        variance_explained(rng.normal(size=2000), rng.integers(0, 50, 2000), generator(s)).value for s in range(40)
    ]
    # Plain eta squared would be about 49 / 1999 = 0.0245.
    assert abs(np.mean(noise)) < 0.003
    assert np.isnan(variance_explained(np.ones(100), rng.integers(0, 2, 100), generator(1)).value)


# The deployable form


def test_score_by_hand_ties_and_probabilities() -> None:
    segmentation = Segmentation(np.array([[0.0, 0.0], [2.0, 0.0]]), np.array([[1.0, 2.0], [1.0, 2.0]]), np.zeros(2))
    z = np.array([[0.0, 1.0], [1.0, 5.0], [3.0, 0.0]])
    assert segmentation.score(z).tolist() == [[2, 6], [51, 51], [9, 1]]
    assert segmentation.labels(z).tolist() == [0, 0, 1]
    assert segmentation.probabilities(z)[:, 0] == pytest.approx([1 / (1 + np.exp(-2)), 0.5, 1 / (1 + np.exp(4))])


def test_mixture_scores_are_log_densities_and_labels_are_those_of_predict() -> None:
    z = planted(3000)[0][FEATURES].to_numpy(copy=True)
    z[:, 3] = np.round(z[:, 3])
    model = GaussianMixture(4, covariance_type="diag", reg_covar=0.01, random_state=0).fit(z)
    segmentation = mixture_segments(Mixture(model.weights_, model.means_, model.covariances_))
    assert (segmentation.labels(z) == model.predict(z)).all()
    assert segmentation.probabilities(z) == pytest.approx(model.predict_proba(z), abs=1e-9)


@pytest.mark.parametrize("k", [2, 3, 5])
@pytest.mark.parametrize("people", [1500, 9000])
def test_a_mixture_is_as_likely_as_that_of_scikit_learn(k: int, people: int) -> None:
    rng = np.random.default_rng(k)
    z = planted(people)[0][FEATURES].to_numpy(copy=True) / 3
    z[:, 3] = np.round(z[:, 3])
    z[:, 0] += rng.gamma(1, size=people)
    theirs = [
        GaussianMixture(k, covariance_type="diag", reg_covar=0.01, random_state=seed, max_iter=300).fit(z).score(z)
        for seed in range(5)
    ]
    weights, means, variances = gaussian_mixture(z, k, rng)
    assert weights.sum() == pytest.approx(1)
    assert variances.min() >= 0.01
    densities = np.exp(-0.5 * ((z[:, None] - means) ** 2 / variances).sum(axis=2)) / np.sqrt(
        (2 * np.pi * variances).prod(axis=1)
    )
    assert np.log(densities @ weights).mean() > np.median(theirs) - 0.01


@given(st.integers(1, 6), st.integers(1, 4), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_labels_are_the_lowest_scores_to_the_last_digit(k: int, features: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    # Whole numbers, so that scores tie.
    z, centre = rng.integers(-3, 4, (200, features)) / 1.0, rng.integers(-3, 4, (k, features)) / 1.0
    segmentation = Segmentation(centre, np.full_like(centre, 1 / 3), np.zeros(k))
    assert (segmentation.labels(z) == segmentation.score(z).argmin(axis=1)).all()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_finds_planted_segments_in_canonical_order(algorithm: str) -> None:
    frame, truth = planted(3000)
    z = design_matrix(frame, fit_scaling(frame, dict.fromkeys(FEATURES, "identity")))
    setting = "min_cluster_size=2%" if algorithm == "hdbscan" else "k=5"
    segmentation = fit_segmentations(z, algorithm, [setting], seed=1)[setting]
    labels = segmentation.labels(z)
    assert adjusted_rand_score(truth, labels) > 0.95
    sizes = np.bincount(labels)
    assert (np.diff(sizes) <= 0).all()
    again = fit_segmentations(z, algorithm, [setting], seed=2)[setting]
    assert adjusted_rand_score(labels, again.labels(z)) > 0.99
    assert (np.bincount(labels) == np.bincount(again.labels(z))).all()


def test_kmeans_labels_are_the_nearest_centres_and_precision_the_pooled_variance() -> None:
    z = planted(2000)[0][FEATURES].to_numpy()
    segmentation = fit_segmentations(z, "kmeans", ["k=5"], seed=0)["k=5"]
    distances = ((z[:, None, :] - segmentation.centre) ** 2).sum(axis=2)
    assert (segmentation.labels(z) == distances.argmin(axis=1)).all()
    assert segmentation.precision == pytest.approx(1 / (distances.min(axis=1).mean() / 4))
    assert not segmentation.bias.any()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_fewer_places_than_segments_is_no_crash(algorithm: str) -> None:
    z = np.repeat([[0.0, 0.0], [1.0, 0.0], [0.0, 3.0]], 100, axis=0)
    setting = "min_cluster_size=5%" if algorithm == "hdbscan" else "k=8"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        segmentation = fit_segmentations(z, algorithm, [setting], seed=0)[setting]
    assert segmentation.k <= 3
    assert np.isfinite(segmentation.score(z)).all()


@given(st.integers(10, 400), st.floats(0.01, 0.99), st.booleans(), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_a_sample_keeps_every_stratum_within_one_person_of_its_share(
    people: int, share: float, replace: bool, seed: int
) -> None:
    stratum = (np.arange(people) % 7 == 0).astype(np.int64)
    size = max(1, int(share * people))
    sample = stratified_sample(stratum, size, np.random.default_rng(seed), replace=replace)
    assert len(sample) == size
    assert abs(int(stratum[sample].sum()) - size * stratum.mean()) <= 1
    assert replace or len(set(sample.tolist())) == size


def test_repeat_buyers_are_a_stratum() -> None:
    orders = np.array([1.0] * 97 + [2.0, 2.0, 3.0])
    stratum = strata(np.column_stack([orders, np.arange(100)]))
    assert np.bincount(stratum).tolist() == [97, 3]
    assert not strata(np.arange(10.0)[:, None]).any()


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=60))
@settings(max_examples=200, deadline=None)
def test_strata_are_the_features_off_a_value_of_more_than_half(rows: list[tuple[int, int]]) -> None:
    z = np.array(rows, dtype=np.float64)
    code = np.zeros(len(z), dtype=np.int64)
    for column in z.T:
        values, inverse, counts = np.unique(column, return_inverse=True, return_counts=True)
        if len(values) > 1 and 2 * counts.max() > len(z):
            code = 2 * code + (inverse != counts.argmax())
    assert strata(z).tolist() == np.unique(code, return_inverse=True)[1].tolist()


def test_json_reads_back_to_the_same_bits() -> None:
    rng = np.random.default_rng(0)
    frame = frame_of(rng.normal(size=(50, 4)) / 3)
    scalings = tuple(fit_scaling(frame, dict.fromkeys(FEATURES, "identity")))
    segmentation = Segmentation(rng.normal(size=(3, 4)), rng.gamma(1, size=(3, 4)), rng.normal(size=3) * 1e-17)
    text = Model(scalings, segmentation).to_json()
    read = Model.from_json(text)
    assert read.scalings == scalings
    for name in ("centre", "precision", "bias"):
        assert getattr(read.segmentation, name).tobytes() == getattr(segmentation, name).tobytes()
    assert read.to_json() == text


# Stability and structure


def test_prediction_strength_falls_beyond_the_true_number() -> None:
    z = planted(3000)[0][FEATURES].to_numpy()
    found = split_strengths(z, strata(z), "kmeans", ["k=5", "k=8"], range(3), 1)
    assert min(strengths["k=5"] for strengths in found) > 0.9
    assert max(strengths["k=8"] for strengths in found) < 0.8


def test_spread_left_by_hand() -> None:
    z = np.array([[0.0], [2.0], [10.0], [12.0]])
    assert spread_left(z, np.array([0, 0, 1, 1])) == pytest.approx(4 / 104)
    assert spread_left(z, np.zeros(4, dtype=np.int64)) == 1
    assert spread_left(np.ones((4, 1)), np.array([0, 0, 1, 1])) == 1


def test_atoms_are_found_in_scores_and_not_in_amounts() -> None:
    rng = np.random.default_rng(0)
    scores = rng.choice([1.0, 2.0, 3.0, 4.0, 5.0], 1000, p=[0.115, 0.032, 0.082, 0.193, 0.578])
    scores[:5] = 4.5
    found = atoms(scores)
    assert found is not None
    assert found.tolist() == [1, 2, 3, 4, 5]
    assert atoms(rng.normal(size=1000)) is None


@pytest.mark.parametrize("shape", SHAPES)
def test_a_reference_keeps_means_covariance_and_discrete_values(shape: str) -> None:
    rng = np.random.default_rng(1)
    z = rng.multivariate_normal([1, -2], [[1, 0.6], [0.6, 1]], 4000)
    (cloud,) = references(z, shape, 20_000, [rng])
    assert cloud.mean(axis=0) == pytest.approx(z.mean(axis=0), abs=0.05)
    assert np.cov(cloud.T) == pytest.approx(np.cov(z.T), abs=0.05)
    z[:, 1] = np.clip(np.round(z[:, 1]), -4, 0)
    snapped = np.concatenate(list(references(z, shape, 500, [rng] * 3)))
    assert set(snapped[:, 1]) <= set(range(-4, 1))


def test_an_even_box_leaves_no_gap_and_two_clouds_do() -> None:
    rng = np.random.default_rng(1)
    box = rng.uniform(size=(3000, 1))
    halves = (box[:, 0] > 0.5).astype(np.int64)
    spreads = [reference_spreads(box, [2], shape, range(8), 1)[2] for shape in SHAPES]
    # Halving leaves a quarter of a uniform's variance and 1 - 2 / pi of a normal's.
    assert [np.exp(of_shape.mean()) for of_shape in spreads] == pytest.approx([1 - 2 / np.pi, 0.25], abs=0.01)
    gap, error = structure_gap(np.log(spread_left(box, halves)), spreads)
    assert abs(gap) < 0.05
    assert error == pytest.approx(spreads[1].std(ddof=1) * np.sqrt(1 + 1 / 8))
    clouds = halves[:, None] * 5.0 + rng.normal(size=(3000, 1))
    assert structure_gap(np.log(spread_left(clouds, halves)), spreads)[0] > 0.3


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_columns_that_have_nothing_to_do_with_each_other_are_bands(seed: int) -> None:
    """Two lumps in each of two columns make four tight segments, and no types."""
    rng = np.random.default_rng(seed)
    z = rng.choice([-3.0, 3.0], (3000, 2), p=[0.3, 0.7]) + rng.normal(size=(3000, 2))
    labels = fit_segmentations(z, "kmeans", ["k=4"], seed=seed)["k=4"].labels(z)
    spread = float(np.log(spread_left(z, labels)))
    gap, error = joint_gap(spread, reference_spreads(z, [4], SHUFFLED, range(8), seed)[4])
    assert abs(gap) < 0.05
    assert gap - 2 * error < 0.05
    spreads = [reference_spreads(z, [4], shape, range(4), seed)[4] for shape in SHAPES]
    assert structure_gap(spread, spreads)[0] > 0.5


def test_more_references_and_other_cuts_leave_those_there_are_as_they_were() -> None:
    z = planted(1000)[0][FEATURES].to_numpy()
    together = reference_spreads(z, [2, 5], "bell", range(4), 1)
    for k, spreads in together.items():
        assert spreads == pytest.approx(
            np.concatenate([reference_spreads(z, [k], "bell", part, 1)[k] for part in ([0, 1], [2, 3])]), abs=0.02
        )


def test_planted_kinds_are_types() -> None:
    frame, truth = planted(3000)
    z = frame[FEATURES].to_numpy()
    shuffled = reference_spreads(z, [5], SHUFFLED, range(8), 1)[5]
    gap, error = joint_gap(float(np.log(spread_left(z, truth))), shuffled)
    assert gap - 2 * error > 0.5


# The rule


def candidate(**figures: Any) -> dict[str, Any]:
    base = {"feature_set": "f", "algorithm": "kmeans", "setting": "k=3", "k": 3, "jaccard_min": 0.9, "silhouette": 0.5}
    base |= {"prediction_strength": 0.9, "prediction_strength_se": 0.0, "smallest_share": 0.1, "structure_gap": 0.3}
    base |= {"ari_seeds": 0.9, "shelf_life_days": 280.0, "shelf_life_judged_days": 308.0, "collapsed_segments": 0}
    base |= dict.fromkeys(("jaccard_min_se", "ari_seeds_se", "structure_gap_se", "shelf_life_se_days"), 0.0)
    base |= {"value_explained": 0.02, "value_explained_low": 0.01, "value_explained_high": 0.03}
    return base | figures


def choice(*rows: Mapping[str, Any], incumbent: Incumbent | None = None, **rule: Any) -> list[dict[str, Any]]:
    found = choose(rows, SegmentationRule(**rule), 2, 6, incumbent)
    assert sum(row["is_chosen"] for row in found) == 1
    return found


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ({"jaccard_min": 0.61}, "not eligible: the least stable segment's bootstrap Jaccard 0.610 is under 0.750"),
        (
            {"prediction_strength": 0.7, "prediction_strength_se": 0.05},
            "not eligible: the prediction strength 0.700 (its standard error 0.05) is under 0.800",
        ),
        (
            {"jaccard_min": 0.8, "jaccard_min_se": 0.03},
            "not eligible: the least stable segment's bootstrap Jaccard 0.800 (its standard error 0.03) is not",
        ),
        ({"collapsed_segments": 1}, "not eligible: 1 of its segments stand on one value of a feature"),
        ({"ari_seeds": 0.5}, "not eligible: the agreement between seeds 0.500 is under 0.800"),
        ({"smallest_share": 0.01999}, "not eligible: the smallest segment's share 0.01999 is under 0.02000"),
        ({"structure_gap": -0.1}, "the structure gap over a cloud without segments -0.100 is under 0.100"),
        ({"structure_gap": np.nan}, "not eligible: not all of its figures are known"),
        ({"k": 1}, "not eligible: it has 1 segment, outside 2 to 6"),
        ({"k": 9}, "not eligible: it has 9 segments, outside 2 to 6"),
    ],
)
def test_each_bound_is_told_with_its_figures(figures: dict[str, Any], words: str) -> None:
    good, bad = choice(candidate(), candidate(**figures))
    assert good["is_chosen"]
    assert good["reason"] == "chosen: the only eligible of 2 candidates"
    assert not bad["is_eligible"]
    assert words in bad["reason"]


def test_a_challenger_must_be_clear_of_a_bound_and_the_incumbent_not_clearly_under_it() -> None:
    doubtful = candidate(prediction_strength=0.82, prediction_strength_se=0.02)
    assert not choice(doubtful, candidate(setting="k=4"))[0]["is_eligible"]
    assert choice(candidate(prediction_strength=0.85, prediction_strength_se=0.02))[0]["is_eligible"]
    below = candidate(prediction_strength=0.77, prediction_strength_se=0.02)
    rows = choice(below, candidate(setting="k=4", structure_gap=0.31), incumbent=incumbent_of(below))
    assert rows[0]["is_eligible"]
    assert rows[0]["is_chosen"]


def test_a_standard_error_of_the_best_is_a_tie_and_ties_go_to_the_incumbent() -> None:
    best = candidate(setting="k=5", k=5, structure_gap=0.30, structure_gap_se=0.05)
    few = candidate(structure_gap=0.26)
    four = candidate(setting="k=4", k=4, structure_gap=0.27)
    assert choice(best, few, four)[1]["is_chosen"]
    rows = choice(best, few, four, incumbent=incumbent_of(four))
    assert rows[2]["is_chosen"]
    assert "a tie, and the recipe stays" in rows[1]["reason"]


def test_a_challenger_within_the_error_of_the_difference_does_not_replace_the_recipe() -> None:
    before = candidate(setting="k=4", k=4, structure_gap=0.3, structure_gap_se=0.02)
    better = candidate(structure_gap=0.4, structure_gap_se=0.02)
    assert choice(before, better, incumbent=incumbent_of(before), challenger_margin=0.1)[1]["is_chosen"]
    unsure = candidate(structure_gap=0.4, structure_gap_se=0.099)
    rows = choice(before, unsure, incumbent=incumbent_of(before), challenger_margin=0.1)
    assert rows[0]["is_chosen"]
    longer = candidate(shelf_life_days=336.0, shelf_life_se_days=60.0)
    rows = choice(before, longer, incumbent=incumbent_of(before))
    assert rows[0]["is_chosen"]


def test_where_nothing_is_eligible_the_recipe_stays() -> None:
    before = candidate(setting="k=4", jaccard_min=0.1)
    rows = choice(before, candidate(jaccard_min=0.7), incumbent=incumbent_of(before))
    assert rows[0]["is_chosen"]
    assert rows[0]["reason"].startswith("NOTHING IS ELIGIBLE, do not act on these segments: the recipe stays, though")


def test_the_best_is_chosen_and_ties_go_to_the_fewest_segments() -> None:
    rows = choice(candidate(k=5, structure_gap=0.3), candidate(k=4, structure_gap=0.29), candidate(structure_gap=0.2))
    assert [row["is_chosen"] for row in rows] == [False, True, False]
    assert "a tie of 2 within 0.015, 4 segments are the fewest" in rows[1]["reason"]
    assert rows[0]["reason"].endswith("a tie, and 5 segments are more than 4")
    assert "its structure_gap is 0.200 against a best of 0.300" in rows[2]["reason"]


def incumbent_of(row: Mapping[str, Any]) -> Incumbent:
    return Incumbent(3, row["feature_set"], row["algorithm"], row["setting"])


def test_a_refit_keeps_its_recipe_unless_a_challenger_is_clearly_better() -> None:
    before = candidate(setting="k=4", structure_gap=0.3)
    near, far = candidate(setting="k=5", k=5, structure_gap=0.32), candidate(setting="k=6", k=6, structure_gap=0.61)
    rows = choice(before, near, incumbent=incumbent_of(before))
    assert rows[0]["is_chosen"]
    assert "the recipe stays, since" in rows[0]["reason"]
    assert "has a structure_gap of 0.320 against 0.300, and a change takes 100% more" in rows[0]["reason"]
    assert rows[0]["reason"].endswith("; the recipe of version 3")
    assert "not better by the margin that a change takes" in rows[1]["reason"]
    # Without one before it, the same evidence chooses the other.
    assert choice(before, near)[1]["is_chosen"]

    rows = choice(before, far, incumbent=incumbent_of(before))
    assert rows[1]["is_chosen"]
    assert rows[1]["reason"].endswith("; version 3 was f kmeans k=4")


def test_a_challenger_that_keeps_longer_replaces_the_recipe() -> None:
    before = candidate(setting="k=4", structure_gap=0.9, shelf_life_days=28.0)
    rows = choice(before, candidate(setting="k=5", k=5, shelf_life_days=280.0), incumbent=incumbent_of(before))
    assert rows[1]["is_chosen"]


def test_a_recipe_that_is_not_eligible_any_more_or_competes_no_more_is_told() -> None:
    before = candidate(setting="k=4", jaccard_min=0.5)
    rows = choice(before, candidate(setting="k=5", k=5), incumbent=incumbent_of(before))
    assert rows[1]["is_chosen"]
    assert "version 3 was f kmeans k=4, which is not eligible any more: the least stable segment's" in rows[1]["reason"]
    (row,) = choice(candidate(), incumbent=Incumbent(3, "gone", "ward", "k=9"))
    assert row["reason"].endswith("; version 3 was gone ward k=9, which is no candidate any more")


def test_value_within_a_standard_error_is_a_tie_and_the_next_figure_decides() -> None:
    rich = candidate(setting="k=5", k=5, structure_gap=0.1)
    poor = candidate(value_explained=0.018, structure_gap=0.4)
    worst = candidate(setting="k=6", k=6, value_explained=0.001, structure_gap=0.9)
    rows = choice(rich, poor, worst, prefer=["value_explained", "structure_gap"])
    assert [row["is_chosen"] for row in rows] == [False, True, False]
    assert "its value_explained is 0.001 against a best of 0.020" in rows[2]["reason"]
    assert "its structure_gap is 0.100 against a best of 0.400" in rows[0]["reason"]


def test_lower_davies_bouldin_is_better_and_unknown_preferences_are_passed_over() -> None:
    rows = choice(
        candidate(davies_bouldin=1.5, value_explained=np.nan),
        candidate(davies_bouldin=0.5, value_explained=np.nan),
        prefer=["value_explained", "davies_bouldin"],
    )
    assert rows[1]["is_chosen"]
    assert "value_explained is not known of any, best davies_bouldin 0.500" in rows[1]["reason"]


def test_with_nothing_eligible_the_least_bad_is_taken_loudly() -> None:
    rows = choice(
        candidate(jaccard_min=0.1),
        candidate(jaccard_min=0.7),
        candidate(jaccard_min=0.74, structure_gap=0.0),
        candidate(k=1, jaccard_min=1.0),
    )
    assert [row["is_chosen"] for row in rows] == [False, True, False, False]
    assert not any(row["is_eligible"] for row in rows)
    assert rows[1]["reason"].startswith("NOTHING IS ELIGIBLE, do not act on these segments")
    assert "Jaccard 0.700 is under 0.750" in rows[1]["reason"]
    assert rows[3]["reason"] == "not eligible: it has 1 segment, outside 2 to 6"


# The table


@pytest.mark.slow
def test_the_planted_number_is_found_by_all_algorithms_together() -> None:
    frame, truth = planted(2500)
    table = evaluate(frame, algorithms=ALGORITHMS)
    assert list(table.columns) == list(COLUMNS)
    assert not table.duplicated(["feature_set", "algorithm", "setting"]).any()
    assert len(table) == 3 * 5 + 3
    best = chosen(table)
    assert best["k"] == 5
    assert best["is_eligible"]
    assert best["reason"].startswith("chosen over ")
    labels = Model.from_json(best["parameters"]).labels(frame)
    assert adjusted_rand_score(truth, labels) >= 0.95
    assert best["smallest_share"] == np.bincount(labels).min() / len(frame)
    assert (table["silhouette_low"] <= table["silhouette"]).all()
    assert (table.loc[~table["is_eligible"], "reason"].str.startswith("not eligible: ")).all()
    of_ward = table[table["algorithm"] == "ward"]
    assert (of_ward["ari_seeds"].dropna() == 1).all()
    assert (of_ward["fidelity"].between(0.5, 1)).all()
    assert (table.loc[table["algorithm"] == "kmeans", "fidelity"] == 1).all()
    assert table["selection_frequency"].sum() == pytest.approx(1)
    assert table.groupby("k")["selection_frequency"].sum().idxmax() == 5
    # Only candidates that one fit rules out are not refitted.
    alone = table["prediction_strength"].isna()
    ruled_out = (table["smallest_share"] < 0.02) | (table["structure_gap"] < 0.1) | (table["collapsed_segments"] > 0)
    assert (alone == (ruled_out | ~table["k"].between(2, 6))).all()


def unstructured(kind: str, people: int) -> np.ndarray:
    rng = np.random.default_rng(7)
    ball = rng.normal(size=(people, 4))
    if kind == "elongated normal":
        return ball @ np.linalg.cholesky(0.85 * np.ones((4, 4)) + 0.15 * np.eye(4)).T
    if kind == "rounded score":
        ball[:, 3] = np.clip(np.round(4 + ball[:, 3]), 1, 5)
    if kind == "elongated box":
        turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
        return rng.uniform(size=(people, 4)) * [1, 4, 1, 1] @ turn
    return ball


@pytest.mark.parametrize(
    "kind",
    [
        "elongated normal",
        *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("round normal", "rounded score", "elongated box")),
    ],
)
def test_nothing_is_eligible_where_there_is_no_structure(kind: str) -> None:
    table = evaluate(frame_of(unstructured(kind, 1500)), algorithms=["kmeans", "ward"], k_max=5)
    assert not table["is_eligible"].any()
    assert table["structure_gap"].max() < 0.04
    assert chosen(table)["reason"].startswith("NOTHING IS ELIGIBLE")
    assert table.loc[~table["is_chosen"], "reason"].str.contains("the structure gap").all()


def test_a_mixture_on_one_value_of_a_discrete_feature_is_not_eligible() -> None:
    """Nine in ten have the same value: the component that holds them has no spread there but the floor."""
    rng = np.random.default_rng(1)
    frame = frame_of(np.column_stack([np.where(rng.random(2000) < 0.9, 0.0, 3.0), rng.normal(size=2000)]))
    z = design_matrix(frame, fit_scaling(frame, dict.fromkeys(["a", "b"], "identity")))
    segmentation = fit_segmentations(z, "gaussian_mixture", ["k=2"], seed=1)["k=2"]
    assert collapsed_segments(segmentation, discrete_features(z)) == 2
    spread = z + rng.normal(size=z.shape) * 0.3
    assert (
        collapsed_segments(
            fit_segmentations(spread, "gaussian_mixture", ["k=2"], seed=1)["k=2"], discrete_features(spread)
        )
        == 0
    )
    table = evaluate(frame, algorithms=["gaussian_mixture"], k_max=3)
    assert (table["collapsed_segments"] > 0).all()
    assert not table["is_eligible"].any()
    assert "of its segments stand on one value of a feature" in chosen(table)["reason"]


def test_any_figure_may_be_preferred() -> None:
    table = evaluate(planted(600)[0], k_max=5, rule=SegmentationRule(prefer=("silhouette", "davies_bouldin")))
    assert chosen(table)["k"] == 5
    assert chosen(table)["selection_frequency"] > 0.5


def test_agreement_of_labellings_has_the_error_of_the_jackknife() -> None:
    a, b = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 0, 1, 1, 2, 1])
    mean, error = mean_adjusted_rand([(a, 3), (a, 3), (b, 3)])
    between = adjusted_rand(contingency(a, b, 3, 3))
    assert mean == pytest.approx((1 + 2 * between) / 3)
    without = np.array([between, between, 1.0])
    assert error == pytest.approx(np.sqrt(2 / 3 * ((without - without.mean()) ** 2).sum()))


def test_an_elongated_cloud_would_pass_without_the_structure_gap() -> None:
    # Why the reference is there: stability alone calls two halves of one cloud segments.
    table = evaluate(
        frame_of(unstructured("elongated normal", 1500)), k_max=3, rule=SegmentationRule(min_structure_gap=0)
    )
    halves = table.iloc[0]
    assert halves["jaccard_min"] > 0.85
    assert halves["prediction_strength"] > 0.8


@pytest.mark.slow
def test_rows_columns_and_workers_change_no_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "WORTH_WORKERS", 0)
    frame, _ = planted(2000)
    rng = np.random.default_rng(0)
    past = frame.iloc[:1500].assign(next_period_revenue=rng.gamma(1, 50, 1500))
    arguments: dict[str, Any] = {"algorithms": ["gaussian_mixture", "ward"], "k_max": 3}
    shuffled = frame.iloc[rng.permutation(2000)][["d", "customer_unique_id", "b", "a", "c"]]
    sets = {"two": ["a", "b"], "all": FEATURES}
    turned = {"all": FEATURES[::-1], "two": ["b", "a"]}
    one = evaluate(frame, past=past, feature_sets=sets, **arguments)
    other = evaluate(shuffled, past=past.iloc[::-1], feature_sets=turned, workers=2, **arguments)
    pd.testing.assert_frame_equal(one.drop(columns="seconds"), other.drop(columns="seconds"), check_exact=True)
    assert one["value_explained"].notna().all()


def test_the_past_is_scaled_and_fitted_for_itself() -> None:
    frame, truth = planted(2000)
    past = frame.copy()
    past[FEATURES] = past[FEATURES] * 100 + 7
    past["next_period_revenue"] = np.where(truth == 0, 10.0, 0.0) + np.random.default_rng(1).normal(size=2000)
    best = evaluate(frame, past=past, k_min=5, k_max=5).iloc[0]
    assert best["value_explained"] > 0.9
    assert best["value_explained_low"] < best["value_explained"] < best["value_explained_high"]
    assert np.isnan(evaluate(frame, past=past.head(900), k_min=5, k_max=5).iloc[0]["value_explained"])


@pytest.mark.parametrize("people", [0, 1, 3, 199])
def test_a_handful_of_customers_is_one_segment(people: int) -> None:
    frame = frame_of(np.random.default_rng(0).normal(size=(people, 4))).astype(dict.fromkeys(FEATURES, "float64"))
    (row,) = evaluate(frame).to_dict("records")
    assert (row["algorithm"], row["k"], row["is_chosen"], row["customers"]) == ("none", 1, True, people)
    assert f"{people} customers are fewer than 200" in row["reason"]
    assert (Model.from_json(row["parameters"]).labels(frame) == 0).all()


def test_customers_all_alike_are_one_segment_and_a_constant_set_is_left_aside() -> None:
    alike = frame_of(np.ones((300, 4)))
    (row,) = evaluate(alike).to_dict("records")
    assert row["reason"] == "one segment of everybody: no feature varies among the 300 customers"
    assert row["is_chosen"]
    mixed = alike.assign(b=np.repeat([0.0, 9.0, 30.0], 100))
    table = evaluate(mixed, feature_sets={"flat": ["a", "c"], "some": ["a", "b"]})
    assert table["algorithm"].tolist() == ["none", "kmeans", "kmeans"]
    assert chosen(table)["feature_set"] == "some"
    # Three places can't be four segments.
    assert table["k"].max() == 3


def test_missing_reviews_are_imputed_and_do_not_stop_the_evidence() -> None:
    frame, _ = planted(1000)
    frame.loc[::50, "d"] = np.nan
    assert chosen(evaluate(frame, k_min=5, k_max=5))["is_eligible"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"feature_sets": {}}, "no feature set"),
        ({"feature_sets": {"f": ["a", "a"]}}, "names a feature twice"),
        ({"feature_sets": {"f": ["zzz"]}}, "feature zzz of set f has no transform"),
        ({"algorithms": ["kmedoids"]}, "name each once, out of kmeans"),
        ({"k_min": 1}, "runs from 1 to 6"),
        ({"k_min": 5, "k_max": 4}, "runs from 5 to 4"),
        ({"resamples": 1}, "at least 2 references, resamples, seeds and splits"),
        ({"past": pd.DataFrame({"customer_unique_id": ["x"]})}, "no column next_period_revenue"),
    ],
)
def test_wrong_arguments_are_told_in_one_sentence(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        evaluate(planted(300)[0], **changes)


def test_a_customer_comes_once_and_is_known() -> None:
    frame, _ = planted(300)
    for broken in (pd.concat([frame, frame.head(1)]), frame.assign(customer_unique_id=None)):
        with pytest.raises(UserError, match="missing or repeated customer_unique_id"):
            evaluate(broken)


def test_parameters_are_plain_json() -> None:
    values = json.loads(evaluate(planted(300)[0], k_max=2)["parameters"][0])
    assert set(values) == {"scalings", "segmentation"}
    assert [scaling["name"] for scaling in values["scalings"]] == FEATURES


@pytest.mark.parametrize(
    ("known", "spare", "expected"),
    [
        (["a", "b", "c"], {"less": ["a"]}, ["both", "first"]),
        # of c so few have a value that it is left out, and every set with it
        (["a", "b"], {"less": ["a"]}, ["first"]),
        (["a"], {"less": ["a"], "other": ["b"]}, ["less"]),
        # nothing is known of any set: what varies in them is all there is
        ([], {"less": ["a"]}, ["both", "first"]),
        (["a"], {}, ["both", "first"]),
    ],
)
def test_sets_of_which_a_feature_is_not_known_leave_the_search(
    known: list[str], spare: dict[str, list[str]], expected: list[str]
) -> None:
    values = np.arange(200.0)
    rare = np.where(values < 1, values, np.nan)
    customers = pd.DataFrame({name: values if name in known else rare for name in "abc"})
    search = Search(
        {"first": ["a", "b"], "both": ["a", "b", "c"]},
        dict.fromkeys("abc", "identity"),
        min_known_share=0.01,
        spare_sets=spare,
    )
    assert sorted(search.known_to(customers).feature_sets) == expected
    assert search.with_spare_sets().feature_sets == {**spare, **search.feature_sets}


def test_a_feature_that_everybody_has_alike_is_as_unknown_as_one_that_nobody_has() -> None:
    customers = pd.DataFrame({"alike": 1.0, "nobody": np.nan, "varies": np.arange(200.0)})
    assert known_of(["alike", "nobody", "varies", "no_column"], customers, 0.01) == ["varies", "no_column"]
