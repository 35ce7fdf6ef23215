"""What changed since the publish before, in sentences: customers, money, contract, forecasts, campaigns, data."""

from __future__ import annotations

from collections.abc import Sequence

from olist_segments.report.figure import Finding, Tables
from olist_segments.report.source import Row
from olist_segments.report.words import count, day, listed, plural, share
from olist_segments.shop import Shop

QUERIES = ("changed", "changed_campaigns", "changed_forecasts", "changed_quality", "changed_terms")
"""All queries of the schema `before`, the tables of the publish before."""

_FINDINGS_TOLD = 5


def changed(tables: Tables) -> Finding | None:
    """Customers and money of each kind and stage, then and now, as a table. None where nothing differs."""
    rows = tables.rows("changed")
    if not any(row["customer_difference"] or row["spend_difference"] for row in rows):
        return None
    return Finding("Customers and revenue of each kind and stage, then and now", day(tables.as_of))


def lead(tables: Tables) -> str:
    """What is compared with what, and the customers and revenue of both."""
    terms = tables.rows("changed_terms")[0]
    kinds = [row for row in tables.rows("changed") if row["grouping_name"] == "kind"]
    customers, spend = (sum(row[f"{what}_now"] for row in kinds) for what in ("customers", "spend"))
    more, earned = (sum(row[f"{what}_difference"] for row in kinds) for what in ("customer", "spend"))
    compared = f"Compared with the publish before, which knew orders until {day(terms['as_of_date_before'])}"
    if terms["as_of_date"] == terms["as_of_date_before"]:
        compared = f"Compared with the publish before, of the same day, {day(terms['as_of_date'])}"
    if not more and not earned:
        return f"{compared}, there are as many customers and as much revenue: {_total(customers, spend, tables.shop)}."
    return (
        f"{compared}, there {'is' if abs(more) == 1 else 'are'} {_difference(more, 'customer')} and "
        f"{_amount_difference(earned, tables.shop)} revenue: {_total(customers, spend, tables.shop)} now."
    )


def notes(tables: Tables) -> list[str]:
    """A paragraph each for what changed: kinds, stages, model, contract, forecasts, campaigns, data."""
    terms = tables.rows("changed_terms")[0]
    kinds, stages = (
        [row for row in tables.rows("changed") if row["grouping_name"] == name] for name in ("kind", "stage")
    )
    told = [
        _groups(kinds, tables.shop),
        # Customers who pass to the next stage take their revenue along: no stage has earned or lost it.
        _groups(stages, None),
        _model(terms),
        _contract(terms),
        _forecasts(tables.rows("changed_forecasts")),
        _campaigns(tables.rows("changed_campaigns")) if "changed_campaigns" in tables.answers else "",
        _quality(tables.rows("changed_quality")),
    ]
    return [words for words in told if words]


def _total(customers: float, spend: float, shop: Shop) -> str:
    return f"{plural(customers, 'customer')} and {shop.money(spend)}"


def _difference(value: float, noun: str) -> str:
    """How many more or fewer: 1,203 more customers, 1 customer fewer."""
    if not value:
        return f"as many {noun}s"
    return f"{count(abs(value))} {'more' if value > 0 else 'fewer'} {noun if abs(value) == 1 else noun + 's'}"


def _amount_difference(value: float, shop: Shop) -> str:
    if not value:
        return "as much"
    return f"{shop.money(abs(value))} {'more' if value > 0 else 'less'}"


def _groups(rows: Sequence[Row], shop: Shop | None) -> str:
    """The kinds or stages that gained most and lost most: customers, and with a `shop` revenue in its currency."""
    new = [row["group_name"] for row in rows if not row["customers_before"] and row["customers_now"]]
    gone = [row["group_name"] for row in rows if row["customers_before"] and not row["customers_now"]]
    sentences = []
    for sign, verb in ((1, "gained"), (-1, "lost")):
        told = []
        most = max(rows, key=lambda row: sign * row["customer_difference"])
        if difference := max(sign * most["customer_difference"], 0):
            now = count(most["customers_now"])
            told.append(f"{most['group_name']} {verb} the most customers, {count(difference)} ({now} now)")
        most = max(rows, key=lambda row: sign * row["spend_difference"])
        if shop and sign * most["spend_difference"] > 0:
            told.append(f"{most['group_name']} {verb} the most revenue, {shop.money(abs(most['spend_difference']))}")
        if told:
            sentences.append(f"{'; '.join(told)}.")
    if new:
        sentences.append(f"New: {listed(new)}.")
    if gone:
        sentences.append(f"No longer there: {listed(gone)}.")
    return " ".join(sentences)


