"""What campaigns did: from the sums over each arm to differences against the holdout, and a sentence for each."""

from __future__ import annotations

import numpy as np
import pandas as pd

from olist_segments.arrays import FloatArray, typed_table
from olist_segments.campaigns.inputs import ORDERED, OUTCOMES, REVENUE, REVIEW

EARNED, HARMED, NO_PROOF, RUNNING, TOO_FEW = "earned", "harmed", "no proof", "running", "too few"
"""The verdicts."""
EVERYBODY = "all"
"""The grouping of all customers of an arm."""
MOST_P = 0.05

COLUMNS = {
    "campaign": "string",
    "arm": "string",
    "outcome": "string",
    "grouping": "string",
    "segment_key": "string",
    "segment_name": "string",
    "stage_key": "string",
    "stage_name": "string",
    "customer_count": "int64",
    "holdout_customer_count": "int64",
    "value": "float64",
    "holdout_value": "float64",
    "difference": "float64",
    "difference_low": "float64",
    "difference_high": "float64",
    "relative_uplift": "float64",
    "p_value": "float64",
    "adjusted_p_value": "float64",
    "earned_total": "float64",
    "earned_low": "float64",
    "earned_high": "float64",
    "is_promised": "bool",
    "is_complete": "bool",
    "observed_until": "datetime64[us]",
    "verdict": "string",
    "verdict_sentence": "string",
}
"""Columns of fit_campaign_effects and their types."""

_GROUP = ["campaign", "grouping", "segment_key", "stage_key"]
_SUMS = [
    *("customer_count", "ordered_count", "revenue_sum", "revenue_square_sum"),
    *("reviewed_count", "review_score_sum", "review_score_square_sum"),
]


def effect_rows(sums: pd.DataFrame, few_customers: int, currency: str | None) -> pd.DataFrame:
    """Rows of fit_campaign_effects from those of campaign_sums, of which each has the sums over one arm and group.

    With fewer than `few_customers` on a side there is neither interval nor p-value. `currency`: the code that amounts
    have in front in sentences, None where it is not known.
    """
    if sums.empty:
        return typed_table([], COLUMNS)
    # Behind it stands scipy, which takes half a second to load.
    from olist_segments.campaigns.effects import adjusted

    holdout = sums.loc[sums["arm_number"] == 0, [*_GROUP, *_SUMS]]
    pairs = sums[sums["arm_number"] > 0].merge(holdout, how="left", on=_GROUP, suffixes=("", "_0"))
    pairs = pairs.fillna({f"{name}_0": 0 for name in _SUMS})
    rows = pd.concat([_effects(pairs, outcome, few_customers) for outcome in OUTCOMES], ignore_index=True)
    families = rows.groupby(["campaign", "outcome", "grouping"], sort=False)["p_value"]
    rows["adjusted_p_value"] = families.transform(lambda p_values: adjusted(p_values.to_numpy()))
    rows["family"] = families.transform("count")
    rows["verdict"] = [_verdict(*row) for row in zip(*(rows[name] for name in _OF_VERDICT), strict=True)]
    before = f"{currency} " if currency else ""
    sentences = zip(*(rows[name] for name in _OF_SENTENCE), strict=True)
    rows["verdict_sentence"] = [_sentence(*row, currency=before) for row in sentences]
    return rows[list(COLUMNS)].astype(COLUMNS)


