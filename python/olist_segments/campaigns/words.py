"""A plan in words, for the people who run campaigns."""

from __future__ import annotations

from olist_segments.campaigns.inputs import ORDERED, REVENUE
from olist_segments.campaigns.plan import RISES, Plan, PlannedArm
from olist_segments.campaigns.rules import CONTROL_GROUP, COOLDOWN, REASON_WORDS, SUPPRESSED
from olist_segments.forecast_words import PAST_RATE
from olist_segments.serving.audience import count_customers, shown
from olist_segments.serving.text_table import text_table

OUTCOME_WORDS = {ORDERED: "the share who order", REVENUE: "revenue per customer"}
_RISE_WORDS = dict(zip(RISES, ("a half", "a fifth"), strict=True))


def plan_lines(plan: Plan, title: str) -> list[str]:
    """The plan as lines; `title`: what is done with it, before the name of the campaign."""
    return [
        f"{title} {plan.request.name}.",
        "",
        *_who(plan),
        "",
        *_arms(plan),
        "",
        *_without_a_campaign(plan),
        "",
        *_what_it_can_show(plan),
        "",
        *_outcome(plan),
    ]


def percent(share: float, digits: int | None = None) -> str:
    """A share in percent: one decimal, or two below 1 %."""
    digits = (1 if share >= 0.00995 else 2) if digits is None else digits
    return f"{100 * share:.{digits}f} %"


def _who(plan: Plan) -> list[str]:
    kinds, stages = (", ".join(map(shown, names)) for names in (plan.kinds, plan.stages))
    lines = [
        f"Who: {count_customers(plan.count)} of {kinds or 'all kinds'} at {_stages(plan, stages)}, as of "
        f"{plan.settings.as_of_date} (model version {plan.model_version}, from '{shown(str(plan.source))}')."
    ]
    if plan.count < plan.asked_for:
        lines.append(f"Of {count_customers(plan.asked_for)} that were asked for there were taken off:")
        rows = [(f"{count:,}", _reason(plan, reason)) for reason, count in plan.taken_off.items()]
        if plan.left_by_top:
            by = plan.request.wanted.measure.replace("_", " ")
            rows.append((f"{plan.left_by_top:,}", f"beyond the first {plan.request.wanted.top:,} by {by}"))
        lines += [f"  {line}" for line in text_table(rows, left=(1,))]
    else:
        lines.append("Nobody was taken off: " + ", ".join(f"none {_reason(plan, key)}" for key in plan.taken_off) + ".")
    if plan.suppressed_file is not None and not plan.suppressed_file.exists():
        lines.append(f"There is no '{shown(str(plan.suppressed_file))}' with people to leave in peace.")
    if plan.taken_over:
        told = ", ".join(f"{name} ({count:,})" for name, count in plan.taken_over.items())
        lines.append(f"Taken over from running campaigns of lower priority, which still count them: {told}.")
    return lines


def _stages(plan: Plan, names: str) -> str:
    if not plan.stages:
        return "all stages"
    return f"stage{'' if len(plan.stages) == 1 else 's'} {names}"


def _reason(plan: Plan, reason: str) -> str:
    if reason == CONTROL_GROUP:
        return f"in the control group of {shown(plan.settings.control_group_quarter)}"
    if reason == COOLDOWN:
        return f"listed, or held out of a list, in the last {plan.settings.contact_cooldown_days:,} days"
    if reason == SUPPRESSED:
        return "suppressed (suppressed_customers.csv)"
    return REASON_WORDS[reason]


def _arms(plan: Plan) -> list[str]:
    rows = [("arm", "share", "customers", "")]
    for number, arm in enumerate(plan.arms):
        rows.append((arm.name, percent(float(arm.share)), f"{arm.count:,}", "" if number else "on no list"))
    return text_table(rows, left=(0, 3))


def _without_a_campaign(plan: Plan) -> list[str]:
    base, days = plan.base, plan.settings.outcome_days
    told = []
    if base.forecast is not None:
        told.append(f"{percent(base.forecast)} of them are expected to order within {days} days (their forecasts)")
    if base.past_share is not None:
        of_them = "" if base.past_count == plan.count else f" (known for {base.past_count:,} of them)"
        told.append(
            f"of customers of these kinds and stages {percent(base.past_share)} ordered from {base.past_from} to "
            f"{base.past_until}{of_them}, and spent {plan.shop.amount(base.past_mean)} per customer"
        )
    lines = [f"Without a campaign: {'; '.join(told)}." if told else "Without a campaign: nobody knows what they do."]
    if base.is_abstaining:
        lines.append(f"Note: the forecasts abstain: {PAST_RATE}.")
    return lines


def _what_it_can_show(plan: Plan) -> list[str]:
    lines = ["What it can show, with 80 % power at 5 %:"]
    promised = plan.request.outcome
    order = (ORDERED, REVENUE) if promised == ORDERED else (REVENUE, ORDERED)
    for outcome in order:
        is_promised = " (promised)" if outcome == promised else ""
        for arm in plan.treated:
            tell = _share if outcome == ORDERED else _revenue
            lines.append(f"  {arm.name}, {OUTCOME_WORDS[outcome]}{is_promised}: {tell(plan, arm)}")
    if plan.base.share:
        needed = [
            f"{_some(count)} to show a rise by {_RISE_WORDS[rise]} (to {percent(min(rise * plan.base.share, 1))})"
            for rise, count in zip(RISES, plan.needed, strict=True)
            if count is not None
        ]
        if needed:
            lines.append(f"  Each of two arms of one size would need {' and '.join(needed)}.")
    if hopeless := [arm.name for arm in plan.treated if plan.can_show_doubling(arm) is False]:
        arms = "" if len(hopeless) == len(plan.treated) else f" for {', '.join(hopeless)}"
        lines.append(
            f"This can't be shown{arms}: even a doubling of {OUTCOME_WORDS[promised]} would look like no proof. Pool "
            "segments (more kinds and stages), raise the holdout, or wait until there are more such people."
        )
    return lines


def _share(plan: Plan, arm: PlannedArm) -> str:
    base, smallest = plan.base.share, arm.smallest_share
    if base is None:
        return "nobody knows what they do without a campaign, so nobody can tell."
    if smallest is None:
        return "not even everybody ordering would be proof."
    digits = 1 if base >= 0.00995 and percent(base, 1) != percent(smallest, 1) else 2
    return (
        f"can show a rise from {percent(base, digits)} to {percent(smallest, digits)} or more; a smaller one will look "
        "like no proof."
    )


def _revenue(plan: Plan, arm: PlannedArm) -> str:
    mean, rise = plan.base.past_mean, arm.smallest_rise
    if mean is None or rise is None:
        return "nobody knows how the spend of such customers varies, so nobody can tell."
    amount = plan.shop.amount
    return (
        f"can show a rise from {amount(mean)} to {amount(mean + rise)} or more, {amount(rise * arm.count, 0)} in the "
        "whole arm; a smaller one will look like no proof."
    )


def _outcome(plan: Plan) -> list[str]:
    return [
        f"Outcome: {OUTCOME_WORDS[plan.request.outcome]}, over the {plan.settings.outcome_days} days after "
        f"{plan.settings.as_of_date}; it is complete once the data reach {plan.outcome_until}. "
        f"Priority: {plan.request.priority}."
    ]


def _some(count: int) -> str:
    """A number of customers, to two digits."""
    rounded = int(float(f"{count:.1e}"))
    return f"some {rounded:,} customers" if rounded != count else f"{count:,} customers"
