"""A forecast against what happened: one date at a time, and over judged dates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from olist_segments.forecasts.history import History
from olist_segments.forecasts.metrics import (
    Binned,
    Levels,
    Ranking,
    binned,
    calibration_line,
    log_loss,
    mean_over_dates,
    pooled,
    ranking,
    revenue_gini,
    tenths,
    top_tenth_lift,
)
from olist_segments.forecasts.models import Forecast
from olist_segments.intervals import UNDEFINED, Interval

METRICS = (
    "predicted_share",
    "observed_share",
    "ranking_auc",
    "auc_low",
    "auc_high",
    "auc_minus_rule",
    "auc_minus_rule_low",
    "auc_minus_rule_high",
    "brier_skill",
    "log_loss_skill",
    "calibration_slope",
    "calibration_intercept",
    "predicted_orders",
    "actual_orders",
    "order_ratio",
    "predicted_revenue",
    "actual_revenue",
    "revenue_ratio",
    "top_tenth_lift",
    "revenue_gini",
)
"""Figures of a judged forecast, in the order of the table."""


@dataclass(frozen=True)
class Judgement:
    """What a date says of a forecast.

    Sums are over the customers of the date: `brier` and `log_loss` of the forecast, the same of the `base` rate, which
    is the share that returned in the training outcomes. `less_rule`: AUC less that of each rule of thumb and the
    variance of the paired difference. `tenths`: customers, returned and sum of probabilities (10,) each.
    """

    date: pd.Timestamp
    customers: int
    returned: int
    probability: float
    auc: float
    auc_variance: float
    less_rule: Mapping[str, tuple[float, float]]
    brier: float
    base_brier: float
    log_loss: float
    base_log_loss: float
    bins: Binned
    predicted_orders: float
    actual_orders: float
    predicted_revenue: float
    actual_revenue: float
    lift: float
    gini: float
    tenths: np.ndarray[Any, Any] = field(repr=False)


def judge(
    history: History, date: int, forecast: Forecast, base_rate: float, rules: Mapping[str, Ranking], best: float
) -> Judgement:
    """The judgement of a forecast of the customers of `date`.

    `base_rate`: share that returned in the training outcomes; `rules`: rankings of the rules of thumb; `best`: the
    concentration of what customers spent, as if it were known.
    """
    rows = history.rows(date)
    returned = history.returned[rows]
    orders, spend = (history.values(name)[rows] for name in ("next_order_count", "next_spend"))
    probability = forecast.probability
    scores = Levels.of(forecast.score)
    ranked = ranking(scores, returned)
    chances = scores if forecast.score is probability else Levels.of(probability)
    number = tenths(chances) - 1
    counted = np.stack(
        [np.bincount(number, weights=w, minlength=10) for w in (np.ones(len(number)), returned, probability)]
    )
    return Judgement(
        date=history.dates[date],
        customers=len(returned),
        returned=int(returned.sum()),
        probability=float(probability.sum()),
        auc=ranked.auc,
        auc_variance=ranked.variance,
        less_rule={name: ranked.less(rule) for name, rule in rules.items()},
        brier=float(((probability - returned) ** 2).sum()),
        base_brier=float(((base_rate - returned) ** 2).sum()),
        log_loss=log_loss(probability, returned),
        base_log_loss=log_loss(base_rate, returned),
        bins=binned(probability, chances, returned),
        predicted_orders=float(forecast.orders.sum()),
        actual_orders=float(orders.sum()),
        predicted_revenue=float(forecast.revenue.sum()),
        actual_revenue=float(spend.sum()),
        lift=top_tenth_lift(scores, returned),
        gini=revenue_gini(Levels.of(forecast.revenue), spend, best),
        tenths=counted,
    )


def lead_over(judged: Sequence[Judgement], rule: str, outcome_days: int) -> Interval:
    """AUC less that of a rule of thumb: mean over dates, with its 95 % interval."""
    differences = [one.less_rule[rule] for one in judged]
    return mean_over_dates(
        [mean for mean, _ in differences],
        [variance for _, variance in differences],
        [one.date for one in judged],
        outcome_days,
    )


def ratio(predicted: float, actual: float) -> float:
    """Predicted over actual; NaN where nothing came."""
    return predicted / actual if actual else float("nan")


def order_ratio(judged: Sequence[Judgement]) -> float:
    """Orders forecast over orders that came, of the dates together."""
    return ratio(sum(one.predicted_orders for one in judged), sum(one.actual_orders for one in judged))


def calibration(judged: Sequence[Judgement]) -> tuple[float, float]:
    """Intercept and slope of the calibration line of the dates together."""
    return calibration_line(pooled([one.bins for one in judged])) if judged else (float("nan"), float("nan"))


def figures(judged: Sequence[Judgement], rule: str | None, outcome_days: int) -> dict[str, float]:
    """METRICS of one date or of several together: sums and the calibration line are of all their customers, AUC, lift
    and Gini are means over dates.

    The difference to the rule of thumb `rule` is null for the rule itself.
    """
    total = sum(one.customers for one in judged)
    if not total:
        return dict.fromkeys(METRICS, float("nan"))
    auc = mean_over_dates(
        [one.auc for one in judged], [one.auc_variance for one in judged], [one.date for one in judged], outcome_days
    )
    lead = UNDEFINED if rule is None else lead_over(judged, rule, outcome_days)
    intercept, slope = calibration(judged)
    orders, actual_orders, revenue, actual_revenue = (
        sum(getattr(one, name) for one in judged)
        for name in ("predicted_orders", "actual_orders", "predicted_revenue", "actual_revenue")
    )
    return {
        "predicted_share": sum(one.probability for one in judged) / total,
        "observed_share": sum(one.returned for one in judged) / total,
        "ranking_auc": auc.value,
        "auc_low": max(auc.low, 0.0) if auc.low == auc.low else auc.low,
        "auc_high": min(auc.high, 1.0) if auc.high == auc.high else auc.high,
        "auc_minus_rule": lead.value,
        "auc_minus_rule_low": lead.low,
        "auc_minus_rule_high": lead.high,
        "brier_skill": 1 - ratio(sum(one.brier for one in judged), sum(one.base_brier for one in judged)),
        "log_loss_skill": 1 - ratio(sum(one.log_loss for one in judged), sum(one.base_log_loss for one in judged)),
        "calibration_slope": slope,
        "calibration_intercept": intercept,
        "predicted_orders": orders,
        "actual_orders": actual_orders,
        "order_ratio": ratio(orders, actual_orders),
        "predicted_revenue": revenue,
        "actual_revenue": actual_revenue,
        "revenue_ratio": ratio(revenue, actual_revenue),
        "top_tenth_lift": float(np.mean([one.lift for one in judged])),
        "revenue_gini": float(np.mean([one.gini for one in judged])),
    }


def tenth_rows(judged: Sequence[Judgement]) -> list[dict[str, Any]]:
    """Customers, returned, predicted and observed share of each tenth with customers, the dates together."""
    customers, returned, probability = np.sum([one.tenths for one in judged], axis=0)
    return [
        {
            "tenth": number + 1,
            "customer_count": float(customers[number]),
            "returned_count": float(returned[number]),
            "predicted_share": float(probability[number] / customers[number]),
            "observed_share": float(returned[number] / customers[number]),
        }
        for number in np.flatnonzero(customers)
    ]
