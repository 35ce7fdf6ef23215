"""The evidence table: every model fitted and judged at every date on what was known then, and what is chosen."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from olist_segments.arrays import typed_table
from olist_segments.forecasts.choice import MODELS, ROLES, RULES, SEGMENTATIONS, TWIN, Choice, choose
from olist_segments.forecasts.history import History
from olist_segments.forecasts.judging import METRICS, Judgement, calibration, figures, judge, tenth_rows
from olist_segments.forecasts.metrics import Levels, concentration, ranking
from olist_segments.forecasts.models import Amounts, Fitted, GroupRates, Logistic, PastShares, year_parameters
from olist_segments.forecasts.parameters import CannotFit, Parameter, kept, to_json
from olist_segments.forecasts.purchase_process import Customers, PurchaseProcess, fit_value
from olist_segments.settings.model import ForecastRule

COLUMNS = {
    "model": "string",
    "model_role": "string",
    "as_of_date": "datetime64[us]",
    "tenth": "int64",
    "customer_count": "float64",
    "returned_count": "float64",
    **dict.fromkeys(METRICS, "float64"),
    "seconds": "float64",
    "training_customer_count": "float64",
    "training_return_count": "float64",
    "is_judged": "bool",
    "is_eligible": "bool",
    "is_chosen": "bool",
    "is_abstaining": "bool",
    "reason": "string",
    "parameters": "string",
}
"""Columns of the evidence and their types; counts are doubles, since some are null."""

NOTHING_KNOWN = "nothing is forecast: no outcome period was over by then"


@dataclass
class _Date:
    """What is found at one date."""

    customers: int
    training_customers: int = 0
    training_returns: int = 0
    fitted: dict[str, Fitted] = field(default_factory=dict)
    unfitted: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    year: list[Parameter] = field(default_factory=list)
    choice: Choice | None = None


def evaluate(history: History, rule: ForecastRule, *, only_newest: bool = False) -> pd.DataFrame:
    """The evidence (COLUMNS): a row per model, date (null: all judged dates) and tenth (0: everybody).

    At each date models are trained on `history.training`, judged where its outcomes have come by the newest date, and
    chosen between by the judged dates whose outcomes were known then. With `only_newest` the newest date alone has
    parameters and a choice. `auc_minus_rule` is the lead over the rule of thumb that is the better one over all judged
    dates.
    """
    found: list[_Date] = []
    judged: dict[str, dict[int, Judgement]] = {name: {} for name in ROLES}
    with threadpool_limits(limits=1):
        for date in range(len(history.dates)):
            before = found[-1].fitted if found else {}
            found.append(_at_date(history, date, rule, judged, before))
    newest = len(found) - 1
    choice = found[newest].choice
    assert choice is not None
    rows: list[dict[str, Any]] = []
    for name in ROLES:
        compared = None if name == choice.rule else choice.rule
        everything = list(judged[name].values())
        rows.append(
            _row(name, None, everything, compared, history, choice)
            | {"seconds": sum(one.seconds.get(name, 0.0) for one in found)}
        )
        if everything:
            rows += [rows[-1] | _without_metrics() | tenth for tenth in tenth_rows(everything)]
        for date, one in enumerate(found):
            is_set = date == newest or not only_newest
            of_date = [judged[name][date]] if date in judged[name] else []
            rows.append(
                _row(name, history.dates[date], of_date, compared, history, one.choice if is_set else None)
                | {
                    "customer_count": one.customers,
                    "seconds": one.seconds.get(name, np.nan),
                    "training_customer_count": one.training_customers,
                    "training_return_count": one.training_returns,
                    "parameters": _parameters(name, one, judged[name], history, date, rule) if is_set else None,
                }
            )
            if of_date:
                blank = _without_metrics() | {"parameters": None}
                rows += [rows[-1] | blank | tenth for tenth in tenth_rows(of_date)]
    return typed_table(rows, COLUMNS)


def _at_date(
    history: History,
    date: int,
    rule: ForecastRule,
    judged: dict[str, dict[int, Judgement]],
    before: Mapping[str, Fitted],
) -> _Date:
    """Fit everything at a date, judge it where that is possible, and choose; `before`: what the date before fitted."""
    of_date = history.rows(date)
    found = _Date(of_date.stop - of_date.start)
    training = history.training(date)
    known = set(history.known(date))
    by_then = {name: [one for other, one in of_model.items() if other in known] for name, of_model in judged.items()}
    if not training:
        found.unfitted = dict.fromkeys(ROLES, NOTHING_KNOWN)
        found.choice = Choice(RULES[0], True, RULES[0], frozenset(), found.unfitted)
        return found
    rows = history.rows_of(training)
    found.training_customers = rows.stop - rows.start
    found.training_returns = int(history.returned[rows].sum())
    too_few = ""
    if found.training_returns < rule.min_returns:
        too_few = (
            f"{found.training_returns} customers returned in the outcomes known by then, fewer than {rule.min_returns}"
        )
    found.year = year_parameters(history, date)
    _fit(history, date, training, found, too_few, before)
    for plain in MODELS:
        _recalibrate(plain, by_then[plain], found, rule)
    if history.has_outcome(date):
        _judge(history, date, found, judged)
    found.choice = choose(by_then, found.unfitted, rule, history.outcome_days, too_few)
    return found


def _fit(
    history: History, date: int, training: Sequence[int], found: _Date, too_few: str, before: Mapping[str, Any]
) -> None:
    """Fit rules of thumb, segmentations and models; why not, where it can't be."""
    amounts = Amounts.fit(history, training)
    values: dict[str, Any] = {}

    def process(kind: str) -> Fitted:
        customers = Customers.at(history, history.rows(date))
        if "value" not in values:
            repeat_days = history.values("purchase_day_count")[history.rows(date)] - 1
            try:
                values["value"] = fit_value(repeat_days, history.values("repeat_day_value")[history.rows(date)])
            except CannotFit as why:
                values["value"] = why
        if isinstance(values["value"], CannotFit):
            raise values["value"]
        return PurchaseProcess.fit(kind, customers, values["value"], history.outcome_days, before.get(kind))

    fits: dict[str, Any] = {
        **{name: lambda name=name: GroupRates.fit(history, training, f"{name}_group", amounts) for name in RULES},
        **{name: lambda name=name: PastShares(f"{name}_share", amounts) for name in SEGMENTATIONS},
        "logistic": lambda: Logistic.fit(history, training, amounts, before.get("logistic")),
        "mbgnbd": lambda: process("mbgnbd"),
        "bgnbd": lambda: process("bgnbd"),
    }
    for name, fit in fits.items():
        if name in MODELS and too_few:
            found.unfitted[name] = f"not fitted: {too_few}"
            continue
        start = time.perf_counter()
        try:
            found.fitted[name] = fit()
        except CannotFit as why:
            found.unfitted[name] = str(why)
        found.seconds[name] = time.perf_counter() - start


