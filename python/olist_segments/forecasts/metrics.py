"""Figures of a forecast: ranking with its error, calibration, tenths, lift, concentration of revenue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from olist_segments.arrays import FloatArray, IntArray
from olist_segments.intervals import UNDEFINED, Interval, normal_interval

BoolArray = npt.NDArray[np.bool_]

SMALLEST_PROBABILITY = 1e-6
"""Log loss and log-odds take a probability closer to 0 or 1 than this as this."""

_CALIBRATION_BINS = 1_000


@dataclass(frozen=True, eq=False)
class Levels:
    """Who has which of the distinct values, numbered from the lowest (n,), and how many have each (levels,)."""

    level: IntArray
    count: IntArray

    @classmethod
    def of(cls, values: FloatArray) -> Levels:
        """From the values (n,)."""
        _, level, count = np.unique(values, return_inverse=True, return_counts=True)
        return cls(level.astype(np.int64), count.astype(np.int64))

    def sums(self, weights: Any) -> FloatArray:
        """The sum of `weights` (n,) at each level (levels,)."""
        sums: FloatArray = np.bincount(self.level, weights=weights, minlength=len(self.count)).astype(np.float64)
        return sums


class Ranking(NamedTuple):
    """Where a score puts customers, as DeLong's placement values.

    `returned`: of each of the m customers who returned, the share of the others that scored less, equals counting half
    (m,); `others`: of each of the n others, the share of those who returned that scored more (n,). The mean of either
    is the area under the ROC curve (AUC), NaN where there is nobody on a side.
    """

    returned: FloatArray
    others: FloatArray

    @property
    def auc(self) -> float:
        """Chance that a customer who returned scored more than one who did not, 0 to 1."""
        return float(self.returned.mean()) if len(self.returned) and len(self.others) else float("nan")

    @property
    def variance(self) -> float:
        """Variance of the AUC: DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44, 837-845."""
        return _variance(self.returned, self.others)

    def less(self, other: Ranking) -> tuple[float, float]:
        """AUC less that of another score of the same customers, and the variance of the paired difference."""
        return self.auc - other.auc, _variance(self.returned - other.returned, self.others - other.others)


def _variance(returned: FloatArray, others: FloatArray) -> float:
    if min(len(returned), len(others)) < 2:
        return float("nan")
    return float(returned.var(ddof=1) / len(returned) + others.var(ddof=1) / len(others))


def ranking(score: Levels, returned: BoolArray) -> Ranking:
    """The placement values of scores of n customers, the higher the likelier to return."""
    again = score.sums(returned)
    other = score.count - again
    with np.errstate(invalid="ignore", divide="ignore"):
        of_returned = (np.cumsum(other) - other / 2) / other.sum()
        of_others = (again.sum() - np.cumsum(again) + again / 2) / again.sum()
    return Ranking(of_returned[score.level[returned]], of_others[score.level[~returned]])


def mean_over_dates(
    values: Sequence[float], variances: Sequence[float], dates: Sequence[pd.Timestamp], outcome_days: int
) -> Interval:
    """Mean of a figure over judged dates, with its 95 % interval.

    Outcome periods of near dates share days, so the errors of two dates are taken as correlated by that share:
    w_ij = max(0, 1 - days apart / outcome_days), variance of the mean = sum of w_ij s_i s_j / n^2.
    """
    if not values:
        return UNDEFINED
    days = np.array([date.toordinal() for date in dates])
    shared = np.maximum(0.0, 1 - np.abs(days[:, None] - days[None, :]) / outcome_days)
    errors = np.sqrt(np.maximum(np.asarray(variances, dtype=np.float64), 0))
    mean = float(np.mean(values))
    error = float(np.sqrt(max(errors @ shared @ errors, 0.0)) / len(errors))
    return normal_interval(mean, error)


def log_odds(probability: FloatArray) -> FloatArray:
    """ln(p / (1 - p)), probabilities being kept off 0 and 1 by SMALLEST_PROBABILITY."""
    kept = np.clip(probability, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    odds: FloatArray = np.log(kept / (1 - kept))
    return odds


def inverse_log_odds(value: FloatArray) -> FloatArray:
    """The probabilities of log-odds."""
    # Far below 0, exp is infinite and the probability 0, as in SQL.
    with np.errstate(over="ignore"):
        probability: FloatArray = 1 / (1 + np.exp(-value))
    return probability


class Binned(NamedTuple):
    """Customers in bins of like log-odds: mean log-odds, customers, and how many returned; (b,) each, b <= 1,000.

    Of a date with fewer customers each has a bin of its own. For calibration, the bins say what the customers say.
    """

    log_odds: FloatArray
    customers: FloatArray
    returned: FloatArray


def binned(probability: FloatArray, levels: Levels, returned: BoolArray) -> Binned:
    """The bins, of equally many customers in the order of their probabilities, whose `levels` are given."""
    # Short integers are sorted by counting.
    order = np.argsort(levels.level.astype(np.min_scalar_type(len(levels.count))), kind="stable")
    starts = np.unique(np.arange(_CALIBRATION_BINS) * len(order) // _CALIBRATION_BINS)
    count = np.diff(np.append(starts, len(order))).astype(np.float64)
    sums = np.add.reduceat(log_odds(probability)[order], starts)
    return Binned(sums / count, count, np.add.reduceat(returned[order].astype(np.float64), starts))


def pooled(bins: Sequence[Binned]) -> Binned:
    """The bins of several dates as those of one."""
    return Binned(*(np.concatenate([getattr(one, name) for one in bins]) for name in Binned._fields))


def calibration_line(bins: Binned) -> tuple[float, float]:
    """Intercept and slope of a logistic regression of the outcome on the log-odds, without penalty.

    0 and 1 for forecasts that are right on average and spread out enough; a slope below 1: too far apart. The same line
    recalibrates (Platt 1999, "Probabilistic outputs for support vector machines"). NaN where it is not defined: the
    forecasts are all alike, nobody or everybody returned, or the outcome is separated.
    """
    undefined = float("nan"), float("nan")
    x, count, returned = bins
    if len(x) == 0 or np.ptp(x) < 1e-9 or not 0 < returned.sum() < count.sum():
        return undefined
    centre = float(np.average(x, weights=count))
    design = np.stack([np.ones_like(x), x - centre])
    share = returned.sum() / count.sum()
    line = np.array([np.log(share / (1 - share)), 0.0])
    for _ in range(100):
        probability = inverse_log_odds(line @ design)
        weight = count * probability * (1 - probability)
        gradient = design @ (returned - count * probability)
        try:
            step = np.linalg.solve((design * weight) @ design.T, gradient)
        except np.linalg.LinAlgError:
            return undefined
        # A whole step may overshoot where hardly anybody returns.
        line = line + step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-300))
        if np.abs(line).max() > 1e3:
            return undefined
        if np.abs(step).max() < 1e-10:
            return float(line[0] - line[1] * centre), float(line[1])
    return undefined


def tenths(probability: Levels) -> IntArray:
    """Tenth of each customer, 1 the highest: ceil(10 x share of customers with as high a probability); ties alike."""
    at_least = np.cumsum(probability.count[::-1])[::-1]
    numbers: IntArray = np.ceil(10 * (at_least / max(len(probability.level), 1))).astype(np.int64)
    return numbers[probability.level]


def top_tenth_lift(score: Levels, returned: BoolArray) -> float:
    """Share that returned among the tenth of customers with the highest scores, over the share among all.

    Of customers who tie at the edge of the tenth, the same fraction of each counts. NaN where nobody returned.
    """
    if not returned.any():
        return float("nan")
    count = score.count[::-1].astype(np.float64)
    room = len(score.level) / 10
    counted = np.clip(room - (np.cumsum(count) - count), 0, count) / count
    in_top = float(score.sums(returned)[::-1] @ counted)
    return in_top / room / float(returned.mean())


def revenue_gini(expected: Levels, actual: FloatArray, best: float) -> float:
    """How well expected revenue orders customers by actual revenue: 1 as if it were known, 0 by chance.

    `concentration` in the order of expected revenue over `best`, that in the order of actual revenue. NaN where all
    spend alike.
    """
    return concentration(expected, actual) / best if best > 1e-12 else float("nan")


def concentration(order_by: Levels, amount: FloatArray) -> float:
    """The Gini coefficient of the curve of cumulated amounts (n,), customers in descending order; 0 without any."""
    count, total = order_by.count[::-1], order_by.sums(amount)[::-1]
    if not total.sum():
        return 0.0
    people = np.concatenate([[0], np.cumsum(count) / count.sum()])
    money = np.concatenate([[0], np.cumsum(total) / total.sum()])
    return float(2 * np.sum(np.diff(people) * (money[1:] + money[:-1]) / 2) - 1)


def log_loss(probability: FloatArray | float, returned: Any) -> float:
    """Sum of -ln of the probability given to what happened."""
    kept = np.clip(probability, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    return float(-np.where(returned, np.log(kept), np.log(1 - kept)).sum())
