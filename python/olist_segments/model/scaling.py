"""From a feature table to the numbers that clustering sees, by a recipe simple enough for SQL to repeat.

Every feature becomes z = (t(x) - shift) / scale, where t is a named transform, x is the raw value (or `impute_value`
where it is missing) brought inside the bounds learned at the fit, and shift and scale are the mean and the population
standard deviation of t(x) over the known values. Features are always in the order of their names, so neither the order
of columns nor of the mapping can change a result.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from olist_segments.arrays import FloatArray, IntArray
from olist_segments.errors import UserError

TRANSFORMS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "identity": lambda x: x,
    "ln": np.log,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
}
"""Name to function; each takes and returns an array of float64 in raw and in transformed units."""

# What each transform accepts, as a lower bound, whether the bound itself is outside, and the words for it.
_DOMAINS: dict[str, tuple[float, bool, str]] = {
    "ln": (0.0, True, "at or below 0"),
    "log1p": (-1.0, True, "at or below -1"),
    "sqrt": (0.0, False, "below 0"),
}
# The raw value that a transform sends to 0: stands in for a feature that nobody has a value of.
_NEUTRAL = {"identity": 0.0, "ln": 1.0, "log1p": 0.0, "sqrt": 0.0}
TAIL_SHARE = 0.005
"""At most this share of the customers lies beyond a bound: the others are brought to it (Winsor's rule)."""

FENCE = 1.5
"""A bound is no further than so many interquartile ranges from the quartiles (Tukey 1977, the inner fences) …"""

FENCE_MAX_SHARE = 0.05
"""… unless more than this share lies beyond that: those are no outliers but a part of everybody."""

# A spread smaller than this share of the values' size is rounding, not spread.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Scaling:
    """How one feature becomes a z-score: z = (transform(x) - shift) / scale.

    `shift` and `scale` are in transformed units, `impute_value` (used for a missing x) and the bounds (an x beyond one
    counts as the bound; none is no bound) in raw units. `is_constant` only reports that the feature did not vary where
    the scaling was learned: the formula is the same.
    """

    name: str
    transform: str
    shift: float
    scale: float
    impute_value: float
    is_constant: bool = False
    lower_bound: float | None = None
    upper_bound: float | None = None

    def standardise(self, transformed: FloatArray) -> FloatArray:
        """The z-scores of transformed values (n,), missing ones (NaN) imputed.

        A transform keeps the order of values: what is brought inside the transformed bounds is inside the bounds.
        """
        transform = TRANSFORMS[self.transform]
        z = transformed.copy()
        missing = np.isnan(z)
        if missing.any():
            z[missing] = transform(np.asarray(self.impute_value))
        if self.lower_bound is not None:
            np.maximum(z, transform(np.asarray(self.lower_bound)), out=z)
        if self.upper_bound is not None:
            np.minimum(z, transform(np.asarray(self.upper_bound)), out=z)
        z -= self.shift
        z /= self.scale
        return z


class Features:
    """The raw features of n customers: each is read, checked and transformed once, however many models ask for it."""

    def __init__(self, frame: pd.DataFrame) -> None:
        """`frame` has a row per customer and does not change."""
        self._frame = frame
        self._raw: dict[tuple[str, str], FloatArray] = {}
        self._transformed: dict[tuple[str, str], FloatArray] = {}

    @classmethod
    def of(cls, table: Table) -> Features:
        """Those of a data frame; or `table` itself, with all that has been asked of it."""
        return table if isinstance(table, Features) else cls(table)

    def __len__(self) -> int:
        """The number of customers."""
        return len(self._frame)

    def raw(self, name: str, transform: str) -> FloatArray:
        """See `raw_values`."""
        if (name, transform) not in self._raw:
            self._raw[name, transform] = raw_values(self._frame, name, transform)
        return self._raw[name, transform]

    def transformed(self, name: str, transform: str) -> FloatArray:
        """The same on the scale of the transform."""
        if (name, transform) not in self._transformed:
            self._transformed[name, transform] = TRANSFORMS[transform](self.raw(name, transform))
        return self._transformed[name, transform]

    def take(self, rows: IntArray) -> Features:
        """Those of the customers at these positions."""
        return _Taken(self, rows)


class _Taken(Features):
    """The features of some customers of others, looked up there."""

    def __init__(self, everybody: Features, rows: IntArray) -> None:
        self._everybody, self._rows = everybody, rows

    def __len__(self) -> int:
        return len(self._rows)

    def raw(self, name: str, transform: str) -> FloatArray:
        return self._everybody.raw(name, transform)[self._rows]

    def transformed(self, name: str, transform: str) -> FloatArray:
        return self._everybody.transformed(name, transform)[self._rows]


Table = pd.DataFrame | Features
"""Raw features, a row per customer."""


def raw_values(frame: pd.DataFrame, name: str, transform: str) -> FloatArray:
    """Column `name` as float64 (n,), NaN where missing, checked against what `transform` accepts.

    Raises UserError for an absent or non-numeric column, an unknown transform, an infinite value or a value outside the
    transform's domain.
    """
    if transform not in TRANSFORMS:
        raise UserError(f"feature {name} asks for transform {transform!r}: use one of {', '.join(TRANSFORMS)}.")
    if name not in frame.columns:
        raise UserError(f"feature {name} is not a column of the feature table: add it there or take it off the list.")
    try:
        values = pd.to_numeric(frame[name]).to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        raise UserError(f"feature {name} holds values that are not numbers: clustering needs numbers.") from None
    infinite = int(np.isinf(values).sum())
    if infinite:
        raise UserError(f"feature {name} is infinite for {infinite:,} customers: make it missing or finite.")
    if transform in _DOMAINS:
        bound, is_open, words = _DOMAINS[transform]
        outside = int((values <= bound).sum() if is_open else (values < bound).sum())
        if outside:
            raise UserError(
                f"feature {name} is {words} for {outside:,} customers, where {transform} is not defined: "
                "choose another transform or fix the feature."
            )
    return values


def value_bounds(values: FloatArray, transform: str) -> tuple[float, float]:
    """Where a feature is cut off, learned from its known raw `values` (n,): lower and upper bound, both among them.

    At most TAIL_SHARE of the values lie beyond a bound, and none beyond the FENCE unless more than FENCE_MAX_SHARE do;
    the fence is measured in transformed units. Cut off like this, neither a few huge orders nor a hundred test accounts
    that paid a cent can draw a segment to themselves.
    """
    ordered = np.sort(values)
    transformed = TRANSFORMS[transform](ordered)
    lower = upper = int(len(ordered) * TAIL_SHARE)
    first, third = np.quantile(transformed, [0.25, 0.75])
    reach = FENCE * (third - first)
    if reach > 0:
        below = int(np.searchsorted(transformed, first - reach, side="left"))
        above = len(ordered) - int(np.searchsorted(transformed, third + reach, side="right"))
        lower = max(lower, below if below <= FENCE_MAX_SHARE * len(ordered) else 0)
        upper = max(upper, above if above <= FENCE_MAX_SHARE * len(ordered) else 0)
    return float(ordered[lower]), float(ordered[-1 - upper])


def exact_sum(values: FloatArray) -> float:
    """The sum of finite `values` (n,), below 2^27 of them, which no order of theirs changes: math.fsum, vectorised.

    Three limbs of 36 bits below the largest value, each added up in whole numbers; what is beyond is no part of a sum.
    """
    # Of a smaller number than 2^-1000 the power of two below would be infinite.
    exponent = max(math.frexp(float(np.abs(values).max(initial=0.0)))[1], -1000)
    rest = values * math.ldexp(1.0, -exponent)
    total = 0
    for _ in range(3):
        rest *= 2.0**36
        whole = np.rint(rest)
        rest -= whole
        total = (total << 36) + int(whole.astype(np.int64).sum())
    return math.ldexp(total, exponent - 108)


def fit_scaling(frame: Table, features: Mapping[str, str]) -> list[Scaling]:
    """Learn one `Scaling` a feature from `frame` (n rows), in the order of the names.

    `features` maps a column to the name of its transform. Values beyond `value_bounds` count as the bound. A missing
    review is not a zero: missing values are left out of shift and scale and are imputed later with the mean of the
    known raw values. A feature that does not vary (or that nobody has) gets scale 1, is reported as constant and is 0
    for everybody it was learned from. Sums are those of `exact_sum`, so the order of the rows can't change a digit.
    Raises UserError as `raw_values` does.
    """
    scalings = []
    customers = Features.of(frame)
    for name in sorted(features):
        transform = features[name]
        values = customers.raw(name, transform)
        known = values[~np.isnan(values)]
        if not len(known):
            scalings.append(Scaling(name, transform, 0.0, 1.0, _NEUTRAL[transform], is_constant=True))
            continue
        lower, upper = value_bounds(known, transform)
        known = np.clip(known, lower, upper)
        transformed = TRANSFORMS[transform](known)
        shift = exact_sum(transformed) / len(known)
        scale = math.sqrt(exact_sum((transformed - shift) ** 2) / len(known))
        impute_value = exact_sum(known) / len(known)
        is_constant = scale <= _ROUNDING * float(np.abs(transformed).max())
        if is_constant:
            shift, scale = float(transformed.min()), 1.0
        scalings.append(Scaling(name, transform, shift, scale, impute_value, is_constant, lower, upper))
    return scalings


def design_matrix(frame: Table, scalings: Sequence[Scaling]) -> FloatArray:
    """The z-scores of `frame` under `scalings`: float64 (n, d), columns in the order of `scalings`, no missing value.

    Raises UserError as `raw_values` does.
    """
    customers = Features.of(frame)
    matrix = np.empty((len(customers), len(scalings)))
    for column, scaling in enumerate(scalings):
        matrix[:, column] = scaling.standardise(customers.transformed(scaling.name, scaling.transform))
    return matrix
