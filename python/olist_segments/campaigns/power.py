"""What a campaign of a given size can show: the smallest rise found with 80 % power at 5 %, two-sided.

Found means what a finished campaign calls earned: the whole interval of `effects` is above 0. For shares the power is
exact, by all pairs of two binomials, for formulas promise up to 15 points more power than
there is where few are held out and one in a hundred orders.
"""

from __future__ import annotations

import numpy as np
from scipy import optimize, stats

from olist_segments.arrays import FloatArray
from olist_segments.campaigns.effects import share_effects

POWER = 0.8
_SIGNIFICANCE = 0.05
# Numbers of orders outside are too improbable to matter.
_TAIL = 1e-9


def share_power(base: float, treated: float, count: int, holdout_count: int) -> float:
    """How often a rise is found: shares `base` in the holdout and `treated` in the arm, of so many customers."""
    orders, needed = _needed(base, count, holdout_count)
    return _power(orders, needed, base, treated, count, holdout_count)


def smallest_share(base: float, count: int, holdout_count: int) -> float | None:
    """The smallest share of the arm that is found to be above `base`; None where not even everybody would be."""
    orders, needed = _needed(base, count, holdout_count)

    def missing(treated: float) -> float:
        return _power(orders, needed, base, treated, count, holdout_count) - POWER

    if base >= 1 or missing(1.0) < 0:
        return None
    return float(optimize.brentq(missing, base, 1.0, xtol=1e-9))


def people_needed(base: float, treated: float) -> int | None:
    """Customers per arm, two arms of one size, so that a rise from `base` to `treated` is found; None: over 10^8."""
    if not 0 <= base < treated <= 1:
        return None
    # The formula is near enough to start from, and the power rises with the size but for small steps.
    h = 2 * np.arcsin(np.sqrt(treated)) - 2 * np.arcsin(np.sqrt(base))
    guess = 2 * (_QUANTILES / h) ** 2
    if guess > _MOST:
        return None
    low, high = max(2, int(guess / 2)), int(guess * 2) + 10
    while share_power(base, treated, high, high) < POWER:
        low, high = high, high * 2
    while share_power(base, treated, low, low) >= POWER and low > 2:
        low, high = max(2, low // 2), low
    while high - low > max(1, low // 500):
        middle = (low + high) // 2
        if share_power(base, treated, middle, middle) < POWER:
            low = middle
        else:
            high = middle
    return high


def smallest_mean_rise(mean: float, deviation: float, count: int, holdout_count: int) -> float | None:
    """The smallest rise of a mean that is found, in its unit; None where nobody differs from anybody.

    `mean`, `deviation`: of single customers without a campaign. As `spend_effects` has it, spend is so many amounts of
    one size, and a rise comes from more of them.
    """
    if deviation <= 0 or mean <= 0:
        return None
    size = (deviation**2 + mean**2) / mean
    found = smallest_share(mean / size, count, holdout_count)
    return None if found is None else found * size - mean


# More customers than a marketplace has; from there on the exact power takes long.
_MOST = 1e8
_QUANTILES = float(stats.norm.isf(_SIGNIFICANCE / 2) + stats.norm.ppf(POWER))


def _needed(base: float, count: int, holdout_count: int) -> tuple[FloatArray, FloatArray]:
    """Numbers of orders in the holdout, and the fewest in the arm whose interval is then above 0 (count + 1: none)."""
    first, last = stats.binom.ppf([_TAIL, 1 - _TAIL], holdout_count, base)
    orders = np.arange(max(first, 0), last + 1)
    low, high = np.zeros(len(orders)), np.full(len(orders), float(count + 1))
    n, n0 = np.full(len(orders), float(count)), np.full(len(orders), float(holdout_count))
    while np.any(high - low > 1):
        middle = np.floor((low + high) / 2)
        found = share_effects(middle, n, orders, n0).low > 0
        low, high = np.where(found, low, middle), np.where(found, middle, high)
    return orders, high


def _power(
    orders: FloatArray, needed: FloatArray, base: float, treated: float, count: int, holdout_count: int
) -> float:
    return float(np.sum(stats.binom.pmf(orders, holdout_count, base) * stats.binom.sf(needed - 1, count, treated)))
