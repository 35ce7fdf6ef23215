"""The rule that picks a candidate: bounds that make it eligible, figures that prefer it, the reason in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from olist_segments.intervals import Interval
from olist_segments.settings.model import SegmentationRule

# Key of the rule, column that it bounds from below, the column in words, and that of its standard error where it is
# measured by refits. Tibshirani & Walther let a candidate pass if its prediction strength plus the error does. Here it
# is less two errors, and plus two for the recipe in force: otherwise a candidate in doubt would come and go.
_BOUNDS = (
    ("min_jaccard", "jaccard_min", "the least stable segment's bootstrap Jaccard", "jaccard_min_se"),
    ("min_prediction_strength", "prediction_strength", "the prediction strength", "prediction_strength_se"),
    ("min_ari_seeds", "ari_seeds", "the agreement between seeds", "ari_seeds_se"),
    ("min_segment_share", "smallest_share", "the smallest segment's share", None),
    ("min_structure_gap", "structure_gap", "the structure gap over a cloud without segments", None),
)
_LOWER_IS_BETTER = ("davies_bouldin",)
_SHELF_LIFE = "shelf_life_days"
_ERRORS = {
    _SHELF_LIFE: "shelf_life_se_days",
    "structure_gap": "structure_gap_se",
    "prediction_strength": "prediction_strength_se",
    "jaccard_min": "jaccard_min_se",
    "ari_seeds": "ari_seeds_se",
}
_WITH_INTERVAL = ("value_explained", "silhouette")
# By so many standard errors a challenger must clear a bound.
_CLEAR = 2.0
# By so many more the recipe in force may miss it.
_KEPT = -2.0
BEYOND_DOUBT = 3.0
"""So many standard errors under a bound, no further evidence is worth its time."""


Row = dict[str, Any]


@dataclass(frozen=True)
class Incumbent:
    """What the version before a refit was made by: it stays unless a challenger is clearly better."""

    model_version: int
    feature_set: str
    algorithm: str
    setting: str

    def made(self, row: Mapping[str, Any]) -> bool:
        """Whether a candidate is the same feature set, algorithm and setting."""
        return (row["feature_set"], row["algorithm"], row["setting"]) == (
            self.feature_set,
            self.algorithm,
            self.setting,
        )

    def told(self) -> str:
        """Which version it made, and how."""
        return f"version {self.model_version} was {self.feature_set} {self.algorithm} {self.setting}"


def choose(
    candidates: Sequence[Mapping[str, Any]],
    rule: SegmentationRule,
    k_min: int,
    k_max: int,
    incumbent: Incumbent | None = None,
) -> list[Row]:
    """The rows of `candidates` (one at least) with is_eligible, is_chosen and reason; exactly one is chosen.

    Eligible: between k_min and k_max segments, no collapsed segment, and every bound of the rule is met, by two
    standard errors where the figure comes from refits. Among the eligible the first preferred figure decides; those
    within the tolerance of the best tie and the next figure decides; what still ties goes to the incumbent, then to the
    fewest segments, then the larger structure gap, then the order of the rows. The tolerance is a share of the best
    (days for a shelf life), and a standard error of the best at least (Tibshirani, Walther & Hastie 2001). If nobody is
    eligible the same choice is made among those with an allowed number of segments that miss the fewest bounds by the
    smallest shares, and the chosen row's reason says so; an incumbent then stays. A figure that is unknown (NaN) meets
    no bound; a preferred figure that nobody has is passed over.

    An `incumbent` is eligible while no bound is missed by more than two standard errors. It stays unless the preferred
    candidate keeps longer by more than the tolerance, or is better in the next preferred figure by more than the
    `challenger_margin` of the rule; and by more than the standard error of the difference in either case. The reason
    says which.
    """
    rows = [dict(candidate) for candidate in candidates]
    before = next((index for index in range(len(rows)) if incumbent and incumbent.made(rows[index])), None)
    missed = [
        _violations(row, rule, k_min, k_max, errors=_KEPT if index == before else _CLEAR)
        for index, row in enumerate(rows)
    ]
    # A wrong number of segments first, then how many bounds are missed, then by how much: nothing of it is eligible.
    weights = [
        (not k_min <= row["k"] <= k_max, len(found), round(sum(share for _, share in found), 12))
        for row, found in zip(rows, missed, strict=True)
    ]
    lightest = min(weights)
    is_any_eligible = not any(lightest)
    pool = [index for index, weight in enumerate(weights) if weight == lightest]
    chosen, why, lost = _prefer(rows, pool, rule, before)
    is_kept_for_want = not is_any_eligible and before is not None and k_min <= rows[before]["k"] <= k_max
    if is_kept_for_want:
        assert before is not None
        chosen = before
    elif is_any_eligible and before is not None and before in pool and before != chosen:
        is_replaced, name = _replaces(rows[chosen], rows[before], rule)
        if not is_replaced:
            kept = _kept(rows[chosen], rows[before], rule, name)
            lost[chosen] = f"not better by the margin that a change takes ({kept})"
            chosen, why = before, f"the recipe stays, since {kept}"
    for index, (row, found) in enumerate(zip(rows, missed, strict=True)):
        words = _told(found)
        row["is_eligible"] = not found
        row["is_chosen"] = index == chosen
        if index == chosen and is_kept_for_want:
            row["reason"] = f"NOTHING IS ELIGIBLE, do not act on these segments: the recipe stays, though {words}"
        elif index == chosen and not is_any_eligible:
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
    if incumbent:
        rows[chosen]["reason"] += _since_before(incumbent, chosen == before, None if before is None else missed[before])
    return rows


def _since_before(incumbent: Incumbent, is_kept: bool, missed: list[tuple[str, float]] | None) -> str:
    """What a refit says of the version before it; `missed`: what its recipe misses, None where it does not compete."""
    if is_kept:
        return f"; the recipe of version {incumbent.model_version}"
    if missed is None:
        return f"; {incumbent.told()}, which is no candidate any more"
    if missed:
        return f"; {incumbent.told()}, which is not eligible any more: {_told(missed)}"
    return f"; {incumbent.told()}"


def _replaces(challenger: Row, incumbent: Row, rule: SegmentationRule) -> tuple[bool, str]:
    """Whether a challenger is better than the incumbent by more than the margin of a figure, and which figure says so.

    The first preferred figure that differs by more than its margin decides; if none does, the first in which the
    challenger leads is told.
    """
    lead = ""
    for name in rule.prefer:
        new, old = challenger[name], incumbent[name]
        if math.isnan(new) or math.isnan(old):
            continue
        better = old - new if name in _LOWER_IS_BETTER else new - old
        margin = rule.shelf_life_tolerance_days if name == _SHELF_LIFE else rule.challenger_margin * abs(old)
        if abs(better) > max(margin, math.hypot(_error(challenger, name), _error(incumbent, name))):
            return bool(better > 0), name
        lead = lead or (name if better > 0 else "")
    return False, lead or rule.prefer[0]


def _kept(challenger: Row, incumbent: Row, rule: SegmentationRule, name: str) -> str:
    """Why a challenger that is preferred does not replace the incumbent: it does not lead far enough in a figure."""
    new, old = _apart(challenger[name], incumbent[name])
    errors = math.hypot(_error(challenger, name), _error(incumbent, name))
    more = (
        f"{rule.challenger_margin:.0%} more" if name != _SHELF_LIFE else f"{rule.shelf_life_tolerance_days} days more"
    )
    beyond = f", and more than the standard error of the difference, {_figure(errors)}" if errors else ""
    return f"{_name(challenger)} has a {name} of {new} against {old}, and a change takes {more}{beyond}"


def is_eligible(
    row: Mapping[str, Any], rule: SegmentationRule, k_min: int, k_max: int, incumbent: Incumbent | None = None
) -> bool:
    """Whether a candidate, or the recipe in force, may be chosen: see `choose`."""
    errors = _KEPT if incumbent and incumbent.made(row) else _CLEAR
    return not _violations(dict(row), rule, k_min, k_max, errors=errors)


def is_ruled_out(row: Mapping[str, Any], rule: SegmentationRule, k_min: int, k_max: int) -> bool:
    """Whether what is known of a candidate already keeps it from being eligible, whatever else is found."""
    known = _violations(dict(row), rule, k_min, k_max, errors=-BEYOND_DOUBT)
    return any(text for text, _ in known)


def _violations(row: Row, rule: SegmentationRule, k_min: int, k_max: int, *, errors: float) -> list[tuple[str, float]]:
    """What a candidate misses: words with the figures (none if unknown), and by what share of the bound (1 at most).

    `errors`: by how many standard errors a figure must clear its bound.
    """
    found = []
    if not k_min <= row["k"] <= k_max:
        found.append((f"it has {row['k']} segment{'s' * (row['k'] != 1)}, outside {k_min} to {k_max}", 1.0))
    if row["collapsed_segments"]:
        found.append((f"{row['collapsed_segments']} of its segments stand on one value of a feature", 1.0))
    for key, column, words, error in _BOUNDS:
        bound, value = getattr(rule, key), row[column]
        needed = errors * _error(row, column) if error else 0.0
        if math.isnan(value):
            found.append(("", 1.0))
        elif value - needed < bound:
            less = f" (its standard error {_figure(_error(row, column))})" if needed else ""
            mine, least = _apart(value, bound)
            is_under = "is under" if value < bound else "is not clear of"
            found.append((f"{words} {mine}{less} {is_under} {least}", _share_missed(value - needed, bound)))
    return found


def _share_missed(value: float, bound: float) -> float:
    return min((bound - value) / bound, 1.0) if bound else 1.0


def _told(missed: Sequence[tuple[str, float]]) -> str:
    """What is missed in words; that a figure is not known, only where nothing else is missed."""
    return "; ".join(text for text, _ in missed if text) or "not all of its figures are known"


def _error(row: Mapping[str, Any], name: str) -> float:
    """The standard error of a figure, 0 where none is known."""
    error = row[_ERRORS[name]] if name in _ERRORS else 0.0
    return 0.0 if math.isnan(error) else float(error)


def _prefer(
    rows: Sequence[Row], pool: Sequence[int], rule: SegmentationRule, before: int | None
) -> tuple[int, str, dict[int, str]]:
    """The position of the preferred candidate among those of `pool`, why, and what each other of them lost by.

    `before`: the position of the incumbent.
    """
    lost: dict[int, str] = {}
    reasons = []
    for name in rule.prefer:
        known = [index for index in pool if not math.isnan(rows[index][name])]
        if not known:
            unknown = "history is too short to tell how long the segments keep" if name == _SHELF_LIFE else ""
            reasons.append(unknown or f"{name} is not known of any")
            continue
        sign = 1 if name in _LOWER_IS_BETTER else -1
        winner = rows[min(known, key=lambda index: (sign * rows[index][name], index))]
        best = winner[name]
        slack = rule.shelf_life_tolerance_days if name == _SHELF_LIFE else rule.tolerance * abs(best)
        slack = max(slack, _error(winner, name))
        if name in _WITH_INTERVAL:
            slack = max(slack, Interval(best, winner[f"{name}_low"], winner[f"{name}_high"]).standard_error)
        tied = []
        for index in pool:
            value = rows[index][name]
            if math.isnan(value):
                lost[index] = f"its {name} is not known"
            elif abs(value - best) > slack:
                lost[index] = _loss(name, value, best, slack)
            else:
                tied.append(index)
        pool = tied
        reasons.append(_win(name, winner, len(pool), slack))
        if len(pool) == 1:
            break
    chosen, *rest = sorted(
        pool, key=lambda index: (index != before, rows[index]["k"], -rows[index]["structure_gap"], index)
    )
    k, gap = rows[chosen]["k"], _figure(rows[chosen]["structure_gap"])
    if rest and chosen == before:
        reasons.append("and the recipe stays")
    elif rest:
        is_alone = all(rows[index]["k"] > k for index in rest)
        reasons.append(f"{k} segments are the fewest" + ("" if is_alone else f" and {gap} their largest structure gap"))
    for index in rest:
        if chosen == before:
            lost[index] = "a tie, and the recipe stays"
        elif rows[index]["k"] > k:
            lost[index] = f"a tie, and {rows[index]['k']} segments are more than {k}"
        else:
            own = _figure(rows[index]["structure_gap"])
            lost[index] = f"a tie of {k} segments each, and its structure gap {own} is not above {gap}"
    return chosen, ", ".join(reasons), lost


def _win(name: str, winner: Row, tied: int, slack: float) -> str:
    """What the best candidate has over the others; `tied` candidates are as good, within `slack`."""
    best = winner[name]
    if name == _SHELF_LIFE:
        others = f" ({tied} candidates do, within {slack:g} days)" if tied > 1 else ""
        return f"its segments keep {_days(best)} without a refit{others}"
    others = f", a tie of {tied} within {_figure(slack)}" if tied > 1 else ""
    words = "its segments stand apart most clearly, " if name == "structure_gap" else ""
    return f"{words}best {name} {_figure(best)} ({_name(winner)}){others}"


def _loss(name: str, value: float, best: float, slack: float) -> str:
    """What a candidate lost by."""
    if name == _SHELF_LIFE:
        return f"its segments keep {_days(value)} without a refit, those of the best {_days(best)}"
    mine, theirs = _apart(value, best)
    words = "its segments stand apart less clearly: " if name == "structure_gap" else ""
    return f"{words}its {name} is {mine} against a best of {theirs}, and {_figure(slack)} is a tie"


def _days(days: float) -> str:
    return f"{days:.0f} day{'s' * (days != 1)}"


def _name(row: Row) -> str:
    return f"{row['feature_set']} {row['algorithm']} {row['setting']}"


def _figure(value: float) -> str:
    """Three decimals, or three significant digits below a tenth."""
    return f"{value:.3f}" if abs(value) >= 0.1 or value == 0 else f"{value:.3g}"


def _apart(value: float, other: float) -> tuple[str, str]:
    """Two figures with as many decimals (3 at least) as it takes to tell them apart."""
    decimals = next((d for d in range(3, 12) if f"{value:.{d}f}" != f"{other:.{d}f}"), 12)
    return f"{value:.{decimals}f}", f"{other:.{decimals}f}"
