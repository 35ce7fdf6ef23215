"""History run again: at every origin a model is frozen, at every later date it is compared with a fresh fit.

Both label the same customers, those known at the later date, from what was known of them then; the frozen model keeps
its own scaling. (What one model says of two dates is another thing: customers moving, not the model ageing.) Where
no refit changes the recipe, the fit of a date is made once: it is the frozen model of that date and the fresh one of
every pair that ends there.

Recency grows with the calendar alone. The variant 'with recency' runs the same history with that feature among those of
the model: what the same customers would demand if the clock were left in.

Models are frozen by the recipe in force. The fresh fit of a date is made by what a refit would have chosen then, with
that recipe as incumbent (`refits`): the agreement has what a change of recipe costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from olist_segments.ageing.agreement import (
    Groups,
    intervals_of_pair,
    other_fits,
    resampled_tables,
    share_moved,
    tables_of_other_fits,
)
from olist_segments.ageing.plan import CLOCK_FEATURE, Plan
from olist_segments.ageing.refits import recipes_of_dates
from olist_segments.arrays import FloatArray, IntArray
from olist_segments.model.agreement import adjusted_rand, contingency, jaccard, matched_segments
from olist_segments.model.model import Model
from olist_segments.model.scaling import Features
from olist_segments.parallel import Task, run_tasks, stop_workers
from olist_segments.selection.recipe import Recipe, recipe_of
from olist_segments.selection.sampling import generator, strata, stratified_sample

Row = dict[str, Any]

ALL_FEATURES, WITH_RECENCY = "all features", "with recency"
"""The two variants."""

WORTH_WORKERS = 50_000
"""From this many rows (customers × dates) on, the simulation is worth starting worker processes for …"""

_KMEANS_QUICKER = 20
"""… and from so many times as many where the recipe is k-means: two workers take 3 to 4 seconds of CPU to start."""

_INTERVAL_FITS = 5
"""Other fits of a date behind an interval, at most: every one of them meets every one of the other date."""


@dataclass(frozen=True, eq=False)
class Customers:
    """The n customers labelled at a date, with what was known of them then; `known` is how many they stand for.

    `tenure` is in days; `spend` and `score` (the mean review score, NaN where none is known) are what they are worth.
    """

    date: pd.Timestamp
    known: int
    tenure: IntArray
    spend: FloatArray
    score: FloatArray
    features: Features

    @classmethod
    def of(cls, rows: pd.DataFrame) -> Customers:
        """The customers of one date's rows of ageing_features."""
        return cls(
            rows["as_of_date"].iloc[0],
            int(rows["known_customer_count"].iloc[0]),
            rows["tenure_days"].to_numpy(dtype=np.int64),
            rows["total_spend"].to_numpy(dtype=np.float64),
            rows["avg_review_score"].to_numpy(dtype=np.float64),
            Features(rows.reset_index(drop=True)),
        )


@dataclass(frozen=True, eq=False)
class Refit:
    """The refit of a date, others that differ in seed and resample, and how well they agree with it there (others,)."""

    model: Model
    others: tuple[Model, ...]
    noise: FloatArray


@dataclass(frozen=True, eq=False)
class Frozen:
    """A model frozen at `date` and all that later dates ask of it.

    `others` are fits of the same date that differ in seed and resample. `keys` (k) are the keys of the segments in
    force that its segments resemble most, None where there are fewer, and `key_jaccards` (k) how much; `ranks` (k)
    order its segments by the value of their customers, 1 first; `newcomers` (j, d) are z of those who had come just
    before.
    """

    date: pd.Timestamp
    model: Model
    others: tuple[Model, ...]
    is_in_force: bool
    keys: list[str | None]
    key_jaccards: FloatArray
    ranks: IntArray
    newcomers: FloatArray


