"""What was known of customers at past dates, and which outcomes were known when."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from olist_segments.arrays import FloatArray, IntArray
from olist_segments.forecasts.metrics import BoolArray

YEAR_DAYS = 365
Made = TypeVar("Made")

COLUMNS = (
    "as_of_date",
    "outcome_until",
    "purchase_day_count",
    "recency_days",
    "tenure_days",
    "active_days",
    "average_day_value",
    "repeat_day_value",
    "hiatus_group",
    "naive_group",
    "year_band",
    "rfm_share",
    "kind_stage_share",
    "next_order_count",
    "next_spend",
    "next_year_order_count",
)
"""The columns of forecast_features that are read besides the terms."""


@dataclass(frozen=True, eq=False)
class History:
    """The rows of forecast_features in the order of dates and customers, and where each date's begin.

    `frame` has a row per customer and as-of date, sorted by both; `terms` names the columns of the regression. Row
    ranges are slices. Nothing here hides what was not known: `known` and `training` say what a date may use.
    """

    frame: pd.DataFrame
    terms: Sequence[str]
    training_dates: int

    @cached_property
    def dates(self) -> list[pd.Timestamp]:
        """The as-of dates, ascending."""
        return [pd.Timestamp(date) for date in self.frame["as_of_date"].drop_duplicates()]

    @cached_property
    def _starts(self) -> IntArray:
        changes = np.flatnonzero(self.frame["as_of_date"].ne(self.frame["as_of_date"].shift()).to_numpy())
        return np.append(changes, len(self.frame)).astype(np.int64)

    @cached_property
    def outcome_until(self) -> list[pd.Timestamp]:
        """The last day of each date's outcome period."""
        return [pd.Timestamp(self.frame["outcome_until"].iloc[int(start)]) for start in self._starts[:-1]]

    @property
    def outcome_days(self) -> int:
        """Length of the outcome period in days."""
        return (self.outcome_until[0] - self.dates[0]).days

    def rows(self, date: int) -> slice:
        """The rows of the date of this number."""
        return slice(int(self._starts[date]), int(self._starts[date + 1]))

    def rows_of(self, dates: Sequence[int]) -> slice:
        """The rows of dates that follow each other; there is one at least."""
        return slice(int(self._starts[dates[0]]), int(self._starts[dates[-1] + 1]))

    def known(self, date: int) -> list[int]:
        """The dates whose outcomes were known at `date`."""
        return [other for other in range(date) if self.outcome_until[other] <= self.dates[date]]

    def training(self, date: int) -> list[int]:
        """The newest of them, on which models are trained."""
        return self.known(date)[-self.training_dates :]

    def year_known(self, date: int) -> list[int]:
        """The newest dates that a year of outcomes was known of, as many as models are trained on."""
        year = pd.Timedelta(days=YEAR_DAYS)
        return [other for other in self.known(date) if self.dates[other] + year <= self.dates[date]][
            -self.training_dates :
        ]

    def has_outcome(self, date: int) -> bool:
        """Whether the outcomes of `date` are known by the newest date."""
        return self.outcome_until[date] <= self.dates[-1]

    def values(self, column: str) -> FloatArray:
        """A numeric column as doubles, NaN where it is null (n,)."""
        return self.once(
            ("values", column),
            lambda: pd.to_numeric(self.frame[column]).to_numpy(dtype=np.float64, na_value=np.nan),
        )

    def groups(self, column: str) -> tuple[IntArray, list[str]]:
        """A text column as codes (n,) and the sorted texts that they stand for."""

        def factorized() -> tuple[IntArray, list[str]]:
            codes, texts = pd.factorize(self.frame[column], sort=True)
            return codes.astype(np.int64), [str(text) for text in texts]

        return self.once(("groups", column), factorized)

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What `make` makes of these rows, made once for every `key`."""
        if key not in self._made:
            self._made[key] = make()
        made: Made = self._made[key]
        return made

    @cached_property
    def _made(self) -> dict[Hashable, Any]:
        return {}

    @cached_property
    def design(self) -> FloatArray:
        """The terms (k, n)."""
        return np.array([self.values(term) for term in self.terms])

    @cached_property
    def returned(self) -> BoolArray:
        """Whether the customer ordered in the outcome period (n,); false where that is not known."""
        came: BoolArray = self.values("next_order_count") > 0
        return came
