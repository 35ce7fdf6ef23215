"""The rule that picks a candidate: thresholds that make it eligible, figures that prefer it, and the reason in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from olist_segments.errors import UserError
from olist_segments.evidence.metrics import Interval
from olist_segments.evidence.segmentation import ALGORITHMS

DEFAULT_RULE: dict[str, Any] = {
    "min_jaccard": 0.75,
    "min_prediction_strength": 0.8,
    "min_segment_share": 0.02,
    "min_structure_gap": 0.05,
    "prefer": ["structure_gap"],
    "tolerance": 0.05,
}
"""What holds where a rule does not say otherwise."""

# Key of the rule, column that it bounds from below, the column in words, and the column of a standard error to allow for
# (Tibshirani & Walther bound their prediction strength plus its standard error, and only that).
_BOUNDS = (
    ("min_jaccard", "jaccard_min", "the least stable segment's bootstrap Jaccard", None),
    ("min_prediction_strength", "prediction_strength", "the prediction strength", "prediction_strength_se"),
    ("min_segment_share", "smallest_share", "the smallest segment's share", None),
    ("min_structure_gap", "structure_gap", "the structure gap over a cloud without segments", None),
)
_LOWER_IS_BETTER = ("davies_bouldin",)
_PREFERENCES = (
    "structure_gap",
    "value_explained",
    "silhouette",
    "prediction_strength",
    "jaccard_min",
    "jaccard_mean",
    "ari_seeds",
    "ari_resamples",
    "smallest_share",
    "calinski_harabasz",
    *_LOWER_IS_BETTER,
)
_WITH_INTERVAL = ("value_explained", "silhouette")


@dataclass(frozen=True)
class Rule:
    """A checked rule: lower bounds by key, the figures that prefer in turn, and the share of the best that is a tie."""

    bounds: dict[str, float]
    prefer: tuple[str, ...]
    tolerance: float

    @classmethod
    def of(cls, rule: Mapping[str, Any]) -> Rule:
        """Check `rule` (keys of DEFAULT_RULE, all optional) and fill in the defaults.

        Bounds on shares are from 0 to 1, `min_structure_gap` is 0 or more, `tolerance` is from 0 up to but not including 1, and
        `prefer` is one column or a list of them. Raises UserError for an unknown key or a value out of range.
        """
        for key in rule:
            if key not in DEFAULT_RULE:
                raise UserError(f"the selection rule has no key {key!r}: use {', '.join(DEFAULT_RULE)}.")
        given = {**DEFAULT_RULE, **rule}
        bounds = {key: _number(key, given[key], 1e6 if key == "min_structure_gap" else 1.0) for key, *_ in _BOUNDS}
        tolerance = _number("tolerance", given["tolerance"], 1.0)
        if tolerance == 1:
            raise UserError("the selection rule's tolerance is 1, which makes a tie of everything: use less.")
        prefer = [given["prefer"]] if isinstance(given["prefer"], str) else given["prefer"]
        if not isinstance(prefer, list | tuple) or not prefer or any(name not in _PREFERENCES for name in prefer):
            raise UserError(
                f"the selection rule prefers {given['prefer']!r}: use one or a list of {', '.join(_PREFERENCES)}."
            )
        return cls(bounds, tuple(prefer), tolerance)


def _number(key: str, value: object, highest: float) -> float:
    """`value` as a float from 0 to `highest`, or a UserError."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= highest:
        limits = "0 or more" if highest > 1 else "from 0 to 1"
        raise UserError(f"the selection rule's {key} is {value!r}: use a number {limits}.")
    return float(value)


def choose(candidates: pd.DataFrame, rule: Rule, k_min: int, k_max: int) -> pd.DataFrame:
    """`candidates` with is_eligible, is_chosen and reason; exactly one row is chosen.

    Eligible: between k_min and k_max segments and every bound of the rule is met. Among the eligible the first preferred
    figure decides; those within the tolerance of the best (or within its standard error, for figures with an interval) tie and
    the next figure decides; what still ties goes to the fewest segments, then the larger structure gap, then the order of feature
    set, algorithm and setting. If nobody is eligible the same choice is made among those that miss the fewest bounds by the
    smallest shares, and every reason says that nothing is eligible. A figure that is unknown (NaN) meets no bound; a preferred
    figure that nobody has is passed over.
    """
    violations = [_violations(row, rule, k_min, k_max) for _, row in candidates.iterrows()]
    eligible = np.array([not found for found in violations], dtype=bool)
    if eligible.any():
        pool = candidates[eligible]
    else:
        # Whole misses first, then by how much: a share of each bound, all of it at most.
        weight = np.array([(len(found), round(sum(share for _, share in found), 12)) for found in violations])
        lightest = weight[np.lexsort((weight[:, 1], weight[:, 0]))[0]]
        pool = candidates[(weight == lightest).all(axis=1)]
    chosen, why, lost = _prefer(pool, rule)
    winner = candidates.loc[chosen]
    result = candidates.copy()
    result["is_eligible"] = eligible
    result["is_chosen"] = result.index == chosen
    reasons = []
    for index, found in zip(candidates.index, violations, strict=True):
        words = "; ".join(text for text, _ in found)
        if index == chosen and eligible.any():
            reasons.append(
                f"chosen over {len(pool) - 1} other eligible of {len(candidates)} candidates: {why}"
                if len(pool) > 1
                else f"chosen: the only eligible of {len(candidates)} candidates"
            )
        elif index == chosen:
            reasons.append(
                f"NOTHING IS ELIGIBLE, do not act on these segments: taken as the least bad of {len(candidates)} candidates, "
                f"though {words}"
            )
        elif found:
            reasons.append(f"not eligible: {words}")
        else:
            reasons.append(f"eligible, but lost to {_name(winner)}: {lost[index]}")
    result["reason"] = reasons
    return result


