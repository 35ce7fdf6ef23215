"""How long would a candidate keep? Models frozen in the past against fresh ones, in a simulation of a few dates.

The contract of the version in force comes from a longer simulation of the same kind (`ageing.simulation`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from olist_segments.model.agreement import adjusted_rand, contingency
from olist_segments.selection.recipe import Recipe


@dataclass(frozen=True)
class ShelfLifeTerms:
    """What must hold: an adjusted Rand index of `threshold` in `origin_share` (0 to 1) of the origins.

    An age is judged when `min_origins` or more origins have reached it. Dates are `step_days` apart.
    """

    threshold: float = 0.8
    origin_share: float = 0.9
    min_origins: int = 5
    step_days: int = 28

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> ShelfLifeTerms:
        """The terms that the settings of the dbt model fit_segment_candidates ask for."""
        return cls(**settings)


@dataclass(frozen=True)
class ShelfLife:
    """Days up to which the agreement held at every age, and the oldest age that was judged.

    0 where it failed at the first age; both NaN where no age has enough origins.
    """

    days: float
    judged_days: float


UNKNOWN = ShelfLife(np.nan, np.nan)


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


def shelf_life(recipe: Recipe, dates: Sequence[pd.DataFrame], terms: ShelfLifeTerms) -> ShelfLife:
    """The shelf life of what `recipe` makes: at each of `dates` a model is frozen and compared with all later fits.

    Both label the customers of the later date. UserError for values that a transform can't take. Run it with one BLAS
    and OpenMP thread.
    """
    days = [rows["as_of_date"].iloc[0] for rows in dates]
    models = [recipe.fit(rows, day.date()) for day, rows in zip(days, dates, strict=True)]
    agreements: dict[int, list[float]] = {}
    for later, rows in enumerate(dates):
        fresh = models[later].labels(rows)
        for origin in range(later):
            table = contingency(models[origin].labels(rows), fresh, models[origin].k, models[later].k)
            agreements.setdefault((days[later] - days[origin]).days, []).append(adjusted_rand(table))
    return held_until(agreements, terms)


def held_until(agreements: Mapping[int, Sequence[float]], terms: ShelfLifeTerms) -> ShelfLife:
    """The shelf life read off `agreements`, those of all origins by age in days.

    The rule of the macro contract_intervals: the longest age up to which, at this and at every shorter one, enough
    origins reach the threshold.
    """
    judged = [age for age in sorted(agreements) if len(agreements[age]) >= terms.min_origins]
    if not judged:
        return UNKNOWN
    held = 0
    for age in judged:
        if sum(value >= terms.threshold for value in agreements[age]) < terms.origin_share * len(agreements[age]):
            break
        held = age
    return ShelfLife(float(held), float(judged[-1]))
