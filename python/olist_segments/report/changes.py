"""What changed since the publish before, in sentences: customers, money, contract, forecasts, campaigns, data."""

from __future__ import annotations

from collections.abc import Sequence

from olist_segments.report.figure import Finding, Tables
from olist_segments.report.source import Row
from olist_segments.report.words import count, day, listed, plural
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
    told = [
        _groups([row for row in tables.rows("changed") if row["grouping_name"] == name], name, tables.shop)
        for name in ("kind", "stage")
    ]
    told += [
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


def _groups(rows: Sequence[Row], noun: str, shop: Shop) -> str:
    """The kind or stage that gained most customers, and the one that lost most."""
    gained = max(rows, key=lambda row: row["customer_difference"])
    lost = min(rows, key=lambda row: row["customer_difference"])
    new = [row["group_name"] for row in rows if not row["customers_before"] and row["customers_now"]]
    gone = [row["group_name"] for row in rows if row["customers_before"] and not row["customers_now"]]
    told = []
    if gained["customer_difference"] > 0:
        told.append(f"{_moved(gained, shop)}, the largest gain of any {noun}")
    if lost["customer_difference"] < 0:
        told.append(f"{_moved(lost, shop)}, the largest loss of any {noun}")
    sentences = [f"{'; '.join(told)}."] if told else []
    if new:
        sentences.append(f"New: {listed(new)}.")
    if gone:
        sentences.append(f"No longer there: {listed(gone)}.")
    return " ".join(sentences)


def _moved(row: Row, shop: Shop) -> str:
    return (
        f"{row['group_name']} has {_difference(row['customer_difference'], 'customer')} ({count(row['customers_now'])} "
        f"now) and {_amount_difference(row['spend_difference'], shop)} revenue"
    )


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
        f"expected, {count(row['actual_orders'])} came ({row['drift_status']})."
        for row in rows[-_FINDINGS_TOLD:]
    ]
    made = (
        ["Where no forecast was written then, it is what the model would have said from what was known."]
        if any(row["is_simulated"] for row in rows)
        else []
    )
    return " ".join([known + newest, *told, *made])


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
