"""The evidence for every candidate, gathered in stages: refits are costly, and most candidates need none to be refused.

First comes what one fit tells: size, structure, collapsed segments. Candidates that no bound rules out by then are
refitted a few times; those that are not beyond doubt under a bound get the whole number of refits, and of those that
are eligible the shelf life is simulated. If every candidate is ruled out by a single fit, all are refitted a few times,
so that the least bad is found on figures of every kind.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score

from olist_segments.arrays import FloatArray, IntArray
from olist_segments.intervals import UNDEFINED, Interval
from olist_segments.model.model import Model
from olist_segments.model.scaling import Scaling
from olist_segments.model.segmentation import Segmentation
from olist_segments.parallel import Task, run_tasks
from olist_segments.selection.algorithms import collapsed_segments, fit_segmentations
from olist_segments.selection.metrics import silhouette_interval, variance_explained
from olist_segments.selection.recipe import Recipe
from olist_segments.selection.rule import Incumbent, is_eligible, is_ruled_out
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
    joint_gap,
    reference_spreads,
    shuffled_spreads,
    spread_left,
    structure_gap,
)

_Tried = TypeVar("_Tried")

_FIRST_REFITS = 6
"""Refits of each kind before candidates beyond doubt are left."""


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
    """A deployed fit: how long it took, its sizes (k,), spread left (log), collapsed segments, and what it explains."""

    segmentation: Segmentation
    seconds: float
    sizes: IntArray
    spread: float
    collapsed: int
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
    references: list[FloatArray]
    shuffled: FloatArray
    resampled: list[Labelling] = field(default_factory=list)
    reseeded: list[Labelling] = field(default_factory=list)
    strengths: list[float] = field(default_factory=list)
    lives: list[Agreements] = field(default_factory=list)
    life: ShelfLife = UNKNOWN

    @property
    def is_refitted(self) -> bool:
        """Whether there is evidence from refits."""
        return bool(self.strengths)


def gather(
    populations: Sequence[Population],
    search: Search,
    history: pd.DataFrame | None,
    incumbent: Incumbent | None,
    workers: int,
) -> list[Candidate]:
    """All candidates with their evidence; arguments as in `candidates.evaluate_candidates`."""
    found = _fitted(populations, search.references, workers)

    def is_open(candidate: Candidate) -> bool:
        return not is_ruled_out(figures(candidate), search.rule, search.k_min, search.k_max)

    screened = [candidate for candidate in found if is_open(candidate)] or found
    _refit(screened, search, 0, _FIRST_REFITS, workers)
    _refit([candidate for candidate in screened if is_open(candidate)], search, _FIRST_REFITS, None, workers)
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


def _fitted(populations: Sequence[Population], number: int, workers: int) -> list[Candidate]:
    """Every candidate with its fit and a `number` of references, feature sets and settings in their order."""
    families = [(population, algorithm) for population in populations for algorithm in population.settings]
    batches = [
        (population, algorithm, batch)
        for population, algorithm in families
        for batch in _batches(algorithm, population.settings[algorithm])
    ]
    # The slowest first, so that no worker is left with one at the end.
    batches.sort(key=lambda batch: batch[1] != "gaussian_mixture")
    fits: dict[tuple[str, str, str], Fit] = {}
    for (population, algorithm, _), result in zip(
        batches, run_tasks([partial(_fit, *batch) for batch in batches], workers), strict=True
    ):
        fits |= {(population.feature_set, algorithm, setting): fit for setting, fit in result.items()}
    # The density method finds its own k, so which references are needed is known only now.
    by_name = {population.feature_set: population for population in populations}
    cuts = sorted({(name, fit.segmentation.k) for (name, _, _), fit in fits.items()})
    shapes = (*SHAPES, "shuffled")
    tasks = [partial(_reference, by_name[name], k, shape, number) for name, k in cuts for shape in shapes]
    spreads = iter(run_tasks(tasks, workers))
    references = {cut: [next(spreads) for _ in shapes] for cut in cuts}
    return [
        Candidate(population, algorithm, setting, fit, references[key][:-1], references[key][-1])
        for population, algorithm in families
        for setting in population.settings[algorithm]
        for fit in [fits[population.feature_set, algorithm, setting]]
        for key in [(population.feature_set, fit.segmentation.k)]
    ]


def _batches(algorithm: str, tried: Sequence[_Tried]) -> list[Sequence[_Tried]]:
    """What is tried of an algorithm, by the tasks that fit it: Ward's tree is grown once for all settings."""
    return [tried] if algorithm == "ward" else [[one] for one in tried]


def _fit(population: Population, algorithm: str, settings: Sequence[str]) -> dict[str, Fit]:
    z = population.z
    start = time.perf_counter()
    today = fit_segmentations(z, algorithm, settings, seed=population.seed)
    seconds = time.perf_counter() - start
    explained = dict.fromkeys(settings, UNDEFINED)
    if population.past is not None:
        past_z, values = population.past
        for setting, segmentation in fit_segmentations(past_z, algorithm, settings, seed=population.seed).items():
            explained[setting] = variance_explained(
                values, segmentation.labels(past_z), generator(population.seed, "jackknife")
            )
    fits = {}
    for setting, segmentation in today.items():
        labels = segmentation.labels(z)
        fits[setting] = Fit(
            segmentation,
            seconds,
            np.bincount(labels, minlength=segmentation.k),
            float(np.log(spread_left(z, labels))),
            collapsed_segments(segmentation, z) if algorithm == "gaussian_mixture" else 0,
            explained[setting],
        )
    return fits