def simulate(
    features: pd.DataFrame,
    model: pd.DataFrame,
    plan: Plan,
    choices: pd.DataFrame | None = None,
    *,
    workers: int = 2,
) -> list[Row]:
    """The rows of the simulation; arguments as in `versions.append_ageing`, `features` being the rows themselves."""
    in_force = Model.from_rows(model)
    first = model.iloc[0]
    recipe = recipe_of(model)
    customers = [Customers.of(rows) for _, rows in features.groupby("as_of_date", sort=True)]
    if len(customers) < 2:
        return []
    worth_workers = WORTH_WORKERS * (_KMEANS_QUICKER if recipe.algorithm == "kmeans" else 1)
    processes = workers if len(features) >= worth_workers else 1
    with threadpool_limits(limits=1):
        fitted_on = pd.Timestamp(first["data_as_of"])
        recipes = recipes_of_dates(choices, [group.date for group in customers], recipe, fitted_on, plan.sets)
        rows = run_history(recipe, customers, in_force, plan, processes, refit_recipes=recipes, fitted_on=fitted_on)
        if plan.clock_transform and CLOCK_FEATURE in features and CLOCK_FEATURE not in recipe.transforms:
            rarer = every(plan.clock_days, customers)
            clocked = replace(recipe, transforms={**recipe.transforms, CLOCK_FEATURE: plan.clock_transform})
            rows += run_history(clocked, rarer, in_force, plan, processes, variant=WITH_RECENCY)
    if processes > 1:
        stop_workers()
    for row in rows:
        row.update(
            model_version=int(first["model_version"]),
            feature_set=str(first["feature_set"]),
            algorithm=recipe.algorithm,
            setting=recipe.setting,
        )
    order = ("variant", "is_model_in_force", "origin_date", "later_date", "segment_number")
    return sorted(rows, key=lambda row: tuple(row[column] for column in order))


def every(days: int, customers: Sequence[Customers]) -> list[Customers]:
    """The dates that lie so many days apart, back from the newest."""
    return [group for group in customers if (customers[-1].date - group.date).days % days == 0]


def run_history(
    recipe: Recipe,
    customers: Sequence[Customers],
    in_force: Model,
    plan: Plan,
    workers: int,
    *,
    refit_recipes: Sequence[Recipe] | None = None,
    fitted_on: pd.Timestamp | None = None,
    variant: str = ALL_FEATURES,
) -> list[Row]:
    """The rows of one variant: every pair of an origin and a later date of `customers`, one entry per date.

    Models are frozen by `recipe`; the refit of each date is made by that of `refit_recipes`, or the same.
    With `fitted_on`, the date of its data, the model in force is an origin as well.
    """
    # The newest dates have most customers and are compared with most origins: they go first.
    tasks: list[Task] = [partial(refit_date, recipe, group, plan.noise_refits) for group in reversed(customers)]
    refits: list[Refit] = run_tasks(tasks, workers)[::-1]
    dates = list(zip(customers, refits, strict=True))
    fresh = dict(enumerate(refits))
    changed = {number: other for number, other in enumerate(refit_recipes or []) if other != recipe}
    tasks = [partial(refit_date, other, customers[number], plan.noise_refits) for number, other in changed.items()]
    fresh |= dict(zip(changed, run_tasks(tasks, workers), strict=True))
    at_origins = {group.date for group in every(plan.origin_days, customers)}
    frozen = [
        _frozen(group.date, refit.model, refit.others, group, in_force, plan)
        for group, refit in dates
        if group.date in at_origins
    ]
    if fitted_on is not None:
        before = [group for group in customers if group.date <= fitted_on]
        frozen.append(_frozen(fitted_on, in_force, (), (before or customers)[-1], in_force, plan))
    tasks = [
        partial(compare_date, recipe.seed, group, fresh[number], [one for one in frozen if one.date < group.date], plan)
        for number, group in reversed(list(enumerate(customers)))
    ]
    return [{**row, "variant": variant} for found in run_tasks(tasks, workers) for row in found]