def _model(terms: Row) -> str:
    if terms["model_version"] == terms["model_version_before"]:
        return ""
    return (
        f"The segmentation was fitted again: model version {terms['model_version']} took the place of version "
        f"{terms['model_version_before']}. So customers may be of another kind without having done anything."
    )


def _contract(terms: Row) -> str:
    """What the contract asks for now, and whether it asked for the same then."""
    if terms["refit_interval_days"] is None:
        return ""
    interval = _interval(terms["is_interval_at_least"], terms["refit_interval_days"])
    if terms["is_broken_today"]:
        since = "still" if terms["is_broken_before"] else "now"
        return f"The maintenance contract {since} asks for a refit."
    due = f"the next refit is due on {day(terms['due_date'])}"
    if terms["refit_interval_days_before"] is None:
        return f"There is a maintenance contract now, for {interval} between fits; {due}."
    before = _interval(terms["is_interval_at_least_before"], terms["refit_interval_days_before"])
    mended = "The maintenance contract holds again. " if terms["is_broken_before"] else ""
    if interval == before:
        return f"{mended}The maintenance contract is unchanged: {interval} between fits; {due}."
    return f"{mended}The maintenance contract is for {interval} between fits instead of {before}; {due}."


def _interval(is_at_least: bool, days: int) -> str:
    return f"{'at least ' if is_at_least else ''}{plural(days, 'day')}"


def _forecasts(rows: Sequence[Row]) -> str:
    """What was expected and what came in the outcome periods that are over since."""
    if not rows:
        return ""
    known = "The outcome of one more forecast is known" if len(rows) == 1 else f"{len(rows)} more outcomes are known"
    newest = f"; the newest {_FINDINGS_TOLD}:" if len(rows) > _FINDINGS_TOLD else "."
    told = [
        f"After {day(row['as_of_date'])}, until {day(row['outcome_until'])}: {count(row['expected_orders'])} orders "
        f"expected, {count(row['actual_orders'])} came{_ratio(row)}."
        for row in rows[-_FINDINGS_TOLD:]
    ]
    made = (
        ["What no build had forecast by then was calculated afterwards, from what was known on the day."]
        if any(row["is_simulated"] for row in rows)
        else []
    )
    return " ".join([known + newest, *told, *made])


def _ratio(row: Row) -> str:
    """By how much too many or too few orders were expected, and whether that is more than the rule allows."""
    if row["order_ratio"] is None:
        return ""
    apart = f"{share(abs(row['order_ratio'] - 1))} too {'many' if row['order_ratio'] > 1 else 'few'}"
    return f" ({apart}, {'more' if row['drift_status'] == 'off' else 'no more'} than the rule allows)"


def _campaigns(rows: Sequence[Row]) -> str:
    told = [
        f"{row['campaign']} ({day(row['as_of_date'])} to {day(row['outcome_until'])}): "
        f"{str(row['finding'] or 'nothing could be found').rstrip('.')}"
        for row in rows
    ]
    return f"Campaigns that are over since: {'; '.join(told)}." if told else ""


def _quality(rows: Sequence[Row]) -> str:
    """What was found in the data that was not there before, the unexpected first."""
    told = [
        f"{plural(row['affected_rows'], 'row')} of {row['table_name']}"
        f"{f', {count(before)} then,' if (before := row['affected_rows_before']) else ''} with {row['breach']} "
        f"({row['treatment']})"
        for row in rows[:_FINDINGS_TOLD]
    ]
    if not told:
        return ""
    others = len(rows) - len(told)
    more = f"; and {plural(others, 'finding')} more, see Data quality" if others else ""
    return f"New in the data: {'; '.join(told)}{more}."
