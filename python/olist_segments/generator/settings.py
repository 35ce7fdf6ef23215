"""What a marketplace is asked to be: size, seed, planted separation, planted change; checked on the way in."""

from __future__ import annotations

import csv
import datetime
import math
import zlib
from dataclasses import dataclass
from pathlib import Path
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
LAST_DAY = datetime.date(2018, 10, 31)
"""After everything that happens in a marketplace."""
RESPONSE_DAYS = 90
"""Within so many days of a campaign list a planted answer to it comes."""


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
class Response:
    """A planted answer to a campaign: of `customers`, who were listed as of `date`, a `share` orders again.

    They do so within RESPONSE_DAYS. Customers are named by customer_unique_id, in order; `name` is that of the list.
    """

    customers: tuple[str, ...]
    date: datetime.date
    share: float
    name: str

    @classmethod
    def parse(cls, text: str) -> Response:
        """Read `LIST.csv:SHARE`; raise UserError where the list or the share is none."""
        name, _, number = text.rpartition(":")
        try:
            share = float(number)
        except ValueError:
            share = math.nan
        if not name or not 0 < share <= 1:
            raise UserError(f"--response {text!r} is not LIST.csv:SHARE: give a campaign list and a share of 0 to 1.")
        try:
            with Path(name).open(encoding="utf-8-sig", newline="") as stream:
                rows = [(row["customer_unique_id"], row["as_of_date"]) for row in csv.DictReader(stream, strict=True)]
            (day,) = {day for _, day in rows}
            date = datetime.date.fromisoformat(day)
        except (OSError, KeyError, ValueError, TypeError, csv.Error) as error:
            reason = error.strerror if isinstance(error, OSError) else "it has no customers of one as-of date"
            raise UserError(
                f"--response {name!r} can't be read as a campaign list ({reason}): give another."
            ) from error
        return cls(tuple(sorted({customer for customer, _ in rows})), date, share, name)


@dataclass(frozen=True)
class Settings:
    """All that decides a marketplace's content: equal settings give equal bytes.

    `separation` None draws the published marginals with kinds as soft tendencies; a number >= 0 draws planted clouds
    whose nearest centres are that many within-kind standard deviations apart (see `kinds`). `until`: what was known at
    the end of that day, None for all. `responses`: answers to campaigns, each by newcomers of its own.
    """

    orders: int = DEFAULT_ORDERS
    seed: int = DEFAULT_SEED
    separation: float | None = None
    change: Change | None = None
    until: datetime.date | None = None
    responses: tuple[Response, ...] = ()

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