def _effects(pairs: pd.DataFrame, outcome: str, few_customers: int) -> pd.DataFrame:
    """The rows of one outcome, without what is said of them."""
    from olist_segments.campaigns.effects import mean_effects, share_effects, spend_effects

    counted = "reviewed_count" if outcome == REVIEW else "customer_count"
    count, count_0 = _numbers(pairs, counted), _numbers(pairs, f"{counted}_0")
    rows = pairs[["campaign", "arm", *_GROUP[1:], "segment_name", "stage_name", "is_complete", "observed_until"]].copy()
    with np.errstate(divide="ignore", invalid="ignore"):
        if outcome == ORDERED:
            ordered, ordered_0 = _numbers(pairs, "ordered_count"), _numbers(pairs, "ordered_count_0")
            value, value_0 = ordered / count, ordered_0 / count_0
            effects = share_effects(ordered, count, ordered_0, count_0)
        else:
            name = "revenue" if outcome == REVENUE else "review_score"
            value, variance = _moments(pairs, name, count, "")
            value_0, variance_0 = _moments(pairs, name, count_0, "_0")
            compare = spend_effects if outcome == REVENUE else mean_effects
            effects = compare(value, variance, count, value_0, variance_0, count_0)
        is_enough = (count >= few_customers) & (count_0 >= few_customers)
        low, high, p_value = (
            np.where(is_enough, part, np.nan) for part in (effects.low, effects.high, effects.p_value)
        )
        difference = value - value_0
        relative = np.where(value_0 > 0, difference / value_0, np.nan)
    treated = np.where(outcome == REVIEW, np.nan, count)
    return rows.assign(
        outcome=outcome,
        customer_count=count,
        holdout_customer_count=count_0,
        value=value,
        holdout_value=value_0,
        difference=difference,
        difference_low=low,
        difference_high=high,
        relative_uplift=relative,
        p_value=p_value,
        earned_total=difference * treated,
        earned_low=low * treated,
        earned_high=high * treated,
        is_promised=pairs["promised_outcome"] == outcome,
    )


def _moments(pairs: pd.DataFrame, name: str, count: FloatArray, side: str) -> tuple[FloatArray, FloatArray]:
    """Mean and variance of single customers, from sums and sums of squares."""
    total, squares = _numbers(pairs, f"{name}_sum{side}"), _numbers(pairs, f"{name}_square_sum{side}")
    mean = total / count
    variance = (squares - total * mean) / (count - 1)
    # What rounding leaves of no spread is no spread.
    return mean, np.where(variance > 1e-9 * mean**2, variance, np.where(np.isnan(variance), np.nan, 0.0))


def _numbers(pairs: pd.DataFrame, name: str) -> FloatArray:
    return pairs[name].to_numpy(dtype="float64")


_OF_VERDICT = ("is_complete", "difference_low", "difference_high")


def _verdict(is_complete: bool, low: float, high: float) -> str:
    if not is_complete:
        return RUNNING
    if np.isnan(low):
        return TOO_FEW
    if low > 0:
        return EARNED
    return HARMED if high < 0 else NO_PROOF


_OF_SENTENCE = (
    *("outcome", "verdict", "difference_low", "difference_high", "earned_low", "earned_high"),
    *("adjusted_p_value", "family"),
)


def _sentence(
    outcome: str,
    verdict: str,
    low: float,
    high: float,
    earned_low: float,
    earned_high: float,
    adjusted_p: float,
    family: int,
    *,
    currency: str,
) -> str:
    """The verdict and its interval in words; `currency`: what stands in front of amounts."""
    if np.isnan(low):
        return f"{'so far ' if verdict == RUNNING else ''}too few customers to tell"
    ends = (low, high) if outcome == REVIEW else (earned_low, earned_high)
    if verdict == RUNNING:
        return f"so far {_between(outcome, *ends, currency)}"
    if verdict == NO_PROOF:
        return f"no proof either way: {_between(outcome, *ends, currency)}"
    if verdict == EARNED:
        told = f"earned {_between(outcome, *ends, currency)}"
    else:
        told = f"harmed: cost {_between(outcome, -ends[1], -ends[0], currency)}"
    if adjusted_p > MOST_P:
        told += f", which may be chance among {family} comparisons (p = {adjusted_p:.2f})"
    return told


def _between(outcome: str, low: float, high: float, currency: str) -> str:
    if outcome == REVENUE:
        spend = "" if currency else " of spend"
        return f"between {_amount(low, currency)} and {_amount(high, currency)}{spend}"
    if outcome == ORDERED:
        return f"between {_amount(low)} and {_amount(high)} customers who order"
    return f"between {low:.2f} and {high:.2f} points of the mean review score"


def _amount(number: float, unit: str = "") -> str:
    """A number without more digits than count, such as -1,234 or 2.5."""
    text = f"{abs(number):,.0f}" if abs(number) >= 10 else f"{abs(number):.1f}"
    return f"{'-' if number < 0 and text != '0.0' else ''}{unit}{text}"
