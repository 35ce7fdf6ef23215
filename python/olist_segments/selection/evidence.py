"""The evidence for every candidate, gathered in stages: refits are costly, and most candidates need none to be refused.

First comes what one fit tells: size, collapsed segments, structure against a few references. Candidates that are not
beyond doubt under a bound by then are refitted a few times, kind by kind; those that are still not get all references
and the whole number of refits, and of those that are eligible the shelf life is simulated. If a single fit rules every
candidate out, all are refitted, and if a few refits do, every kind is made of all that were refitted, so that the least
bad is found on figures of every kind.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from olist_segments.arrays import FloatArray, IntArray
from olist_segments.intervals import UNDEFINED, Interval
from olist_segments.model.model import Model
from olist_segments.model.scaling import Scaling
from olist_segments.model.segmentation import Segmentation
from olist_segments.parallel import Task, run_tasks
from olist_segments.selection.algorithms import (
    WITHOUT_CHANCE,
    collapsed_segments,
    discrete_features,
    fit_segmentations,
)
from olist_segments.selection.metrics import (
    davies_bouldin_and_calinski_harabasz,
    silhouette_interval,
    variance_explained,
)
from olist_segments.selection.recipe import Recipe
from olist_segments.selection.rule import BEYOND_DOUBT, Incumbent, is_eligible, is_ruled_out
from olist_segments.selection.sampling import generator
from olist_segments.selection.search import Search
from olist_segments.selection.shelf_life import UNKNOWN, Agreements, ShelfLife, agreements, dates_of, shelf_life
from olist_segments.selection.stability import (
    mean_adjusted_rand,
    resample_refits,
    resampled_jaccards,
    seed_refits,
    split_strengths,
)
from olist_segments.selection.structure import (
    SHAPES,
    SHUFFLED,
    joint_gap,
    reference_spreads,
    spread_left,
    structure_gap,
)

_FIRST = 6
"""References and refits of each kind before candidates beyond doubt are left."""


@dataclass(frozen=True)
class Population:
    """The customers as one feature set sees them: now, and (if known) at an earlier date with what they spent next.

    `settings` holds what is tried of each algorithm, `evaluation` the customers on whom labellings are compared.
    """

    feature_set: str
    scalings: tuple[Scaling, ...]
    z: FloatArray
    stratum: IntArray
    evaluation: FloatArray
    past: tuple[FloatArray, FloatArray] | None
    settings: Mapping[str, Sequence[str]]
    seed: int


@dataclass(frozen=True)
class Fit:
    """A deployed fit with what it tells by itself.

    `seconds` is an equal share of the time that the algorithm took for all its settings, `sizes` (k,) are the customers
    of each segment, `spread` is the log of the spread left, `collapsed` counts collapsed segments; `evaluated` (m,) are
    the labels of the evaluation customers; the other figures are those of the evidence table.
    """

    segmentation: Segmentation
    seconds: float
    sizes: IntArray
    spread: float
    collapsed: int
    evaluated: IntArray
    silhouette: Interval
    davies_bouldin: float
    calinski_harabasz: float
    value_explained: Interval


@dataclass(frozen=True)
class Labelling:
    """What a refit says of the evaluation customers: labels (m,), the number of segments, and the log spread left."""

    labels: IntArray
    k: int
    spread: float


@dataclass
class Candidate:
    """A feature set, algorithm and setting with all that its row rests on.

    `references` are the spreads left in clouds of each of SHAPES, `shuffled` those in shuffled columns; `resampled` and
    `reseeded` the refits, `strengths` the prediction strength of every split, `lives` the simulated agreements.
    """

    population: Population
    algorithm: str
    setting: str
    fit: Fit
    references: list[FloatArray] = field(default_factory=list)
    shuffled: FloatArray = field(default_factory=lambda: np.empty(0))
    resampled: list[Labelling] = field(default_factory=list)
    reseeded: list[Labelling] = field(default_factory=list)
    strengths: list[float] = field(default_factory=list)
    lives: list[Agreements] = field(default_factory=list)
    life: ShelfLife = UNKNOWN


def gather(
    populations: Sequence[Population],
    search: Search,
    history: pd.DataFrame | None,
    incumbent: Incumbent | None,
    workers: int,
) -> list[Candidate]:
    """All candidates with their evidence; arguments as in `candidates.evaluate_candidates`."""
    found = _fitted(populations, workers)

    def is_open(candidate: Candidate) -> bool:
        row = figures(candidate)
        if len(candidate.shuffled) < search.references:
            # More references may turn out that much harder.
            row["structure_gap"] += BEYOND_DOUBT * row["structure_gap_se"]
        return not is_ruled_out(row, search.rule, search.k_min, search.k_max)

    _compare(found, range(search.references)[:_FIRST], workers)
    screened = [candidate for candidate in found if is_open(candidate)] or found
    # Most candidates fail the splits.
    counts = {"strengths": search.splits, "resampled": search.resamples, "reseeded": search.seeds}
    left = screened
    for kind, count in counts.items():
        _refit(left, kind, range(count)[:_FIRST], workers)
        left = [candidate for candidate in left if is_open(candidate)]
    if not left:
        for kind, count in counts.items():
            _refit([one for one in screened if not getattr(one, kind)], kind, range(count)[:_FIRST], workers)
    _compare(left or screened, range(search.references)[_FIRST:], workers)
    left = [candidate for candidate in left if is_open(candidate)]
    for kind, count in counts.items():
        _refit(left, kind, range(count)[_FIRST:], workers)
        left = [candidate for candidate in left if is_open(candidate)]
    _simulate(
        [
            candidate
            for candidate in screened
            if is_eligible(figures(candidate), search.rule, search.k_min, search.k_max, incumbent)
        ],
        search,
        history,
        workers,
    )
    return found


def _fitted(populations: Sequence[Population], workers: int) -> list[Candidate]:
    """Every candidate with its fit, feature sets and settings in their order."""
    families = [(population, algorithm) for population in populations for algorithm in population.settings]
    fits = run_tasks([partial(_fit, *family) for family in families], workers)
    return [
        Candidate(population, algorithm, setting, fit)
        for (population, algorithm), found in zip(families, fits, strict=True)
        for setting, fit in found.items()
    ]


def _fit(population: Population, algorithm: str) -> dict[str, Fit]:
    z, settings = population.z, population.settings[algorithm]
    start = time.perf_counter()
    today = fit_segmentations(z, algorithm, settings, seed=population.seed)
    seconds = (time.perf_counter() - start) / len(settings)
    explained = dict.fromkeys(settings, UNDEFINED)
    if population.past is not None:
        past_z, values = population.past
        for setting, segmentation in fit_segmentations(past_z, algorithm, settings, seed=population.seed).items():
            explained[setting] = variance_explained(
                values, segmentation.labels(past_z), generator(population.seed, "jackknife")
            )
    discrete = discrete_features(z) if algorithm == "gaussian_mixture" else []
    fits = {}
    for setting, segmentation in today.items():
        labels = segmentation.labels(z)
        davies_bouldin, calinski_harabasz = davies_bouldin_and_calinski_harabasz(z, labels)
        fits[setting] = Fit(
            segmentation,
            seconds,
            np.bincount(labels, minlength=segmentation.k),
            float(np.log(spread_left(z, labels))),
            collapsed_segments(segmentation, discrete),
            segmentation.labels(population.evaluation),
            silhouette_interval(z, labels, generator(population.seed, algorithm, setting, "silhouette")),
            davies_bouldin,
            calinski_harabasz,
            explained[setting],
        )
    return fits


def _compare(candidates: Sequence[Candidate], numbers: Sequence[int], workers: int) -> None:
    """Adds the references with these `numbers` to the candidates: the same clouds for all of a feature set."""
    if not numbers:
        return
    together: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        together.setdefault(candidate.population.feature_set, []).append(candidate)
    shapes = (*SHAPES, SHUFFLED)
    tasks: list[Task] = []
    for group in together.values():
        # The density method finds its own k, so which references are needed is known only after the fits.
        ks = sorted({candidate.fit.segmentation.k for candidate in group})
        population = group[0].population
        tasks += [partial(reference_spreads, population.z, ks, shape, numbers, population.seed) for shape in shapes]
    results = iter(run_tasks(tasks, workers))
    for group in together.values():
        *clouds, shuffled = (next(results) for _ in shapes)
        for candidate in group:
            k = candidate.fit.segmentation.k
            before = candidate.references or [np.empty(0)] * len(clouds)
            candidate.references = [
                np.concatenate([known, of_shape[k]]) for known, of_shape in zip(before, clouds, strict=True)
            ]
            candidate.shuffled = np.concatenate([candidate.shuffled, shuffled[k]])


def _refit(candidates: Sequence[Candidate], kind: str, numbers: Sequence[int], workers: int) -> None:
    """Adds the refits of a `kind` (a list of Candidate) with these `numbers` to the candidates."""
    refits: dict[str, Callable[..., list[dict[str, Any]]]] = {
        "strengths": _split,
        "resampled": partial(_relabel, resample_refits),
        "reseeded": partial(_relabel, seed_refits),
    }
    together: dict[tuple[str, str], list[Candidate]] = {}
    for candidate in candidates if numbers else ():
        together.setdefault((candidate.population.feature_set, candidate.algorithm), []).append(candidate)
    tasks: list[Task] = []
    places: list[list[Candidate]] = []
    for (_, algorithm), group in together.items():
        settings = [candidate.setting for candidate in group]
        # What gains nothing from being fitted together is shared out among the workers one by one.
        is_one_task = algorithm == "kmeans" or (kind == "reseeded" and algorithm in WITHOUT_CHANCE)
        for part in [numbers] if is_one_task else [[number] for number in numbers]:
            tasks.append(partial(refits[kind], group[0].population, algorithm, settings, part))
            places.append(group)
    for group, results in zip(places, run_tasks(tasks, workers), strict=True):
        for candidate in group:
            getattr(candidate, kind).extend(result[candidate.setting] for result in results)


def _relabel(
    refits: Callable[..., list[dict[str, Segmentation]]],
    population: Population,
    algorithm: str,
    settings: Sequence[str],
    indices: Sequence[int],
) -> list[dict[str, Labelling]]:
    """What the refits with the numbers `indices` of every setting say of the evaluation customers."""
    z = population.evaluation
    found = refits(population.z, population.stratum, algorithm, settings, indices, population.seed)
    return [
        {
            setting: Labelling(labels, refit.k, float(np.log(spread_left(z, labels))))
            for setting, refit in of_index.items()
            for labels in [refit.labels(z)]
        }
        for of_index in found
    ]


def _split(
    population: Population, algorithm: str, settings: Sequence[str], indices: Sequence[int]
) -> list[dict[str, float]]:
    return split_strengths(population.z, population.stratum, algorithm, settings, indices, population.seed)


def _simulate(candidates: Sequence[Candidate], search: Search, history: pd.DataFrame | None, workers: int) -> None:
    """Adds the shelf lives to the candidates, where there are enough dates."""
    terms = search.shelf_life
    dates = [] if history is None or history.empty else dates_of(history, terms.step_days)
    if len(dates) <= terms.min_origins:
        return
    recipes = [
        Recipe(search.features(one.population.feature_set), one.algorithm, one.setting, search.seed)
        for one in candidates
    ]
    tasks = [partial(agreements, recipe, dates, terms.starts) for recipe in recipes]
    for candidate, lives in zip(candidates, run_tasks(tasks, workers), strict=True):
        candidate.lives, candidate.life = lives, shelf_life(lives, terms)


def figures(candidate: Candidate) -> dict[str, Any]:
    """The figures of a candidate that the rule may ask for so far; NaN for those of refits that were not made."""
    gap, gap_error = structure_gap(candidate.fit.spread, candidate.references)
    joint, joint_error = joint_gap(candidate.fit.spread, candidate.shuffled)
    population, segmentation = candidate.population, candidate.fit.segmentation
    row: dict[str, Any] = {
        "feature_set": population.feature_set,
        "algorithm": candidate.algorithm,
        "setting": candidate.setting,
        "k": segmentation.k,
        "customers": len(population.z),
        "fidelity": segmentation.fidelity,
        "collapsed_segments": candidate.fit.collapsed,
        "smallest_share": float(candidate.fit.sizes.min()) / len(population.z),
        "structure_gap": gap,
        "structure_gap_se": gap_error,
        "joint_gap": joint,
        "joint_gap_se": joint_error,
        "shelf_life_days": candidate.life.days,
        "shelf_life_judged_days": candidate.life.judged_days,
        "shelf_life_se_days": candidate.life.standard_error,
        **dict.fromkeys(_OF_REFITS, np.nan),
    }
    if candidate.strengths:
        row["prediction_strength"], row["prediction_strength_se"] = _mean(np.array(candidate.strengths))
    if candidate.resampled:
        resampled = [(refit.labels, refit.k) for refit in candidate.resampled]
        jaccards = resampled_jaccards(candidate.fit.evaluated, segmentation.k, resampled)
        least = int(jaccards.mean(axis=0).argmin())
        row["jaccard_min"], row["jaccard_min_se"] = _mean(jaccards[:, least])
        row["jaccard_mean"] = float(jaccards.mean())
    if candidate.reseeded:
        reseeded = [(refit.labels, refit.k) for refit in candidate.reseeded]
        row["ari_seeds"], row["ari_seeds_se"] = mean_adjusted_rand(reseeded)
    return row


_OF_REFITS = (
    "jaccard_min",
    "jaccard_min_se",
    "jaccard_mean",
    "prediction_strength",
    "prediction_strength_se",
    "ari_seeds",
    "ari_seeds_se",
)


def _mean(values: FloatArray) -> tuple[float, float]:
    """Mean of m values and its standard error."""
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def full_row(candidate: Candidate) -> dict[str, Any]:
    """The row of a candidate without the choice: `figures`, and those that no bound asks for."""
    fit = candidate.fit
    resampled = [(refit.labels, refit.k) for refit in candidate.resampled]
    return {
        **figures(candidate),
        "ari_resamples": mean_adjusted_rand(resampled)[0] if resampled else np.nan,
        "silhouette": fit.silhouette.value,
        "silhouette_low": fit.silhouette.low,
        "silhouette_high": fit.silhouette.high,
        "davies_bouldin": fit.davies_bouldin,
        "calinski_harabasz": fit.calinski_harabasz,
        "value_explained": fit.value_explained.value,
        "value_explained_low": fit.value_explained.low,
        "value_explained_high": fit.value_explained.high,
        "seconds": fit.seconds,
        "parameters": Model(candidate.population.scalings, fit.segmentation).to_json(),
    }
