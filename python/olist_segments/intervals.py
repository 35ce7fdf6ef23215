"""Estimates with 95 % intervals."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_Z95 = 1.959963984540054


class Interval(NamedTuple):
    """An estimate with its 95 % interval; all three are NaN where it is not defined."""

    value: float
    low: float
    high: float

    @property
    def standard_error(self) -> float:
        """Half the width of the interval in units of the normal's 97.5 % quantile."""
        return (self.high - self.low) / (2 * _Z95)


UNDEFINED = Interval(np.nan, np.nan, np.nan)


def normal_interval(value: float, standard_error: float) -> Interval:
    """`value` plus and minus 1.96 standard errors."""
    return Interval(value, value - _Z95 * standard_error, value + _Z95 * standard_error)