def refit_date(recipe: Recipe, customers: Customers, noise_refits: int) -> Refit:
    """The refit of a date, and its adjusted Rand index with each of `noise_refits` others on resampled customers.

    They differ from it in seed and resample only: a stratified bootstrap of as many customers, the same procedure, and
    the same customers labelled.
    """
    model = recipe.fit(customers.features, customers.date.date())
    labels = model.labels(customers.features)
    stratum = strata(model.z(customers.features))
    others, noise = [], []
    for index in range(noise_refits):
        words = ("noise", customers.date.date(), index)
        drawn = stratified_sample(stratum, len(stratum), generator(recipe.seed, *words), replace=True)
        other = recipe.fit(customers.features.take(drawn), *words)
        if index < _INTERVAL_FITS:
            others.append(other)
        noise.append(adjusted_rand(contingency(labels, other.labels(customers.features), model.k, other.k)))
    return Refit(model, tuple(others), np.array(noise))


def compare_date(seed: int, customers: Customers, refit: Refit, origins: Sequence[Frozen], plan: Plan) -> list[Row]:
    """The rows of all pairs that end at the date of `customers`: every frozen model of `origins` against the refit."""
    fresh = [model.labels(customers.features) for model in (refit.model, *refit.others)]
    other_fresh = Groups.of(other_fits(fresh))
    noise = {
        "noise_floor": np.median(refit.noise),
        "noise_floor_se": refit.noise.std(ddof=1) / np.sqrt(len(refit.noise)) if len(refit.noise) > 1 else np.nan,
        "noise_floor_low": refit.noise.min(),
    }
    rows = []
    for frozen in origins:
        z = frozen.model.z(customers.features)
        labels = [frozen.model.segmentation.labels(z)]
        labels += [model.labels(customers.features) for model in frozen.others]
        shift = newcomer_shift(z[customers.tenure < plan.newcomer_days], frozen, plan.few_customers)
        rng = generator(seed, "interval", frozen.date.date(), customers.date.date(), frozen.is_in_force)
        for row in compare_labels(customers, frozen, labels, fresh[0], other_fresh, refit.model.k, plan.resamples, rng):
            rows.append({**row, **noise, **shift})
    return rows


def compare_labels(
    customers: Customers,
    frozen: Frozen,
    frozen_labels: Sequence[IntArray],
    fresh: IntArray,
    other_fresh: Groups,
    fresh_count: int,
    resamples: int,
    rng: np.random.Generator,
) -> list[Row]:
    """One row per segment of the frozen model: how its labels agree with the fresh ones.

    `frozen_labels` (n,) each: first those of the model itself, then those of its other fits, for the intervals; the
    refit's are `fresh` (n,) and `other_fresh`.
    """
    k = frozen.model.k
    labels = frozen_labels[0]
    table = contingency(labels, fresh, k, fresh_count)
    spend = contingency(labels, fresh, k, fresh_count, customers.spend)
    matched = matched_segments(table)
    refitted = tables_of_other_fits(other_fits(frozen_labels), other_fresh, *table.shape)
    agreement, jaccards = intervals_of_pair(table, resampled_tables(table, resamples, rng), matched, refitted)
    pair = {
        "origin_date": frozen.date,
        "later_date": customers.date,
        "is_model_in_force": frozen.is_in_force,
        "customers": len(fresh),
        "known_customers": customers.known,
        "ari": agreement.value,
        "ari_low": agreement.low,
        "ari_high": agreement.high,
        "addressed_differently_share": share_moved(table, matched),
        "spend_addressed_differently_share": share_moved(spend, matched),
    }
    return [
        {
            **pair,
            "segment_number": segment + 1,
            "segment_key": frozen.keys[segment],
            "key_jaccard": frozen.key_jaccards[segment],
            "value_rank": frozen.ranks[segment],
            "segment_customers": table[segment].sum(),
            "fresh_segment_customers": table[:, matched[segment]].sum() if matched[segment] >= 0 else 0,
            "jaccard": jaccards[segment].value,
            "jaccard_low": jaccards[segment].low,
            "jaccard_high": jaccards[segment].high,
        }
        for segment in range(k)
    ]