def _violations(row: pd.Series[Any], rule: Rule, k_min: int, k_max: int) -> list[tuple[str, float]]:
    """What a candidate misses: words with the figures, and by what share of the bound (1 at most)."""
    found = []
    if not k_min <= row["k"] <= k_max:
        found.append((f"it has {row['k']} segment{'s' * (row['k'] != 1)}, outside {k_min} to {k_max}", 1.0))
    for key, column, words, error in _BOUNDS:
        bound, value, allowance = rule.bounds[key], row[column], row[error] if error else 0.0
        if np.isnan(value):
            found.append((f"{words} is not known", 1.0))
        elif value + allowance < bound:
            allowed = f" (with its standard error {_apart(value + allowance, bound)[0]})" if allowance else ""
            mine, needed = _apart(value, bound)
            found.append((f"{words} {mine}{allowed} is under {needed}", min((bound - value) / bound, 1.0)))
    return found


def _prefer(pool: pd.DataFrame, rule: Rule) -> tuple[Any, str, dict[Any, str]]:
    """The index of the preferred candidate of `pool`, why, and for each other what it lost by."""
    lost: dict[Any, str] = {}
    reasons = []
    for name in rule.prefer:
        known = pool[name].dropna()
        if known.empty:
            reasons.append(f"{name} is not known of any")
            continue
        best = known.idxmin() if name in _LOWER_IS_BETTER else known.idxmax()
        slack = rule.tolerance * abs(known[best])
        if name in _WITH_INTERVAL:
            row = pool.loc[best]
            slack = max(slack, Interval(row[name], row[f"{name}_low"], row[f"{name}_high"]).standard_error)
        behind = (pool[name] - known[best]).abs().fillna(np.inf) > slack
        for index, row in pool[behind].iterrows():
            mine = "not known" if np.isnan(row[name]) else _apart(row[name], known[best])[0]
            theirs = _apart(0.0 if np.isnan(row[name]) else row[name], known[best])[1]
            lost[index] = f"its {name} is {mine} against a best of {theirs}, more than a tie's {_figure(slack)} away"
        pool = pool[~behind]
        tied = f", a tie of {len(pool)} within {_figure(slack)}" if len(pool) > 1 else ""
        reasons.append(f"best {name} {_figure(known[best])} ({_name(pool.loc[best])}){tied}")
        if len(pool) == 1:
            break
    ranked = pool.assign(
        gap=-pool["structure_gap"].fillna(-np.inf), place=pool["algorithm"].map(list(ALGORITHMS).index)
    ).sort_values(["k", "gap", "feature_set", "place", "setting"])
    chosen = ranked.index[0]
    winner = pool.loc[chosen]
    if len(pool) > 1:
        fewest = (pool["k"] == winner["k"]).sum() == 1
        reasons.append(
            "with the fewest segments" if fewest else "with the fewest segments and the largest structure gap"
        )
    for index, row in pool.drop(chosen).iterrows():
        lost[index] = (
            f"a tie, and {row['k']} segments are more than {winner['k']}"
            if row["k"] > winner["k"]
            else f"a tie of {row['k']} segments each, and its structure gap {_figure(row['structure_gap'])} is not above "
            f"{_figure(winner['structure_gap'])}"
        )
    return chosen, ", ".join(reasons), lost


def _name(row: pd.Series[Any]) -> str:
    return f"{row['feature_set']} {row['algorithm']} {row['setting']}"


def _figure(value: float) -> str:
    """Three decimals, or three significant digits below a tenth."""
    return f"{value:.3f}" if abs(value) >= 0.1 or value == 0 else f"{value:.3g}"


def _apart(value: float, other: float) -> tuple[str, str]:
    """Two figures with as many decimals (3 at least) as it takes to tell them apart."""
    decimals = next((d for d in range(3, 12) if f"{value:.{d}f}" != f"{other:.{d}f}"), 12)
    return f"{value:.{decimals}f}", f"{other:.{decimals}f}"
