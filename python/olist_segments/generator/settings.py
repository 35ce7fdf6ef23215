"""What a marketplace is asked to be: size, seed, planted separation, planted change; checked on the way in."""

from __future__ import annotations

import datetime
import math
import zlib
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from olist_segments.errors import UserError

Feature = Literal["spend", "satisfaction", "frequency"]
Format = Literal["csv", "parquet"]

DEFAULT_ORDERS = 3000
DEFAULT_SEED = 20_180_831
EPOCH = datetime.date(2016, 1, 1)
WINDOW_START = datetime.date(2017, 1, 1)
WINDOW_END = datetime.date(2018, 8, 31)


@dataclass(frozen=True)
class Change:
    """A planted change of behaviour: from `date` (of purchase) on, one feature is drawn differently and no other.

    `spend` multiplies every price by 1.8, `satisfaction` takes one point from every score above 1, `frequency` turns
    15 % of the single-order buyers' purchases into a further purchase of somebody who had bought before.
    """

    feature: Feature
    date: datetime.date

    @classmethod
    def parse(cls, text: str) -> Change:
        """Read `FEATURE@YYYY-MM-DD`; raise UserError when the feature or the date is not one of those possible."""
        feature, _, day = text.partition("@")
        for known in get_args(Feature):
            if feature == known:
                try:
                    date = datetime.date.fromisoformat(day)
                except ValueError:
                    break
                if WINDOW_START < date <= WINDOW_END:
                    return cls(known, date)
        names = ", ".join(get_args(Feature))
        raise UserError(
            f"--change {text!r} is not FEATURE@DATE: give one of {names}, an @ and a day from 2017-01-02 to 2018-08-31."
        )


@dataclass(frozen=True)
class Settings:
    """All that decides a marketplace's content: equal settings give equal bytes.

    `separation` None draws the published marginals with kinds as soft tendencies; a number >= 0 draws planted clouds
    whose nearest centres are that many within-kind standard deviations apart (see `kinds`).
    """

    orders: int = DEFAULT_ORDERS
    seed: int = DEFAULT_SEED
    separation: float | None = None
    change: Change | None = None

    def __post_init__(self) -> None:
        """Raise UserError for a size, seed or separation that no marketplace can have."""
        if not 1 <= self.orders <= 50_000_000:
            raise UserError(f"--orders {self.orders} is out of range: give a whole number from 1 to 50000000.")
        if not 0 <= self.seed < 2**63:
            raise UserError(f"--seed {self.seed} is out of range: give a whole number from 0 to 2^63 - 1.")
        if self.separation is not None and not (math.isfinite(self.separation) and self.separation >= 0):
            raise UserError(f"--separation {self.separation} is not a distance: give a finite number of 0 or more.")

    def stream(self, name: str) -> np.random.Generator:
        """An independent random stream for one stage, so that a change in one stage leaves the others as they were."""
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])


def seconds(date: datetime.date) -> int:
    """Seconds from the generator's epoch, 2016-01-01, to midnight of `date`."""
    return (date - EPOCH).days * 86_400
