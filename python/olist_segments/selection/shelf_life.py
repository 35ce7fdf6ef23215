"""How long would a candidate keep? Models frozen in the past against fresh ones, in a simulation of a few dates.

The contract of the version in force comes from a longer simulation of the same kind (`ageing.simulation`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from olist_segments.arrays import FloatArray, IntArray
from olist_segments.model.agreement import adjusted_rand, contingency
from olist_segments.model.scaling import Features
from olist_segments.selection.recipe import Recipe
from olist_segments.selection.search import ShelfLifeTerms


@dataclass(frozen=True)
class ShelfLife:
    """Days up to which the agreement held at every age, its standard error, and the oldest age that was judged.

    0 where it failed at the first age; all NaN where no age has enough origins.
    """

    days: float
    judged_days: float
    standard_error: float = np.nan


UNKNOWN = ShelfLife(np.nan, np.nan)


@dataclass(frozen=True, eq=False)
class Agreements:
    """Adjusted Rand indices (starts, m, m) of the model frozen at date i with the fit of date j, NaN for j up to i.

    `days` (m,) are those since the first date.
    """

    days: IntArray
    aris: FloatArray

    @property
    def ages(self) -> list[int]:
        """The ages that dates have, days, the youngest first."""
        return [int(age) for age in np.unique(self.days[None, :] - self.days[:, None]) if age > 0]


def dates_of(history: pd.DataFrame, step_days: int) -> list[pd.DataFrame]:
    """The rows of every `step_days`-th date of `history` back from its newest one, in the order of the dates.

    `history`: rows of the model ageing_features, in the order of as_of_date and customer_number.
    """
    newest = history["as_of_date"].max()
    return [
        rows.reset_index(drop=True)
        for date, rows in history.groupby("as_of_date", sort=True)
        if (newest - date).days % step_days == 0
    ]


def agreements(recipe: Recipe, dates: Sequence[pd.DataFrame], starts: int) -> list[Agreements]:
    """At each of `dates` a model of `recipe` is frozen and compared with all later fits: one history for each start.

    Both label the customers of the later date. UserError for values that a transform can't take. Run it with one BLAS
    and OpenMP thread.
    """
    days = [rows["as_of_date"].iloc[0] for rows in dates]
    customers = [Features(rows) for rows in dates]
    models = [
        recipe.fits(known, [(day.date(), "start", start) for start in range(starts)])
        for day, known in zip(days, customers, strict=True)
    ]
    aris = np.full((starts, len(dates), len(dates)), np.nan)
    for later, known in enumerate(customers):
        fresh: list[IntArray] = []
        for origin in range(later, -1, -1):
            # The models of a date share its scaling.
            z = models[origin][0].z(known)
            labels = [model.segmentation.labels(z) for model in models[origin]]
            fresh = fresh or labels
            for start in range(starts) if origin < later else ():
                table = contingency(labels[start], fresh[start], models[origin][start].k, models[later][start].k)
                aris[start, origin, later] = adjusted_rand(table)
    since = np.array([(day - days[0]).days for day in days], dtype=np.int64)
    return [Agreements(since, history[None]) for history in aris]


def pooled(found: Sequence[Agreements]) -> Agreements:
    """All starts as one: histories of the same dates, each counted alike."""
    return Agreements(found[0].days, np.concatenate([single.aris for single in found]))


def shelf_life(found: Sequence[Agreements], terms: ShelfLifeTerms) -> ShelfLife:
    """The shelf life of all starts together; its standard error is that of the mean of the single starts."""
    life = held_until(pooled(found), terms)
    alone = [held_until(single, terms).days for single in found]
    error = float(np.std(alone, ddof=1) / np.sqrt(len(alone))) if len(alone) > 1 else np.nan
    return ShelfLife(life.days, life.judged_days, error)


def held_until(found: Agreements, terms: ShelfLifeTerms, counts: IntArray | None = None) -> ShelfLife:
    """The shelf life read off `found`, every origin counted once or `counts` (m,) times: the rule of the contract.

    The longest judged age up to which `origin_share` of the models are alive, by Kaplan and Meier (1958, JASA 53,
    457-481): a model dies at the first age at which its agreement is under the threshold, and leaves the risk set
    where history ends. An origin weighs half as much as one that is `half_life_days` younger.
    """
    starts, dates = found.aris.shape[:2]
    weights = 0.5 ** (-found.days / terms.half_life_days) * (1 if counts is None else counts)
    is_alive = np.ones((starts, dates), dtype=bool)
    alive, held, last = 1.0, 0, np.nan
    for age in found.ages:
        origin, later = np.nonzero(found.days[None, :] - found.days[:, None] == age)
        # An age that a resample has no origin of says nothing.
        if len(origin) < terms.min_origins or not weights[origin].any():
            continue
        last = float(age)
        at_risk = float((weights[origin] * is_alive[:, origin]).sum())
        dies = is_alive[:, origin] & (found.aris[:, origin, later] < terms.threshold)
        if at_risk > 0:
            alive *= 1 - float((weights[origin] * dies).sum()) / at_risk
        is_alive[:, origin] &= ~dies
        if alive >= terms.origin_share - 1e-9:
            held = age
    return UNKNOWN if np.isnan(last) else ShelfLife(float(held), last)
