"""What an arm did against the holdout: differences of shares, spend and means with 95 % intervals and p-values.

All functions take arrays of equal length, one entry per comparison; an entry that can't be computed is NaN.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats

from olist_segments.arrays import FloatArray

_Z95 = 1.959963984540054


class Effects(NamedTuple):
    """Arm less holdout in the unit of the outcome, its 95 % interval, and the two-sided p-value of no difference."""

    difference: FloatArray
    low: FloatArray
    high: FloatArray
    p_value: FloatArray


def share_effects(ordered: FloatArray, count: FloatArray, ordered_0: FloatArray, count_0: FloatArray) -> Effects:
    """Differences of two shares, `ordered / count` of the arm less `ordered_0 / count_0` of the holdout.

    Interval: Newcombe (1998), Statistics in Medicine 17, 873-890, method 10, from the Wilson intervals of both shares;
    it keeps its level where orders are few. p-value: the score test of equal shares (the pooled z-test).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        share, share_0 = ordered / count, ordered_0 / count_0
        difference = share - share_0
        low, high = _wilson(share, count)
        low_0, high_0 = _wilson(share_0, count_0)
        pooled = (ordered + ordered_0) / (count + count_0)
        error = np.sqrt(pooled * (1 - pooled) * (1 / count + 1 / count_0))
        z = np.where(error > 0, difference / error, np.where(np.isnan(difference), np.nan, 0.0))
    return Effects(
        difference,
        difference - np.hypot(share - low, high_0 - share_0),
        difference + np.hypot(high - share, share_0 - low_0),
        2 * stats.norm.sf(np.abs(z)),
    )


def spend_effects(
    mean: FloatArray,
    variance: FloatArray,
    count: FloatArray,
    mean_0: FloatArray,
    variance_0: FloatArray,
    count_0: FloatArray,
) -> Effects:
    """Differences of two means of spend (per customer, those who ordered nothing count 0).

    `variance`: of single customers, n - 1. Where orders are few, Welch's interval calls up to a fifth of campaigns
    without effect different: an arm with hardly an order shows hardly a variance. So the variance is taken from the
    mean, as for a share: spend counts as so many amounts of one size, R = sum of squares / sum over both arms, and the
    interval is R times that of `share_effects` for mean / R. NaN where nobody spent anything.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        total, total_0 = mean * count, mean_0 * count_0
        squares = variance * (count - 1) + mean * total + variance_0 * (count_0 - 1) + mean_0 * total_0
        size = squares / (total + total_0)
        amounts, amounts_0 = np.minimum(total / size, count), np.minimum(total_0 / size, count_0)
    shares = share_effects(amounts, count, amounts_0, count_0)
    # Of the means themselves, for a share is at most 1.
    return Effects(mean - mean_0, shares.low * size, shares.high * size, shares.p_value)


def mean_effects(
    mean: FloatArray,
    variance: FloatArray,
    count: FloatArray,
    mean_0: FloatArray,
    variance_0: FloatArray,
    count_0: FloatArray,
) -> Effects:
    """Differences of two means with unequal variances (of single customers, n - 1): Welch (1947), Biometrika 34, 28-35.

    NaN where an arm has fewer than two customers; where nobody differs from anybody the interval is the difference
    itself.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = np.where((count > 1) & (count_0 > 1), mean - mean_0, np.nan)
        part, part_0 = variance / count, variance_0 / count_0
        error = np.sqrt(part + part_0)
        freedom = (part + part_0) ** 2 / (part**2 / (count - 1) + part_0**2 / (count_0 - 1))
        width = np.where(error > 0, stats.t.ppf(0.975, freedom) * error, 0.0)
        p_value = np.where(error > 0, 2 * stats.t.sf(np.abs(difference / error), freedom), (difference == 0) * 1.0)
    p_value = np.where(np.isnan(difference), np.nan, p_value)
    return Effects(difference, difference - width, difference + width, p_value)


def adjusted(p_values: FloatArray) -> FloatArray:
    """p-values of one family of comparisons, adjusted for looking at many: Benjamini & Hochberg (1995), JRSS B 57, 289.

    Calling different those up to 0.05 leaves at most one in twenty of them wrong on average. NaN counts for no test.
    """
    result = np.full(len(p_values), np.nan)
    known = ~np.isnan(p_values)
    if known.any():
        result[known] = stats.false_discovery_control(p_values[known])
    return result


def _wilson(share: FloatArray, count: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The 95 % Wilson score interval of shares: Wilson (1927), JASA 22, 209-212."""
    square = _Z95**2
    centre = share + square / (2 * count)
    width = _Z95 * np.sqrt((share * (1 - share) + square / (4 * count)) / count)
    scale = 1 + square / count
    return (centre - width) / scale, (centre + width) / scale