def _reference(population: Population, k: int, shape: str, number: int) -> FloatArray:
    rng = generator(population.seed, "reference", k, shape)
    if shape == "shuffled":
        return shuffled_spreads(population.z, k, number, rng)
    return reference_spreads(population.z, k, shape, number, rng)


def _refit(candidates: Sequence[Candidate], search: Search, first: int, last: int | None, workers: int) -> None:
    """Adds the refits `first` to `last` (all that are left) of every kind to the candidates."""
    together: dict[tuple[str, str], list[Candidate]] = {}
    for candidate in candidates:
        together.setdefault((candidate.population.feature_set, candidate.algorithm), []).append(candidate)
    kinds: tuple[tuple[str, Callable[..., dict[str, Any]], int], ...] = (
        ("resampled", partial(_relabel, resample_refits), search.resamples),
        ("reseeded", partial(_relabel, seed_refits), search.seeds),
        ("strengths", _split, search.splits),
    )
    tasks: list[Task] = []
    places: list[tuple[str, Sequence[Candidate]]] = []
    for (_, algorithm), group in sorted(together.items(), key=lambda item: item[0][1] != "gaussian_mixture"):
        for batch in _batches(algorithm, group):
            settings = [candidate.setting for candidate in batch]
            for kind, task, count in kinds:
                for index in range(count)[first:last]:
                    tasks.append(partial(task, batch[0].population, algorithm, settings, index))
                    places.append((kind, batch))
    for (kind, batch), result in zip(places, run_tasks(tasks, workers), strict=True):
        for candidate in batch:
            getattr(candidate, kind).append(result[candidate.setting])


def _relabel(
    refits: Callable[..., dict[str, Segmentation]],
    population: Population,
    algorithm: str,
    settings: Sequence[str],
    index: int,
) -> dict[str, Labelling]:
    """What refit number `index` of every setting says of the evaluation customers."""
    z = population.evaluation
    found = refits(population.z, population.stratum, algorithm, settings, index, population.seed)
    return {
        setting: Labelling(labels, refit.k, float(np.log(spread_left(z, labels))))
        for setting, refit in found.items()
        for labels in [refit.labels(z)]
    }


def _split(population: Population, algorithm: str, settings: Sequence[str], index: int) -> dict[str, float]:
    return split_strengths(population.z, population.stratum, algorithm, settings, index, population.seed)


def _simulate(candidates: Sequence[Candidate], search: Search, history: pd.DataFrame | None, workers: int) -> None:
    """Adds the shelf lives to the candidates, where there are enough dates."""
    terms = search.shelf_life
    dates = [] if history is None or history.empty else dates_of(history, terms.step_days)
    if len(dates) <= terms.min_origins:
        return
    tasks: list[Task] = []
    for candidate in candidates:
        features = search.features(candidate.population.feature_set)
        recipe = Recipe(features, candidate.algorithm, candidate.setting, search.seed)
        tasks += [partial(agreements, recipe, dates, start) for start in range(terms.starts)]
    results = run_tasks(tasks, workers)
    for number, candidate in enumerate(candidates):
        candidate.lives = results[number * terms.starts : (number + 1) * terms.starts]
        candidate.life = shelf_life(candidate.lives, terms)


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
    if candidate.is_refitted:
        resampled = [(refit.labels, refit.k) for refit in candidate.resampled]
        jaccards = resampled_jaccards(segmentation.labels(population.evaluation), segmentation.k, resampled)
        least = int(jaccards.mean(axis=0).argmin())
        row["jaccard_min"], row["jaccard_min_se"] = _mean(jaccards[:, least])
        row["jaccard_mean"] = float(jaccards.mean())
        row["prediction_strength"], row["prediction_strength_se"] = _mean(np.array(candidate.strengths))
        reseeded = [(refit.labels, refit.k) for refit in candidate.reseeded]
        row["ari_seeds"], row["ari_seeds_se"] = mean_adjusted_rand(reseeded)
        row["ari_resamples"], _ = mean_adjusted_rand(resampled)
    return row


_OF_REFITS = (
    "jaccard_min",
    "jaccard_min_se",
    "jaccard_mean",
    "prediction_strength",
    "prediction_strength_se",
    "ari_seeds",
    "ari_seeds_se",
    "ari_resamples",
)


def _mean(values: FloatArray) -> tuple[float, float]:
    """Mean of m values and its standard error."""
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def full_row(candidate: Candidate) -> dict[str, Any]:
    """The row of a candidate without the choice: `figures`, and those that no bound asks for."""
    population, fit = candidate.population, candidate.fit
    z, labels = population.z, fit.segmentation.labels(population.z)
    divided = 2 <= int((fit.sizes > 0).sum()) < len(z)
    rng = generator(population.seed, candidate.algorithm, candidate.setting, "silhouette")
    silhouette, explained = silhouette_interval(z, labels, rng), fit.value_explained
    return {
        **figures(candidate),
        "silhouette": silhouette.value,
        "silhouette_low": silhouette.low,
        "silhouette_high": silhouette.high,
        "davies_bouldin": davies_bouldin_score(z, labels) if divided else np.nan,
        "calinski_harabasz": calinski_harabasz_score(z, labels) if divided else np.nan,
        "value_explained": explained.value,
        "value_explained_low": explained.low,
        "value_explained_high": explained.high,
        "seconds": fit.seconds,
        "parameters": Model(population.scalings, fit.segmentation).to_json(),
    }