def _recalibrate(plain: str, judged: Sequence[Judgement], found: _Date, rule: ForecastRule) -> None:
    """The twin of a model, by the calibration line of its judged dates whose outcomes were known."""
    twin = plain + TWIN
    if plain in found.unfitted:
        found.unfitted[twin] = found.unfitted[plain]
        return
    returned = sum(one.returned for one in judged)
    if returned < rule.min_returns:
        found.unfitted[twin] = (
            f"not fitted: {returned} customers returned at judged dates by then, fewer than {rule.min_returns}"
        )
        return
    intercept, slope = calibration(judged)
    if not slope > 0:
        found.unfitted[twin] = f"not fitted: {plain} does not rank those who return before the others"
        return
    found.fitted[twin] = found.fitted[plain].recalibrated(kept(intercept), kept(slope))
    found.seconds[twin] = 0.0


def _judge(history: History, date: int, found: _Date, judged: dict[str, dict[int, Judgement]]) -> None:
    """Judge whatever is fitted; the rules of thumb come first, others are compared with them."""
    base_rate = found.training_returns / found.training_customers
    rows = history.rows(date)
    returned = history.returned[rows]
    rankings = {name: ranking(Levels.of(found.fitted[name].forecast(history, rows).score), returned) for name in RULES}
    spend = history.values("next_spend")[rows]
    best = concentration(Levels.of(spend), spend)
    for name in list(found.fitted):
        try:
            forecast = found.fitted[name].forecast(history, rows)
        except CannotFit as why:
            found.unfitted[name] = str(why)
            del found.fitted[name]
            continue
        judged[name][date] = judge(history, date, forecast, base_rate, rankings, best)


def _row(
    name: str,
    date: pd.Timestamp | None,
    judged: Sequence[Judgement],
    rule: str | None,
    history: History,
    choice: Choice | None,
) -> dict[str, Any]:
    """The row of everybody (tenth 0) of a date, or of all dates where it is None."""
    newest = f"{history.dates[-1]:%Y-%m-%d}"
    return {
        "model": name,
        "model_role": ROLES[name],
        "as_of_date": date,
        "tenth": 0,
        "customer_count": sum(one.customers for one in judged),
        "returned_count": sum(one.returned for one in judged) if judged else np.nan,
        **figures(judged, rule, history.outcome_days),
        "seconds": np.nan,
        "training_customer_count": np.nan,
        "training_return_count": np.nan,
        "is_judged": bool(judged),
        "is_eligible": choice is not None and name in choice.eligible,
        "is_chosen": choice is not None and name == choice.chosen,
        "is_abstaining": choice is not None and choice.is_abstaining,
        "reason": f"judged for the choice of {newest}" if choice is None else choice.reasons[name],
        "parameters": None,
    }


def _without_metrics() -> dict[str, float]:
    return dict.fromkeys((*METRICS, "seconds", "training_customer_count", "training_return_count"), float("nan"))


def _parameters(
    name: str, found: _Date, judged: Mapping[int, Judgement], history: History, date: int, rule: ForecastRule
) -> str | None:
    """All parameters of a model at a date as text, the spread of its tenths among them; None where it has none."""
    if name not in found.fitted or ROLES[name] == "segmentation":
        return None
    known = set(history.known(date))
    by_then = [one for other, one in judged.items() if other in known]
    rows = [*found.fitted[name].parameters(), *found.year, *spread_parameters(by_then, rule.min_judged_dates)]
    return to_json(rows)


def spread_parameters(judged: Sequence[Judgement], min_judged_dates: int) -> list[Parameter]:
    """Lowest and highest ratio of observed to predicted share of each tenth over judged dates.

    None for a tenth that had customers, and a forecast above 0, on fewer than `min_judged_dates` dates.
    """
    found = []
    for tenth in range(10):
        ratios = [float(one.tenths[1, tenth] / one.tenths[2, tenth]) for one in judged if one.tenths[2, tenth] > 0]
        if len(ratios) >= min_judged_dates:
            found.append(Parameter("spread", "low", str(tenth + 1), kept(min(ratios))))
            found.append(Parameter("spread", "high", str(tenth + 1), kept(max(ratios))))
    return found