def newcomer_shift(newcomers: FloatArray, frozen: Frozen, fewest: int) -> Row:
    """How differently the `newcomers` (m, d) behave from those of the origin, in the feature that differs most clearly.

    Newcomers are those who first bought shortly before the date, as z under the frozen model; both groups are equally
    young, so neither the clock nor reviews still to come tell them apart. The difference of the means is in standard
    deviations of the frozen model (its own scaling), with its standard error (Welch); the feature is the one whose
    difference is the most above 0 allowing for 1.96 of those. Null where either date has fewer than `fewest`
    newcomers. In a base that grows for years a change of behaviour takes months to move the fits; here it shows at
    once.
    """
    nothing = {"newcomer_shift_feature": None, "newcomer_shift": np.nan, "newcomer_shift_error": np.nan}
    columns = [column for column, scaling in enumerate(frozen.model.scalings) if scaling.name != CLOCK_FEATURE]
    if min(len(newcomers), len(frozen.newcomers)) < fewest or not columns:
        return nothing
    now, then = newcomers[:, columns], frozen.newcomers[:, columns]
    shift = now.mean(axis=0) - then.mean(axis=0)
    error = np.sqrt(now.var(axis=0, ddof=1) / len(now) + then.var(axis=0, ddof=1) / len(then))
    clearest = int(np.argmax(np.abs(shift) - 1.96 * error))
    return {
        "newcomer_shift_feature": frozen.model.scalings[columns[clearest]].name,
        "newcomer_shift": float(shift[clearest]),
        "newcomer_shift_error": float(error[clearest]),
    }


def _frozen(
    date: pd.Timestamp,
    model: Model,
    others: tuple[Model, ...],
    customers: Customers,
    in_force: Model,
    plan: Plan,
) -> Frozen:
    """`model` frozen at `date`; `customers` are those of that date, or of the simulation date before it."""
    z = model.z(customers.features)
    labels = model.segmentation.labels(z)
    is_in_force = model is in_force
    own_keys: list[str | None] = list(in_force.keys) if is_in_force else [None] * model.k
    key_jaccards = np.ones(model.k) if is_in_force else np.zeros(model.k)
    if not is_in_force:
        # The segments in force are moved into the scaling of the origin: a key speaks of traits relative to everybody,
        # and 'dormant' in the first year is not what it is in the third.
        own = [scaling.name for scaling in model.scalings]
        columns = [own.index(scaling.name) for scaling in in_force.scalings]
        theirs = in_force.segmentation.labels(z[:, columns])
        similarity = jaccard(contingency(labels, theirs, model.k, in_force.k))
        for mine, other in enumerate(matched_segments(similarity)):
            if other >= 0:
                own_keys[mine], key_jaccards[mine] = in_force.keys[other], similarity[mine, other]
    return Frozen(
        date=date,
        model=model,
        others=others,
        is_in_force=is_in_force,
        keys=own_keys,
        key_jaccards=key_jaccards,
        ranks=value_ranks(customers.spend, customers.score, labels, model.k),
        newcomers=z[customers.tenure < plan.newcomer_days],
    )


def value_ranks(spend: FloatArray, score: FloatArray, labels: IntArray, k: int) -> IntArray:
    """Rank (k,) of every segment by the value of its customers, 1 for the good customers.

    Value is the mean spend (n,) of its customers times their mean review score (n,) (those known, over 5): money from
    satisfied customers. Empty segments come last; ties by number.
    """
    customers = pd.DataFrame({"spend": spend, "score": score})
    means = customers.groupby(labels).mean().reindex(range(k)).to_numpy(dtype=np.float64)
    value = np.nan_to_num(means[:, 0], nan=-1.0) * np.nan_to_num(means[:, 1], nan=5.0) / 5
    ranks = np.empty(k, dtype=np.int64)
    ranks[np.argsort(-value, kind="stable")] = np.arange(1, k + 1)
    return ranks
