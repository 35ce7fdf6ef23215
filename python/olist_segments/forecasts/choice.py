"""The rule that chooses a forecast, or abstains: a model must beat the better rule of thumb, and be calibrated."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from olist_segments.forecasts.judging import Judgement, calibration, lead_over, order_ratio
from olist_segments.settings.model import ForecastRule

RULES = ("naive", "hiatus")
"""The rules of thumb; the first is the better one where nothing tells."""

SEGMENTATIONS = ("rfm", "kind_stage")
MODELS = ("logistic", "mbgnbd", "bgnbd")
TWIN = "_recalibrated"
ROLES = {
    **dict.fromkeys(RULES, "rule of thumb"),
    **dict.fromkeys(SEGMENTATIONS, "segmentation"),
    **{name: "model" for plain in MODELS for name in (plain, plain + TWIN)},
}
"""Everything that is judged, and as what."""


@dataclass(frozen=True)
class Choice:
    """What a date forecasts by.

    `rule`: the better rule of thumb by then; `reasons`: a sentence for everything in ROLES.
    """

    chosen: str
    is_abstaining: bool
    rule: str
    eligible: frozenset[str]
    reasons: Mapping[str, str]


def better_rule(judged: Mapping[str, Sequence[Judgement]]) -> str:
    """The rule of thumb with the higher mean AUC over the judged dates."""
    means = {name: sum(one.auc for one in judged[name]) / len(judged[name]) for name in RULES if judged.get(name)}
    return max(means, key=lambda name: means[name]) if means else RULES[0]


def choose(
    judged: Mapping[str, Sequence[Judgement]],
    unfitted: Mapping[str, str],
    rule: ForecastRule,
    outcome_days: int,
    nothing_fits: str = "",
) -> Choice:
    """The choice from what was known: `judged` by name, dates whose outcomes had come.

    `unfitted`: why a model has no parameters at the date. `nothing_fits`: why none has, which makes it abstain. A model
    is eligible when its mean lead in AUC over the better rule of thumb is above 0 with 95 % confidence, and
    `min_auc_lead` at least, on `min_judged_dates` dates or more, and slope and order ratio of these dates together keep
    within the bounds of `rule`. Its recalibrated twin stands in for it where the model itself is out of bounds. The
    eligible one with the highest mean lead is chosen (on equal dates: the highest mean AUC), plain models first at
    ties; without one, the better rule of thumb.
    """
    thumb = better_rule(judged)
    missed: dict[str, str] = {}
    leads: dict[str, float] = {}
    within: set[str] = set()
    for plain in MODELS:
        for name in (plain, plain + TWIN):
            known = judged.get(name, ())
            lead = lead_over(known, thumb, outcome_days)
            leads[name] = lead.value
            out = _out_of_bounds(known, rule)
            if not out:
                within.add(name)
            if name in unfitted:
                missed[name] = unfitted[name]
            elif len(known) < rule.min_judged_dates:
                missed[name] = (
                    f"not eligible: judged on {len(known)} date{'s' * (len(known) != 1)} by then, fewer than "
                    f"{rule.min_judged_dates}"
                )
            elif not lead.low > 0:
                missed[name] = (
                    f"not eligible: not clearly better than {thumb} at ranking customers: "
                    f"{_lead(known, thumb, outcome_days)}"
                )
            elif lead.value < rule.min_auc_lead:
                missed[name] = (
                    f"not eligible: its lead over {thumb} is smaller than {rule.min_auc_lead:g}: "
                    f"{_lead(known, thumb, outcome_days)}"
                )
            elif name != plain and plain in within:
                missed[name] = f"not needed: {plain} is calibrated without it"
            elif out:
                missed[name] = f"not eligible: {out}"
    eligible = [name for plain in (MODELS, tuple(n + TWIN for n in MODELS)) for name in plain if name not in missed]
    reasons = dict(missed)
    for name in SEGMENTATIONS:
        reasons[name] = "judged only: segments are made for another purpose"
    if eligible:
        chosen = max(eligible, key=lambda name: round(leads[name], 9))
        for name in eligible:
            if name != chosen:
                reasons[name] = (
                    f"eligible, but lost to {chosen}: its lead in AUC over {thumb} is {leads[name]:.4f} against "
                    f"{leads[chosen]:.4f}"
                )
        known = judged[chosen]
        reasons[chosen] = (
            f"chosen: ranks customers better than {thumb}: {_lead(known, thumb, outcome_days)}; calibration slope "
            f"{calibration(known)[1]:.2f}, orders forecast over orders that came {order_ratio(known):.2f}"
        )
    else:
        chosen = thumb
        reasons[chosen] = (
            f"abstaining, past rates of {thumb} groups stand in: {nothing_fits or _why_none(missed, leads)}"
        )
    for name in RULES:
        reasons.setdefault(name, "a rule of thumb to compare with: it forecasts only where no model is eligible")
    return Choice(chosen, not eligible, thumb, frozenset(eligible), reasons)


def _why_none(missed: Mapping[str, str], leads: Mapping[str, float]) -> str:
    """Why no model is eligible, by what the one that leads most misses: each has a reason of its own."""
    nearest = max(MODELS, key=lambda name: -math.inf if math.isnan(leads[name]) else leads[name])
    return f"no model is eligible; the nearest is {nearest}: {missed[nearest].removeprefix('not eligible: ')}"


def _out_of_bounds(judged: Sequence[Judgement], rule: ForecastRule) -> str:
    """In what a model is off on the judged dates together; nothing where it keeps within bounds."""
    slope, orders = calibration(judged)[1], order_ratio(judged)
    off = []
    if not rule.min_slope <= slope <= rule.max_slope:
        off.append(f"calibration slope {_figure(slope)} is outside {rule.min_slope:g} to {rule.max_slope:g}")
    if not rule.min_order_ratio <= orders <= rule.max_order_ratio:
        bounds = f"{rule.min_order_ratio:g} to {rule.max_order_ratio:g}"
        off.append(f"it forecast {_figure(orders)} times the orders that came, outside {bounds}")
    return ", ".join(off)


def _lead(judged: Sequence[Judgement], rule: str, outcome_days: int) -> str:
    lead = lead_over(judged, rule, outcome_days)
    return f"AUC {lead.value:+.4f}, 95 % interval {lead.low:+.4f} to {lead.high:+.4f}, mean of {_dates(len(judged))}"


def _figure(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{value:.2f}"


def _dates(count: int) -> str:
    return f"{count} judged date{'s' * (count != 1)}"
