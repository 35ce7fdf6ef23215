"""The rule that picks a candidate: bounds that make it eligible, figures that prefer it, the reason in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from olist_segments.bounds import RECOVERED
from olist_segments.errors import UserError
from olist_segments.selection.metrics import Interval

DEFAULT_RULE: dict[str, Any] = {
    "min_jaccard": RECOVERED,
    "min_prediction_strength": 0.8,
    "min_ari_seeds": 0.8,
    "min_segment_share": 0.02,
    "min_structure_gap": 0.05,
    "prefer": ["structure_gap"],
    "tolerance": 0.05,
}
"""What holds where a rule does not say otherwise."""

# Key of the rule, column that it bounds from below, the column in words, and the column of a standard error to allow
# for (Tibshirani & Walther bound their prediction strength plus its standard error, and only that).
_BOUNDS = (
    ("min_jaccard", "jaccard_min", "the least stable segment's bootstrap Jaccard", None),
    ("min_prediction_strength", "prediction_strength", "the prediction strength", "prediction_strength_se"),
    ("min_ari_seeds", "ari_seeds", "the agreement between seeds", None),
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

        Bounds on shares are from 0 to 1, `min_structure_gap` is 0 or more, `tolerance` is from 0 up to but not
        including 1, and `prefer` is one column or a list of them. Raises UserError for an unknown key or a value out
        of range.
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


Row = dict[str, Any]


def choose(candidates: Sequence[Mapping[str, Any]], rule: Rule, k_min: int, k_max: int) -> list[Row]:
    """The rows of `candidates` (one at least) with is_eligible, is_chosen and reason; exactly one is chosen.

    Eligible: between k_min and k_max segments and every bound of the rule is met. Among the eligible the first
    preferred figure decides; those within the tolerance of the best (or within its standard error, for figures with
    an interval) tie and the next figure decides; what still ties goes to the fewest segments, then the larger
    structure gap, then the order of the rows. If nobody is eligible the same choice is made among those with an
    allowed number of segments that miss the fewest bounds by the smallest shares, and the chosen row's reason says
    so. A figure that is unknown (NaN) meets no bound; a preferred figure that nobody has is passed over.
    """
    rows = [dict(candidate) for candidate in candidates]
    missed = [_violations(row, rule, k_min, k_max) for row in rows]
    # A wrong number of segments first, then how many bounds are missed, then by how much: nothing of it is eligible.
    weights = [
        (not k_min <= row["k"] <= k_max, len(found), round(sum(share for _, share in found), 12))
        for row, found in zip(rows, missed, strict=True)
    ]
    lightest = min(weights)
    is_any_eligible = not any(lightest)
    pool = [index for index, weight in enumerate(weights) if weight == lightest]
    chosen, why, lost = _prefer(rows, pool, rule)
    for index, (row, found) in enumerate(zip(rows, missed, strict=True)):
        words = "; ".join(text for text, _ in found)
        row["is_eligible"] = not found
        row["is_chosen"] = index == chosen
        if index == chosen and not is_any_eligible:
            row["reason"] = (
                "NOTHING IS ELIGIBLE, do not act on these segments: taken as the least bad of "
                f"{len(rows)} candidates, though {words}"
            )
        elif index == chosen and len(pool) == 1:
            row["reason"] = f"chosen: the only eligible of {len(rows)} candidates"
        elif index == chosen:
            row["reason"] = f"chosen over {len(pool) - 1} other eligible of {len(rows)} candidates: {why}"
        elif found:
            row["reason"] = f"not eligible: {words}"
        else:
            row["reason"] = f"eligible, but lost to {_name(rows[chosen])}: {lost[index]}"
    return rows


def _violations(row: Row, rule: Rule, k_min: int, k_max: int) -> list[tuple[str, float]]:
    """What a candidate misses: words with the figures, and by what share of the bound (1 at most)."""
    found = []
    if not k_min <= row["k"] <= k_max:
        found.append((f"it has {row['k']} segment{'s' * (row['k'] != 1)}, outside {k_min} to {k_max}", 1.0))
    for key, column, words, error in _BOUNDS:
        bound, value, allowance = rule.bounds[key], row[column], row[error] if error else 0.0
        if math.isnan(value):
            found.append((f"{words} is not known", 1.0))
        elif value + allowance < bound:
            allowed = f" (with its standard error {_apart(value + allowance, bound)[0]})" if allowance else ""
            mine, needed = _apart(value, bound)
            found.append(
                (f"{words} {mine}{allowed} is under {needed}", min((bound - value) / bound, 1.0) if bound else 1.0)
            )
    return found


def _prefer(rows: Sequence[Row], pool: Sequence[int], rule: Rule) -> tuple[int, str, dict[int, str]]:
    """The position of the preferred candidate among those of `pool`, why, and what each other of them lost by."""
    lost: dict[int, str] = {}
    reasons = []
    for name in rule.prefer:
        known = [index for index in pool if not math.isnan(rows[index][name])]
        if not known:
            reasons.append(f"{name} is not known of any")
            continue
        sign = 1 if name in _LOWER_IS_BETTER else -1
        winner = rows[min(known, key=lambda index: (sign * rows[index][name], index))]
        best = winner[name]
        slack = rule.tolerance * abs(best)
        if name in _WITH_INTERVAL:
            slack = max(slack, Interval(best, winner[f"{name}_low"], winner[f"{name}_high"]).standard_error)
        tied = []
        for index in pool:
            value = rows[index][name]
            if math.isnan(value):
                lost[index] = f"its {name} is not known"
            elif abs(value - best) > slack:
                mine, theirs = _apart(value, best)
                lost[index] = f"its {name} is {mine} against a best of {theirs}, and {_figure(slack)} is a tie"
            else:
                tied.append(index)
        pool = tied
        others = f", a tie of {len(pool)} within {_figure(slack)}" if len(pool) > 1 else ""
        reasons.append(f"best {name} {_figure(best)} ({_name(winner)}){others}")
        if len(pool) == 1:
            break
    chosen, *rest = sorted(pool, key=lambda index: (rows[index]["k"], -rows[index]["structure_gap"], index))
    k, gap = rows[chosen]["k"], _figure(rows[chosen]["structure_gap"])
    if rest:
        is_alone = all(rows[index]["k"] > k for index in rest)
        reasons.append(f"{k} segments are the fewest" + ("" if is_alone else f" and {gap} their largest structure gap"))
    for index in rest:
        if rows[index]["k"] > k:
            lost[index] = f"a tie, and {rows[index]['k']} segments are more than {k}"
        else:
            own = _figure(rows[index]["structure_gap"])
            lost[index] = f"a tie of {k} segments each, and its structure gap {own} is not above {gap}"
    return chosen, ", ".join(reasons), lost


def _name(row: Row) -> str:
    return f"{row['feature_set']} {row['algorithm']} {row['setting']}"


def _figure(value: float) -> str:
    """Three decimals, or three significant digits below a tenth."""
    return f"{value:.3f}" if abs(value) >= 0.1 or value == 0 else f"{value:.3g}"


def _apart(value: float, other: float) -> tuple[str, str]:
    """Two figures with as many decimals (3 at least) as it takes to tell them apart."""
    decimals = next((d for d in range(3, 12) if f"{value:.{d}f}" != f"{other:.{d}f}"), 12)
    return f"{value:.{decimals}f}", f"{other:.{decimals}f}"
