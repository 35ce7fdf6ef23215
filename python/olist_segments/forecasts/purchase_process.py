"""BG/NBD and MBG/NBD with Gamma-Gamma, by the library clvkit: buying until one stops, and the value of a purchase.

A customer is three numbers: purchase days after the first (frequency x), weeks between first and last (recency t_x),
and weeks since the first (T). While alive a customer buys at a Poisson rate, gamma(r, alpha) across customers; after a
purchase the customer drops out with a chance that is beta(a, b) across customers. BG/NBD: Fader, Hardie & Lee (2005),
Marketing Science 24, 275-284. MBG/NBD, which also lets customers drop out after their first purchase: Batislam, Denizel
& Filiztekin (2007), International Journal of Research in Marketing 24, 201-209; Hoppe & Wagner (2007), Marketing JRM 3,
75-90. Gamma-Gamma: Fader & Hardie (2013), "The Gamma-Gamma model of monetary value", brucehardie.com/notes/025.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd

from olist_segments.arrays import FloatArray, IntArray
from olist_segments.forecasts.history import YEAR_DAYS, History
from olist_segments.forecasts.models import Forecast, moved
from olist_segments.forecasts.parameters import CannotFit, Parameter, kept

DAYS_OF_UNIT = 7
"""Time is counted in weeks."""

SMALLEST_REPEAT = 50
"""Fewer customers than this who came back and paid tell nothing of the value of a purchase."""

_CLASSES = {"bgnbd": "BGNBD", "mbgnbd": "MBGNBD"}
# The library's search starts with steps of 0.00025 in the logarithm of a parameter, and can end beside the optimum
# (MBG/NBD on the real export: 10 log-likelihood units short); steps of a tenth end in it, in half the time.
_STEP = 400.0
_LARGEST_PARAMETER = 1e5
# Slope of the log-likelihood per customer, in the logarithm of a parameter.
_FLAT = 1e-5


@dataclass(frozen=True)
class Customers:
    """Distinct (x, t_x, T), (u,) each, in days and times, and which of them each customer is (n,)."""

    frequency: FloatArray
    active_days: FloatArray
    tenure_days: FloatArray
    number: IntArray

    @classmethod
    def of(cls, purchase_days: FloatArray, active_days: FloatArray, tenure_days: FloatArray) -> Customers:
        """From purchase days and days (n,) each."""
        days = int(max(tenure_days.max(initial=0), active_days.max(initial=0))) + 1
        key = (purchase_days.astype(np.int64) * days + active_days.astype(np.int64)) * days + tenure_days.astype(
            np.int64
        )
        _, first, number = np.unique(key, return_index=True, return_inverse=True)
        return cls(purchase_days[first] - 1, active_days[first], tenure_days[first], number)

    @classmethod
    def at(cls, history: History, rows: slice) -> Customers:
        """Those of rows of a history."""
        numbers = ("purchase_day_count", "active_days", "tenure_days")
        return history.once(
            ("purchase process", rows.start, rows.stop),
            lambda: cls.of(*(history.values(name)[rows] for name in numbers)),
        )

    def base(self) -> Any:
        """The distinct ones as clvkit wants them."""
        from clvkit import CustomerBase

        summary = pd.DataFrame(
            {
                "frequency": self.frequency,
                "recency": self.active_days / DAYS_OF_UNIT,
                "T": self.tenure_days / DAYS_OF_UNIT,
            }
        )
        return _base(CustomerBase, summary, has_monetary=False)


@dataclass(frozen=True)
class PurchaseProcess:
    """A fitted process; `kind` is bgnbd or mbgnbd, time in weeks, p, q and gamma (an amount) those of Gamma-Gamma.

    With a recalibration, log-odds are intercept + slope x those of the process, and orders change as the probability.
    """

    kind: str
    r: float
    alpha: float
    a: float
    b: float
    p: float
    q: float
    gamma: float
    log_likelihood: float = float("nan")
    intercept: float = 0.0
    slope: float = 1.0
    outcome_days: int = 90

    @classmethod
    def fit(
        cls,
        kind: str,
        customers: Customers,
        value: tuple[float, float, float],
        outcome_days: int,
        start: PurchaseProcess | None = None,
    ) -> PurchaseProcess:
        """Maximum likelihood of the process; CannotFit where it does not converge.

        The search begins at the parameters of `start`, the fit of the date before, or where the library lets it begin.
        """
        parameters, log_likelihood = fit_process(
            kind, customers, (1.0, 1.0, 1.0, 1.0) if start is None else (start.r, start.alpha, start.a, start.b)
        )
        return cls(kind, *parameters, *value, log_likelihood=log_likelihood, outcome_days=outcome_days)

    def probability_and_orders(self, customers: Customers, days: int) -> tuple[FloatArray, FloatArray]:
        """Chance of a purchase day at least within `days`, and expected purchase days, of the distinct ones (u,) each.

        P(alive) x (1 - ((alpha + T) / (alpha + T + t)) ** (r + x)): nobody drops out before the next purchase.
        CannotFit where an expectation is no number.
        """
        weeks, base, model = days / DAYS_OF_UNIT, customers.base(), self._model()
        with np.errstate(all="ignore"):
            alive = model.probability_alive(base).to_pandas().to_numpy(dtype=np.float64).ravel()
            orders = model.predict(weeks, base).to_pandas().to_numpy(dtype=np.float64).ravel()
            since = self.alpha + customers.tenure_days / DAYS_OF_UNIT
            probability = alive * (1 - (since / (since + weeks)) ** (self.r + customers.frequency))
        if not (np.isfinite(probability).all() and np.isfinite(orders).all() and (orders >= 0).all()):
            raise CannotFit("not judged: its parameters give no finite number of orders")
        if (self.intercept, self.slope) == (0.0, 1.0):
            return probability, orders
        after = moved(probability, self.intercept, self.slope)
        return after, orders * after / np.maximum(probability, 1e-300)

    def forecast(self, history: History, rows: slice) -> Forecast:
        """Probability and orders of the outcome period; revenue is orders by the value that Gamma-Gamma expects."""
        customers = Customers.at(history, rows)
        probability, orders = self.probability_and_orders(customers, self.outcome_days)
        probability, orders = probability[customers.number], orders[customers.number]
        revenue = orders * self.value_of_an_order(
            customers.frequency[customers.number], np.nan_to_num(history.values("repeat_day_value")[rows])
        )
        return Forecast(probability, probability, orders, revenue)

    def value_of_an_order(self, frequency: FloatArray, repeat_day_value: FloatArray) -> FloatArray:
        """Expected spend of a purchase day (n,): p (gamma + x m) / (p x + q - 1), m the mean after the first."""
        return self.p * (self.gamma + frequency * repeat_day_value) / (self.p * frequency + self.q - 1)

    def parameters(self) -> list[Parameter]:
        """Rows of the part 'purchase_process'."""
        names = ["r", "alpha", "a", "b", "p", "q", "gamma"]
        if (self.intercept, self.slope) != (0.0, 1.0):
            names += ["intercept", "slope"]
        return [Parameter("purchase_process", name, "", getattr(self, name)) for name in names]

    @classmethod
    def of(cls, kind: str, values: dict[str, float], outcome_days: int) -> PurchaseProcess:
        """From the parameters by name."""
        return cls(kind, **values, outcome_days=outcome_days)

    def recalibrated(self, intercept: float, slope: float) -> PurchaseProcess:
        """The same with a recalibration."""
        return replace(self, intercept=kept(intercept), slope=kept(slope))

    def _model(self) -> Any:
        import clvkit

        model = getattr(clvkit, _CLASSES[self.kind])()
        model.params_ = pd.Series([self.r, self.alpha, self.a, self.b], index=["r", "alpha", "a", "b"])
        model.time_unit_, model.collapse_ = "W", "D"
        return model


def fit_process(
    kind: str, customers: Customers, start: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
) -> tuple[tuple[float, float, float, float], float]:
    """(r, alpha, a, b), time in weeks, and the log-likelihood, by clvkit's likelihood and search from `start`.

    The library's own fit adds up everybody; as many alike count as often here, which gives the same sum from the
    distinct ones alone. CannotFit where the search does not converge, or a parameter runs away.
    """
    import clvkit

    model = getattr(clvkit, _CLASSES[kind])
    likelihood = import_module(model.__module__)._log_likelihood
    count = np.bincount(customers.number, minlength=len(customers.frequency)).astype(np.float64)
    known = {
        "frequency": customers.frequency,
        "recency": customers.active_days / DAYS_OF_UNIT,
        "T": customers.tenure_days / DAYS_OF_UNIT,
    }

    origin = np.log(start)

    def negative(steps: FloatArray) -> float:
        total = float(likelihood(*np.exp(origin + steps * _STEP), **known) @ count)
        return -total if np.isfinite(total) else np.inf

    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = model._minimize(negative)
        r, alpha, a, b = (kept(float(value)) for value in np.exp(origin + found.x * _STEP))
    slope = float(np.abs(found.jac).max()) / _STEP / max(count.sum(), 1)
    if not np.isfinite(found.fun) or not slope <= _FLAT:
        raise CannotFit("not fitted: the search for its parameters did not converge")
    if not max(r, alpha, a, b) < _LARGEST_PARAMETER:
        raise CannotFit("not fitted: its parameters run away, so the purchases do not tell them")
    return (r, alpha, a, b), -float(found.fun)


def fit_value(frequency: FloatArray, repeat_day_value: FloatArray) -> tuple[float, float, float]:
    """(p, q, gamma) of Gamma-Gamma, from purchase days after the first and their mean value (n,) each.

    CannotFit with fewer than 50 customers who came back and paid, without convergence, or where no mean exists.
    """
    from clvkit import CustomerBase, GammaGamma

    paid = (frequency > 0) & (np.nan_to_num(repeat_day_value) > 0)
    if paid.sum() < SMALLEST_REPEAT:
        raise CannotFit(
            f"not fitted: {int(paid.sum())} customers who came back are fewer than the {SMALLEST_REPEAT} that the "
            "value of a purchase takes"
        )
    summary = pd.DataFrame({"frequency": frequency[paid], "monetary_value": repeat_day_value[paid]})
    model = GammaGamma()
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model.fit(_base(CustomerBase, summary, has_monetary=True))
        except RuntimeError:
            raise CannotFit("not fitted: the value of a purchase did not converge") from None
    p, q, gamma = (kept(float(getattr(model, name))) for name in ("p", "q", "gamma"))
    if not (q > 1 and max(p, q, gamma) < 1e9):
        raise CannotFit("not fitted: the value of a purchase has no finite mean")
    return p, q, gamma


def lookup_rows(process: PurchaseProcess, customers: Customers) -> pd.DataFrame:
    """What the process says of distinct customers: see the model fit_forecast_lookup."""
    probability, orders = process.probability_and_orders(customers, process.outcome_days)
    before, _ = replace(process, intercept=0.0, slope=1.0).probability_and_orders(customers, process.outcome_days)
    _, year = replace(process, intercept=0.0, slope=1.0).probability_and_orders(customers, YEAR_DAYS)
    return pd.DataFrame(
        {
            "purchase_day_count": customers.frequency.astype(np.int64) + 1,
            "active_days": customers.active_days.astype(np.int64),
            "tenure_days": customers.tenure_days.astype(np.int64),
            "order_probability": probability,
            "expected_orders": orders,
            # A year's orders change as those of the outcome period do.
            "expected_orders_year": year * probability / np.maximum(before, 1e-300),
        }
    )


def _base(customer_base: Any, summary: pd.DataFrame, *, has_monetary: bool) -> Any:
    return customer_base(
        summary,
        time_unit="W",
        collapse="D",
        # Nothing in a fit reads it: T says how long each customer has been known.
        observation_period_end=pd.Timestamp(2018, 1, 1),
        has_monetary=has_monetary,
        on_negative="net",
    )
