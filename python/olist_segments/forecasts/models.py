"""Forecasts by groups and by logistic regression, and what a customer who returns orders and spends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np

from olist_segments.arrays import FloatArray
from olist_segments.forecasts.history import History
from olist_segments.forecasts.metrics import BoolArray, inverse_log_odds, log_odds
from olist_segments.forecasts.parameters import CannotFit, Parameter, kept

INVERSE_PENALTY = 0.005
"""C of the logistic regression, by measurement on the real export: from 0.003 to 0.01 the ranking is the same, and
0.005 keeps the orders forecast within 0.8 to 1.25 of those that came on every judged date."""

_SMALLEST_YEAR = 30
# Newton's method has settled when no coefficient moves by more.
_SMALLEST_STEP, _MOST_STEPS, _MOST_HALVINGS = 1e-6, 50, 30


class Forecast(NamedTuple):
    """What is forecast of n customers, (n,) each: chance of an order, what ranks them, orders, revenue."""

    probability: FloatArray
    score: FloatArray
    orders: FloatArray
    revenue: FloatArray


class Fitted(Protocol):
    """A model with its parameters."""

    def forecast(self, history: History, rows: slice) -> Forecast:
        """What it says of the customers of these rows."""
        ...

    def parameters(self) -> list[Parameter]:
        """What SQL needs to say the same."""
        ...

    def recalibrated(self, intercept: float, slope: float) -> Fitted:
        """The same with log-odds intercept + slope x its own: Platt (1999)."""
        ...


@dataclass(frozen=True)
class Amounts:
    """Orders and spend of a customer who returns.

    Spend is exp(spend_intercept + spend_slope x ln(1 + average_day_value)). The mean of what was spent is above exp of
    a mean of logarithms, so the intercept holds Duan's smearing (1983, JASA 78, 605-610), as a factor that makes the
    totals match in training.
    """

    orders_per_return: float = 1.0
    spend_intercept: float = 0.0
    spend_slope: float = 0.0

    @classmethod
    def fit(cls, history: History, training: Sequence[int]) -> Amounts:
        """From the customers who returned in the training outcomes; the default where nobody did."""
        rows = history.rows_of(training)
        returned = history.returned[rows]
        if not returned.any():
            return cls()
        orders = history.values("next_order_count")[rows][returned]
        spend = history.values("next_spend")[rows][returned]
        x = np.log1p(history.values("average_day_value")[rows][returned])
        paid = spend > 0
        if not paid.any():
            return cls(kept(float(orders.mean())), -700.0)
        x_paid, y = x[paid], np.log(spend[paid])
        spread = float(((x_paid - x_paid.mean()) ** 2).sum())
        slope = float(((x_paid - x_paid.mean()) * y).sum()) / spread if spread > 1e-9 else 0.0
        intercept = float(np.log(spend.sum() / np.exp(slope * x).sum()))
        return cls(kept(float(orders.mean())), kept(intercept), kept(slope))

    def spend(self, average_day_value: FloatArray) -> FloatArray:
        """Spend of a return (n,), by the mean value of the customer's purchase days so far (n,)."""
        amount: FloatArray = np.exp(self.spend_intercept + self.spend_slope * np.log1p(average_day_value))
        return amount

    def forecast(self, history: History, rows: slice, probability: FloatArray, score: FloatArray) -> Forecast:
        """The forecast of customers with these chances."""
        revenue = probability * self.spend(history.values("average_day_value")[rows])
        return Forecast(probability, score, probability * self.orders_per_return, revenue)

    def parameters(self) -> list[Parameter]:
        """Rows of the part 'amount'."""
        names = ("orders_per_return", "spend_intercept", "spend_slope")
        return [Parameter("amount", name, "", getattr(self, name)) for name in names]


