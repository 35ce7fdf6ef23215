"""The evidence table: every feature set, algorithm and setting, what speaks for it, and which one is chosen."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score
from threadpoolctl import threadpool_limits

from olist_segments.arrays import FloatArray, IntArray
from olist_segments.errors import UserError
from olist_segments.model.features import transforms_of
from olist_segments.model.model import Model
from olist_segments.model.scaling import Scaling, design_matrix, fit_scaling
from olist_segments.model.segmentation import Segmentation
from olist_segments.parallel import Task, run_tasks, stop_workers
from olist_segments.selection.algorithms import distinct_rows, fit_segmentations, settings_of
from olist_segments.selection.metrics import UNDEFINED, Interval, silhouette_interval, variance_explained
from olist_segments.selection.recipe import Recipe
from olist_segments.selection.rule import Incumbent, choose, is_eligible
from olist_segments.selection.sampling import generator, strata
from olist_segments.selection.shelf_life import UNKNOWN, ShelfLife, ShelfLifeTerms, dates_of, shelf_life
from olist_segments.selection.stability import (
    evaluation_customers,
    mean_adjusted_rand,
    resample_refits,
    resampled_jaccards,
    seed_refits,
    split_strengths,
)
from olist_segments.selection.structure import SHAPES, joint_gap, reference_spread, shuffled_spreads, structure_gap
from olist_segments.settings.check import check_setting
from olist_segments.settings.model import ALGORITHMS, SegmentationRule

CUSTOMER = "customer_unique_id"
OUTCOME = "next_period_revenue"
SMALLEST_POPULATION = 200
"""Fewer customers than this are not clustered."""

WORTH_WORKERS = 2_000
"""From this many customers on, the work is worth starting worker processes for."""

SMALLEST_PAST = 1_000
"""Fewer customers than this at the earlier date say nothing about the value explained."""

COLUMNS = (
    "feature_set",
    "algorithm",
    "setting",
    "k",
    "customers",
    "silhouette",
    "silhouette_low",
    "silhouette_high",
    "davies_bouldin",
    "calinski_harabasz",
    "prediction_strength",
    "prediction_strength_se",
    "jaccard_min",
    "jaccard_mean",
    "ari_seeds",
    "ari_resamples",
    "smallest_share",
    "structure_gap",
    "joint_gap",
    "joint_gap_se",
    "shelf_life_days",
    "shelf_life_judged_days",
    "value_explained",
    "value_explained_low",
    "value_explained_high",
    "seconds",
    "is_eligible",
    "is_chosen",
    "reason",
    "parameters",
)
"""The columns of the evidence table, in order; `seconds` is the only one that depends on the clock."""

FIGURES = COLUMNS[COLUMNS.index("silhouette") : COLUMNS.index("seconds")]
"""Those of them that speak for or against a candidate."""


@dataclass(frozen=True)
class Search:
    """Which candidates compete, the rule that chooses one of them, and how much evidence each gets.

    `feature_sets` names lists of features, `transforms` gives each feature its transform; `algorithms` are out of
    ALGORITHMS, with `k_min` to `k_max` segments where the algorithm is told how many. The evidence rests on so many
    bootstrap `resamples`, random `splits` into halves, and `seeds`, refits that differ by their starting points;
    `shelf_life` says when an eligible candidate keeps. All draws follow from `seed`. Raises UserError for settings that
    make no table.
    """

    feature_sets: Mapping[str, Sequence[str]]
    transforms: Mapping[str, str]
    algorithms: Sequence[str] = ALGORITHMS
    k_min: int = 2
    k_max: int = 10
    rule: SegmentationRule = field(default_factory=SegmentationRule)
    shelf_life: ShelfLifeTerms = field(default_factory=ShelfLifeTerms)
    seed: int = 0
    resamples: int = 12
    splits: int = 6
    seeds: int = 3

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Search:
        """The search that the settings of the dbt model fit_segment_candidates ask for."""
        return cls(
            feature_sets=settings["feature_sets"],
            transforms=transforms_of(settings["features"]),
            algorithms=settings["algorithms"],
            k_min=settings["k_min"],
            k_max=settings["k_max"],
            rule=check_setting("segmentation_rule", settings["rule"]),
            shelf_life=ShelfLifeTerms.of(settings["shelf_life"]),
            seed=settings["seed"],
        )

    def __post_init__(self) -> None:
        """Check the settings."""
        if not self.feature_sets:
            raise UserError("there is no feature set to cluster: name at least one.")
        for name, features in self.feature_sets.items():
            if not features or len(set(features)) < len(features):
                raise UserError(f"feature set {name} is empty or names a feature twice: list each feature once.")
            for feature in features:
                if feature not in self.transforms:
                    raise UserError(f"feature {feature} of set {name} has no transform: add it to the transforms.")
        algorithms = self.algorithms
        if not algorithms or set(algorithms) - set(ALGORITHMS) or len(set(algorithms)) < len(algorithms):
            raise UserError(f"the algorithms are {list(algorithms)}: name each once, out of {', '.join(ALGORITHMS)}.")
        if not 2 <= self.k_min <= self.k_max:
            raise UserError(
                f"the number of segments runs from {self.k_min} to {self.k_max}: start at 2 or more and do not end "
                "below."
            )
        if min(self.resamples, self.seeds, self.splits) < 2:
            raise UserError("the evidence takes at least 2 resamples, 2 seeds and 2 splits: ask for more.")

    def features(self, feature_set: str) -> dict[str, str]:
        """The features of a set, each with the name of its transform."""
        return {feature: self.transforms[feature] for feature in self.feature_sets[feature_set]}


@dataclass(frozen=True)
class _Population:
    """The customers as one feature set sees them: now, and (if known) at an earlier date with what they spent next."""

    feature_set: str
    scalings: tuple[Scaling, ...]
    z: FloatArray
    stratum: IntArray
    evaluation: FloatArray
    past: tuple[FloatArray, FloatArray] | None
    settings: dict[str, list[str]]
    seed: int


def evaluate_candidates(
    frame: pd.DataFrame,
    search: Search,
    *,
    past: pd.DataFrame | None = None,
    history: pd.DataFrame | None = None,
    incumbent: Incumbent | None = None,
    workers: int = 2,
) -> pd.DataFrame:
    """One row (COLUMNS) per feature set, algorithm and setting of `search`, exactly one of them chosen.

    `frame` has one row per customer: `customer_unique_id` and the features, missing values allowed. All figures are of
    the deployable form (`Segmentation`) as used on everybody:

    silhouette and its 95 % interval (`silhouette_interval`); Davies-Bouldin and Calinski-Harabasz of everybody;
    prediction strength, mean of the random splits, and its standard error; bootstrap Jaccard over the resamples,
    minimum and mean over segments; adjusted Rand between refits that differ by seed only and between the resamples'
    refits; smallest share; structure gap, joint gap and its standard error (`structure`); value_explained
    (`variance_explained`) and its 95 % interval: `past` holds the features of the customers known at an earlier date
    and `next_period_revenue`, what they spent after it; the candidate is refitted there with that date's own scaling,
    for applying today's would use what was not known then. It is null without `past`, below 1,000 customers or if
    nobody's value differs. shelf_life_days and shelf_life_judged_days (`shelf_life`) are those of the candidates that
    meet every bound: `history` holds the rows of ageing_features; they are null without it. `seconds` is the wall-clock
    time of the deployed fit (Ward's one tree is shared by all its settings). `parameters` is the text of
    `Model.to_json`. `incumbent`: see `choose`.

    Fewer than 200 customers, or features that do not vary, give one row: algorithm 'none', one segment, and why. A
    feature set that does not vary beside others that do gives such a row too, not chosen.

    The result depends on neither the order of rows and columns nor on `workers`, the number of single-threaded
    processes that share the work (none is started for 1, or for fewer than 2,000 customers). Raises UserError for a
    missing or repeated customer and for values that a transform can't take.
    """
    customers = _by_customer(frame, "the feature table")
    earlier = None if past is None else _by_customer(past, "the earlier feature table")
    if earlier is not None and OUTCOME not in earlier.columns:
        raise UserError(f"the earlier feature table has no column {OUTCOME}: add it or leave the table out.")
    rows: list[dict[str, Any]] = []
    populations: list[_Population] = []
    with threadpool_limits(limits=1):
        for name in sorted(search.feature_sets):
            scalings = tuple(fit_scaling(customers, search.features(name)))
            z = design_matrix(customers, scalings)
            why = _too_little(len(customers), scalings)
            if why:
                rows.append(_single_segment(name, scalings, z, why))
            else:
                populations.append(_population(name, scalings, z, earlier, search))
        if populations:
            processes = workers if len(customers) >= WORTH_WORKERS else 1
            found = _evidence(populations, search, processes)
            found = _with_shelf_lives(found, history, search, processes)
            if processes > 1:
                stop_workers()
            rows += choose(found, search.rule, search.k_min, search.k_max, incumbent)
        else:
            rows[0].update(is_chosen=True)
    # Within a feature set the rows stay in the order of algorithms and settings.
    rows.sort(key=lambda row: str(row["feature_set"]))
    table = pd.DataFrame(rows)
    return table[list(COLUMNS)].astype(dict.fromkeys(FIGURES, "float64"))


def _by_customer(frame: pd.DataFrame, what: str) -> pd.DataFrame:
    """`frame` in the order of its customers, each known and there once."""
    if CUSTOMER not in frame.columns:
        raise UserError(f"{what} has no column {CUSTOMER}: it needs one row per customer.")
    if frame[CUSTOMER].isna().any() or frame[CUSTOMER].duplicated().any():
        raise UserError(f"{what} has a missing or repeated {CUSTOMER}: it needs one row per customer.")
    return frame.iloc[np.argsort(frame[CUSTOMER].astype(str).to_numpy(dtype=str), kind="stable")].reset_index(drop=True)


def _too_little(customers: int, scalings: Sequence[Scaling]) -> str:
    """Why these customers can't be clustered, or nothing."""
    if customers < SMALLEST_POPULATION:
        return (
            f"one segment of everybody: {customers} customers are fewer than {SMALLEST_POPULATION}, too few to cluster"
        )
    if all(scaling.is_constant for scaling in scalings):
        return f"one segment of everybody: no feature varies among the {customers:,} customers"
    return ""


def _single_segment(feature_set: str, scalings: tuple[Scaling, ...], z: FloatArray, why: str) -> dict[str, Any]:
    whole = Segmentation(np.zeros((1, len(scalings))), np.ones((1, len(scalings))), np.zeros(1))
    return {
        **dict.fromkeys(FIGURES, np.nan),
        "feature_set": feature_set,
        "algorithm": "none",
        "setting": "k=1",
        "k": 1,
        "customers": len(z),
        "smallest_share": 1.0,
        "seconds": 0.0,
        "is_eligible": False,
        "is_chosen": False,
        "reason": why,
        "parameters": Model(scalings, whole).to_json(),
    }


def _population(
    name: str,
    scalings: tuple[Scaling, ...],
    z: FloatArray,
    earlier: pd.DataFrame | None,
    search: Search,
) -> _Population:
    own_seed = int(generator(search.seed, name).integers(2**62))
    past = None
    if earlier is not None and len(earlier) >= SMALLEST_PAST:
        past_z = design_matrix(earlier, fit_scaling(earlier, search.features(name)))
        values = pd.to_numeric(earlier[OUTCOME]).to_numpy(dtype=np.float64, na_value=np.nan)
        if np.isnan(values).any():
            raise UserError(f"{OUTCOME} is missing for {int(np.isnan(values).sum()):,} customers: nothing spent is 0.")
        past = past_z, values
    most = max(distinct_rows(z, search.k_max), search.k_min)
    return _Population(
        feature_set=name,
        scalings=scalings,
        z=z,
        stratum=strata(z),
        evaluation=evaluation_customers(z, own_seed),
        past=past,
        settings={a: settings_of(a, search.k_min, most) for a in sorted(search.algorithms, key=ALGORITHMS.index)},
        seed=own_seed,
    )


_Labelling = tuple[IntArray, int]
_Relabelled = dict[str, _Labelling]


def _evidence(populations: Sequence[_Population], search: Search, workers: int) -> list[dict[str, Any]]:
    """The rows of all candidates, without the choice, in three rounds of tasks that do not depend on each other."""
    families = [(population, algorithm) for population in populations for algorithm in population.settings]
    # Mixtures are the slowest: they go first, so that no worker is left with one at the end.
    families.sort(key=lambda family: family[1] != "gaussian_mixture")
    tasks: list[tuple[tuple[str, str, str], Task]] = []
    for population, algorithm in families:
        name, settings = population.feature_set, population.settings[algorithm]
        for batch in [settings] if algorithm == "ward" else [[setting] for setting in settings]:
            tasks.append(((name, algorithm, "fit"), partial(_fit, population, algorithm, batch)))
        for kind, refits, count in (
            ("resample", resample_refits, search.resamples),
            ("seed", seed_refits, search.seeds),
        ):
            for index in range(count):
                tasks.append(((name, algorithm, kind), partial(_relabel, refits, population, algorithm, index)))
        for index in range(search.splits):
            tasks.append(((name, algorithm, "split"), partial(_split, population, algorithm, index)))
    results: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for (key, _), result in zip(tasks, run_tasks([task for _, task in tasks], workers), strict=True):
        results.setdefault(key, []).append(result)

    fits = {
        (population.feature_set, algorithm, setting): fit
        for population, algorithm in families
        for batch in results[population.feature_set, algorithm, "fit"]
        for setting, fit in batch.items()
    }
    # The density method finds its own k, so which references are needed is known only now.
    wanted = sorted({(name, fit.segmentation.k, shape) for (name, _, _), fit in fits.items() for shape in SHAPES})
    by_name = {population.feature_set: population for population in populations}
    spreads = run_tasks([partial(_reference, by_name[name], k, shape) for name, k, shape in wanted], workers)
    references = dict(zip(wanted, spreads, strict=True))
    cuts = sorted({(name, k) for name, k, _ in wanted})
    shuffles = run_tasks([partial(_shuffled, by_name[name], k) for name, k in cuts], workers)
    shuffled = dict(zip(cuts, shuffles, strict=True))

    rows = []
    for population in populations:
        name = population.feature_set
        for algorithm, settings in population.settings.items():
            for setting in settings:
                fit = fits[name, algorithm, setting]
                resampled, reseeded, strengths = (
                    [result[setting] for result in results[name, algorithm, kind]]
                    for kind in ("resample", "seed", "split")
                )
                spread = [references[name, fit.segmentation.k, shape] for shape in SHAPES]
                alone = shuffled[name, fit.segmentation.k]
                candidate = _Candidate(algorithm, setting, fit, resampled, reseeded, strengths, spread, alone)
                rows.append(partial(_row, population, candidate))
    return run_tasks(rows, workers)


def _with_shelf_lives(
    rows: list[dict[str, Any]], history: pd.DataFrame | None, search: Search, workers: int
) -> list[dict[str, Any]]:
    """The rows with the shelf life of the eligible ones; of the others it is not asked."""
    asked = [index for index, row in enumerate(rows) if is_eligible(row, search.rule, search.k_min, search.k_max)]
    dates = [] if history is None or history.empty else dates_of(history, search.shelf_life.step_days)
    lives: dict[int, ShelfLife] = {}
    if len(dates) > search.shelf_life.min_origins:
        tasks: list[Task] = []
        for index in asked:
            features, algorithm, setting = (rows[index][name] for name in ("feature_set", "algorithm", "setting"))
            recipe = Recipe(search.features(features), algorithm, setting, search.seed)
            tasks.append(partial(shelf_life, recipe, dates, search.shelf_life))
        lives = dict(zip(asked, run_tasks(tasks, workers), strict=True))
    for index, row in enumerate(rows):
        life = lives.get(index, UNKNOWN)
        row.update(shelf_life_days=life.days, shelf_life_judged_days=life.judged_days)
    return rows


@dataclass(frozen=True)
class _Candidate:
    """A candidate with all that its row rests on.

    `resampled` and `reseeded` are relabellings of the evaluation customers, `strengths` the prediction strength of
    every split, `references` the spread that is left in a cloud of each of SHAPES, `shuffled` that in shuffled columns.
    """

    algorithm: str
    setting: str
    fit: _Fit
    resampled: list[_Labelling]
    reseeded: list[_Labelling]
    strengths: list[float]
    references: list[float]
    shuffled: FloatArray


@dataclass(frozen=True)
class _Fit:
    """A candidate's deployed fit, how long it took, and what its procedure explains at the earlier date."""

    segmentation: Segmentation
    seconds: float
    value_explained: Interval


def _fit(population: _Population, algorithm: str, settings: Sequence[str]) -> dict[str, _Fit]:
    start = time.perf_counter()
    today = fit_segmentations(population.z, algorithm, settings, seed=population.seed)
    seconds = time.perf_counter() - start
    explained = dict.fromkeys(settings, UNDEFINED)
    if population.past is not None:
        z, values = population.past
        for setting, segmentation in fit_segmentations(z, algorithm, settings, seed=population.seed).items():
            explained[setting] = variance_explained(
                values, segmentation.labels(z), generator(population.seed, "jackknife")
            )
    return {setting: _Fit(today[setting], seconds, explained[setting]) for setting in settings}


def _relabel(
    refits: Callable[..., dict[str, Segmentation]], population: _Population, algorithm: str, index: int
) -> _Relabelled:
    """What refit number `index` of every setting says of the evaluation customers."""
    found = refits(population.z, population.stratum, algorithm, population.settings[algorithm], index, population.seed)
    return {setting: (refit.labels(population.evaluation), refit.k) for setting, refit in found.items()}


def _split(population: _Population, algorithm: str, index: int) -> dict[str, float]:
    settings = population.settings[algorithm]
    return split_strengths(population.z, population.stratum, algorithm, settings, index, population.seed)


def _reference(population: _Population, k: int, shape: str) -> float:
    return reference_spread(population.z, k, shape, generator(population.seed, "reference", k, shape))


def _shuffled(population: _Population, k: int) -> FloatArray:
    return shuffled_spreads(population.z, k, generator(population.seed, "shuffled", k))


def _row(population: _Population, candidate: _Candidate) -> dict[str, Any]:
    z, segmentation, explained = population.z, candidate.fit.segmentation, candidate.fit.value_explained
    algorithm, setting, strengths = candidate.algorithm, candidate.setting, candidate.strengths
    labels = segmentation.labels(z)
    sizes = np.bincount(labels, minlength=segmentation.k)
    jaccards = resampled_jaccards(segmentation.labels(population.evaluation), segmentation.k, candidate.resampled).mean(
        axis=0
    )
    joint, joint_error = joint_gap(z, labels, candidate.shuffled)
    divided = 2 <= int((sizes > 0).sum()) < len(z)
    silhouette = silhouette_interval(z, labels, generator(population.seed, algorithm, setting, "silhouette"))
    return {
        "feature_set": population.feature_set,
        "algorithm": algorithm,
        "setting": setting,
        "k": segmentation.k,
        "customers": len(z),
        "silhouette": silhouette.value,
        "silhouette_low": silhouette.low,
        "silhouette_high": silhouette.high,
        "davies_bouldin": davies_bouldin_score(z, labels) if divided else np.nan,
        "calinski_harabasz": calinski_harabasz_score(z, labels) if divided else np.nan,
        "prediction_strength": float(np.mean(strengths)),
        "prediction_strength_se": float(np.std(strengths, ddof=1) / np.sqrt(len(strengths))),
        "jaccard_min": float(jaccards.min()),
        "jaccard_mean": float(jaccards.mean()),
        "ari_seeds": mean_adjusted_rand(candidate.reseeded),
        "ari_resamples": mean_adjusted_rand(candidate.resampled),
        "smallest_share": float(sizes.min()) / len(z),
        "structure_gap": structure_gap(z, labels, candidate.references),
        "joint_gap": joint,
        "joint_gap_se": joint_error,
        "value_explained": explained.value,
        "value_explained_low": explained.low,
        "value_explained_high": explained.high,
        "seconds": candidate.fit.seconds,
        "parameters": Model(population.scalings, segmentation).to_json(),
    }