def year_parameters(history: History, date: int) -> list[Parameter]:
    """Orders within a year over orders within the outcome period, by band and of everybody; none before it is known.

    A band with fewer than 30 orders in the outcome periods has the ratio of everybody.
    """
    known = history.year_known(date)
    if not known:
        return []
    rows = history.rows_of(known)
    codes, bands = history.groups("year_band")
    orders, year_orders = (
        np.bincount(codes[rows], weights=history.values(name)[rows], minlength=len(bands))
        for name in ("next_order_count", "next_year_order_count")
    )
    if not orders.sum():
        return []
    everybody = kept(float(year_orders.sum() / orders.sum()))
    found = [Parameter("year", "orders_ratio", "", everybody)]
    for band in np.unique(codes[rows]):
        is_known = orders[band] >= _SMALLEST_YEAR
        ratio = kept(float(year_orders[band] / orders[band])) if is_known else everybody
        found.append(Parameter("year", "orders_ratio", bands[band], ratio))
    return found


@dataclass(frozen=True)
class GroupRates:
    """A rule of thumb: the past rate of the customer's group; that of everybody for a group never seen.

    `rates` by text of the group, column `term` of forecast_features. The ranking is by the exact rule: the shorter the
    hiatus the likelier to return, and for naive_group those who came back once before all others.
    """

    term: str
    rates: dict[str, float]
    everybody: float
    amounts: Amounts

    @classmethod
    def fit(cls, history: History, training: Sequence[int], term: str, amounts: Amounts) -> GroupRates:
        """The rates in the training outcomes."""
        rows = history.rows_of(training)
        codes, texts = history.groups(term)
        count = np.bincount(codes[rows], minlength=len(texts))
        returned = np.bincount(codes[rows], weights=history.returned[rows], minlength=len(texts))
        rates = {texts[code]: kept(returned[code] / count[code]) for code in np.flatnonzero(count)}
        return cls(term, rates, kept(float(history.returned[rows].mean())), amounts)

    def forecast(self, history: History, rows: slice) -> Forecast:
        """The rates, with the score of the exact rule."""
        codes, texts = history.groups(self.term)
        rates = np.array([self.rates.get(text, self.everybody) for text in texts])
        score = -history.values("recency_days")[rows]
        if self.term == "naive_group":
            score = score + 1e6 * (history.values("purchase_day_count")[rows] > 1)
        return self.amounts.forecast(history, rows, rates[codes[rows]], score)

    def parameters(self) -> list[Parameter]:
        """Rows of the parts 'group' and 'amount'."""
        groups = [Parameter("group", self.term, level, rate) for level, rate in sorted(self.rates.items())]
        return [Parameter("group", self.term, "", self.everybody), *groups, *self.amounts.parameters()]

    def recalibrated(self, intercept: float, slope: float) -> Fitted:
        """Past rates are not recalibrated."""
        raise NotImplementedError


@dataclass(frozen=True)
class PastShares:
    """What the past of a segment let expect, as the column `term` of forecast_features has it: judged, never chosen."""

    term: str
    amounts: Amounts

    def forecast(self, history: History, rows: slice) -> Forecast:
        """The shares; CannotFit where they are not known of everybody."""
        share = history.values(self.term)[rows]
        if np.isnan(share).any():
            raise CannotFit("not judged: what its segments let expect is not known on this date")
        return self.amounts.forecast(history, rows, share, share)

    def parameters(self) -> list[Parameter]:
        """None: it is never chosen."""
        return []

    def recalibrated(self, intercept: float, slope: float) -> Fitted:
        """Past shares are not recalibrated."""
        raise NotImplementedError


@dataclass(frozen=True)
class Logistic:
    """Logistic regression: log-odds = intercept + sum of coefficients x (x - shift) / scale."""

    terms: tuple[str, ...]
    intercept: float
    coefficients: tuple[float, ...]
    shifts: tuple[float, ...]
    scales: tuple[float, ...]
    amounts: Amounts

    @classmethod
    def fit(
        cls, history: History, training: Sequence[int], amounts: Amounts, start: Logistic | None = None
    ) -> Logistic:
        """Maximum likelihood with an L2 penalty on standardised terms; CannotFit where it ends nowhere.

        There is one maximum: `start`, the fit of the date before, only makes the way shorter.
        """
        rows = history.rows_of(training)
        x, returned = history.design[:, rows], history.returned[rows]
        if returned.all() or not returned.any():
            raise CannotFit("not fitted: in the training outcomes everybody behaves alike")
        shift = np.array([kept(value) for value in x.mean(axis=1)])
        z = x - shift[:, None]
        scale = np.array([kept(value) for value in np.sqrt(np.einsum("ij,ij->i", z, z) / z.shape[1])])
        scale[scale < 1e-9] = 1.0
        z /= scale[:, None]
        line = np.zeros(len(z) + 1) if start is None else np.array([start.intercept, *start.coefficients])
        values = [kept(float(value)) for value in penalised_maximum(z, returned, line)]
        return cls(tuple(history.terms), values[0], tuple(values[1:]), tuple(shift), tuple(scale), amounts)

    def forecast(self, history: History, rows: slice) -> Forecast:
        """The probabilities, which also rank."""
        weight = np.array(self.coefficients) / np.array(self.scales)
        z = weight @ history.design[:, rows] + (self.intercept - weight @ np.array(self.shifts))
        return self.amounts.forecast(history, rows, inverse_log_odds(z), z)

    def parameters(self) -> list[Parameter]:
        """Rows of the parts 'terms' and 'amount'."""
        of_terms = zip(self.terms, self.coefficients, self.shifts, self.scales, strict=True)
        rows = [
            Parameter("terms", term, "", value, float(shift), float(scale)) for term, value, shift, scale in of_terms
        ]
        return [Parameter("terms", "intercept", "", self.intercept, 0.0, 1.0), *rows, *self.amounts.parameters()]

    def recalibrated(self, intercept: float, slope: float) -> Logistic:
        """The line is folded into intercept and coefficients."""
        return replace(
            self,
            intercept=kept(intercept + slope * self.intercept),
            coefficients=tuple(kept(slope * value) for value in self.coefficients),
        )


def penalised_maximum(z: FloatArray, returned: BoolArray, start: FloatArray) -> FloatArray:
    """Intercept and coefficients (1 + k,) of the logistic regression of `returned` (n,) on terms z (k, n).

    By Newton's method from `start`, a step being halved until it leads down: what falls is the sum of squared
    coefficients over 2 INVERSE_PENALTY less the log-likelihood, as in scikit-learn. CannotFit where it ends nowhere.
    """
    line = start
    ridge = np.diag([0.0, *np.full(len(z), 1 / INVERSE_PENALTY)])
    sign = np.where(returned, -1.0, 1.0)

    def lack_of_fit(line: FloatArray) -> tuple[float, FloatArray]:
        odds = line[1:] @ z + line[0]
        return float(np.logaddexp(0, sign * odds).sum() + line @ ridge @ line / 2), odds

    lowest, odds = lack_of_fit(line)
    for _ in range(_MOST_STEPS):
        probability = inverse_log_odds(odds)
        weight = probability * (1 - probability)
        weighted = z * weight
        curvature = ridge.copy()
        curvature[1:, 1:] += weighted @ z.T
        curvature[0, 1:] = curvature[1:, 0] = weighted.sum(axis=1)
        curvature[0, 0] = weight.sum()
        apart = probability - returned
        slope = np.array([apart.sum(), *(z @ apart)]) + ridge @ line
        try:
            step = np.linalg.solve(curvature, -slope)
        except np.linalg.LinAlgError:
            break
        if not np.isfinite(step).all():
            break
        if np.abs(step).max() < _SMALLEST_STEP:
            return line + step
        for _ in range(_MOST_HALVINGS):
            found, odds = lack_of_fit(line + step)
            if found <= lowest:
                break
            step = step / 2
        line, lowest = line + step, found
    raise CannotFit("not fitted: the regression did not converge")


def moved(probability: FloatArray, intercept: float, slope: float) -> FloatArray:
    """Recalibrated probabilities."""
    return inverse_log_odds(intercept + slope * log_odds(probability))
