"""Who entered a campaign list, who left it and who stayed, each with the reason.

The list of before is either the one that the tables give for an earlier as-of date, or the file that was written last.
A reason is the first of these that applies:

    gone from the data               left: the tables no longer know the customer
    forgotten, suppressed, in the control group           left: kept off every list today
    new customer                     entered: the first purchase came in between
    no longer suppressed, no longer in the control group  entered: kept off the list of before, and all else held then
    bought again                     there was a purchase in between
    model refitted                   kind, stage or how sure the label is differ, and so do the versions of the model
    a review came, a delivery came, a review and a delivery came    kind or satisfaction differ, and there was one
    time passed                      kind or stage differ, and nothing of all this happened
    probable enough, no longer probable enough            --min-probability or --min-order-probability
    among the first, no longer among the first            --top
    no longer suppressed or left out                      entered: the tables would have had the customer on it before
    left out by another condition    left: no condition that holds today explains it, so others were given before
    the list before was empty        entered: a file without customers does not tell its date either
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from olist_segments.campaigns.rules import (
    CONTROL_GROUP,
    FORGOTTEN,
    REASON_WORDS,
    SUPPRESSED,
    control_group,
    suppressed_since,
)
from olist_segments.errors import UserError
from olist_segments.serving.list_files import read_list
from olist_segments.serving.tables import present_tables

CHANGE_COLUMNS = ("change", "reason")
"""What stands before the columns of the list in a file of changes."""

ENTERED, LEFT, STAYED = "entered", "left", "stayed"

KEPT_OFF_WORDS = {reason: REASON_WORDS[reason] for reason in (FORGOTTEN, SUPPRESSED, CONTROL_GROUP)}
"""What keeps a customer off every list, in the order in which reasons count."""

_LISTED_BEFORE = {
    "customer_unique_id": "varchar",
    "segment_key": "varchar",
    "stage_key": "varchar",
    "model_version": "integer",
    "segment_probability": "double",
    "avg_review_score": "double",
    "order_probability": "double",
}
"""What the list of before says of a customer."""

_DEFAULT_MAX_CHANGE = 0.5


@dataclass(frozen=True)
class Conditions:
    """What a list was asked for; names are those of the options."""

    segment_key: str
    stage_key: str | None
    min_probability: float
    exclude_dissatisfied: bool
    min_order_probability: float
    measure: str
    top: int | None
    dissatisfied: float

    @property
    def parameters(self) -> dict[str, Any]:
        """Those that a query takes as parameters."""
        return {
            "segment_key": self.segment_key,
            "stage_key": self.stage_key,
            "min_probability": self.min_probability,
            "exclude_dissatisfied": self.exclude_dissatisfied,
            "min_order_probability": self.min_order_probability,
            "dissatisfied": self.dissatisfied,
        }


@dataclass(frozen=True)
class Before:
    """The list of before: of which date (None: it was empty and tells none), and what it says of its customers."""

    as_of_date: date | None
    listed: pd.DataFrame

    @property
    def customers(self) -> list[str]:
        """Who was on it, in its order."""
        return [str(key) for key in self.listed["customer_unique_id"]]


@dataclass(frozen=True)
class Difference:
    """Changes from the list of before to today's: the customers who left, in order, and a reason for each change."""

    before: Before
    left: list[str]
    reasons: Mapping[str, str]

    def change_of(self, customer: str) -> tuple[str, str]:
        """Change and reason of a customer who is on one of the lists."""
        if customer not in self.reasons:
            return STAYED, ""
        return LEFT if customer in self._gone else ENTERED, self.reasons[customer]

    @cached_property
    def _gone(self) -> frozenset[str]:
        return frozenset(self.left)


_STATES = """
    select
        kinds.customer_unique_id,
        kinds.model_version,
        kinds.segment_key,
        stages.stage_key,
        kinds.segment_key = $segment_key as is_kind,
        $stage_key is null or stages.stage_key = $stage_key as is_stage,
        coalesce(kinds.segment_probability, 0) >= $min_probability as is_sure,
        not coalesce($exclude_dissatisfied and features.avg_review_score <= $dissatisfied, false) as is_content,
        coalesce(forecasts.order_probability, 0) >= $min_order_probability as is_probable,
        features.total_spend,
        forecasts.order_probability,
        forecasts.expected_orders,
        forecasts.expected_revenue
    from customer_segments_monthly as kinds
    inner join lifecycle_stages_monthly as stages
        on kinds.customer_unique_id = stages.customer_unique_id and kinds.as_of_date = stages.as_of_date
    inner join customer_features_monthly as features
        on kinds.customer_unique_id = features.customer_unique_id and kinds.as_of_date = features.as_of_date
    left join ({forecasts}) as forecasts
        on kinds.customer_unique_id = forecasts.customer_unique_id and kinds.as_of_date = forecasts.as_of_date
    where kinds.as_of_date = ${date}::date
"""
_FORECASTS = """
    select customer_unique_id, as_of_date, order_probability, expected_orders, expected_revenue
    from customer_forecasts_monthly
"""
_NO_FORECASTS = """
    select
        null::varchar as customer_unique_id, null::date as as_of_date, null::double as order_probability,
        null::double as expected_orders, null::double as expected_revenue
    where false
"""
_LISTED = """
    with states as ({states})

    select states.customer_unique_id
    from states
    left join off_then on states.customer_unique_id = off_then.customer_unique_id
    where
        is_kind and is_stage and is_sure and is_content and is_probable
        and off_then.customer_unique_id is null
    order by {measure} desc nulls last, states.customer_unique_id
    limit {limit}
"""
# A list of before that is a file says itself what its customers were; of others the newest as-of date until then does.
_REASONS = """
    with states_then as ({states_then}),

    states_now as ({states_now}),

    events as (
        select
            customer_unique_id,
            min(purchase_date) > $before as is_new,
            bool_or(purchase_date > $before and purchase_date <= $today) as has_bought,
            bool_or(
                (first_review_answered_at::date > $before and first_review_answered_at::date <= $today)
                or (last_review_answered_at::date > $before and last_review_answered_at::date <= $today)
            ) as has_review,
            bool_or(delivered_at::date > $before and delivered_at::date <= $today) as has_delivery
        from purchases
        where purchase_date <= $today
        group by customer_unique_id
    ),

    changed as (
        select customer_unique_id, true as has_left from listed_then
        where customer_unique_id not in (select customer_unique_id from listed_now)
        union all
        select customer_unique_id, false as has_left from listed_now
        where customer_unique_id not in (select customer_unique_id from listed_then)
    ),

    compared as (
        select
            changed.customer_unique_id,
            changed.has_left,
            now.customer_unique_id is null as is_gone,
            off_lists.reason as off_now,
            off_then.reason as off_then,
            coalesce(events.is_new, false) as is_new,
            coalesce(events.has_bought, false) as has_bought,
            coalesce(events.has_review, false) as has_review,
            coalesce(events.has_delivery, false) as has_delivery,
            coalesce(listed.model_version, before.model_version) <> now.model_version as has_other_version,
            coalesce(coalesce(listed.segment_key = $segment_key, before.is_kind) <> now.is_kind, true) as kind_turned,
            $stage_key is not null
            and coalesce(coalesce(listed.stage_key = $stage_key, before.is_stage) <> now.is_stage, true)
                as stage_turned,
            coalesce(
                coalesce(listed.segment_probability >= $min_probability, before.is_sure) <> now.is_sure, false
            ) as sureness_turned,
            coalesce(
                coalesce(
                    not ($exclude_dissatisfied and listed.avg_review_score <= $dissatisfied), before.is_content
                ) <> now.is_content,
                false
            ) as content_turned,
            coalesce(
                coalesce(listed.order_probability >= $min_order_probability, before.is_probable) <> now.is_probable,
                false
            ) as probable_turned,
            coalesce(before.is_kind and before.is_stage and before.is_sure and before.is_content, false)
            and before.is_probable as was_eligible
        from changed
        left join states_now as now on changed.customer_unique_id = now.customer_unique_id
        left join states_then as before on changed.customer_unique_id = before.customer_unique_id
        left join listed_then as listed on changed.customer_unique_id = listed.customer_unique_id
        left join off_lists on changed.customer_unique_id = off_lists.customer_unique_id
        left join off_then on changed.customer_unique_id = off_then.customer_unique_id
        left join events on changed.customer_unique_id = events.customer_unique_id
    )

    select
        customer_unique_id,
        has_left,
        case
            when has_left and is_gone then 'gone from the data'
            when has_left and off_now = 'forgotten' then 'forgotten'
            when has_left and off_now = 'suppressed' then 'suppressed'
            when has_left and off_now = 'control_group' then 'in the control group'
            when is_new then 'new customer'
            when not has_left and was_eligible and off_then = 'suppressed' then 'no longer suppressed'
            when not has_left and was_eligible and off_then = 'control_group' then 'no longer in the control group'
            when has_bought then 'bought again'
            when has_other_version and (kind_turned or stage_turned or sureness_turned) then 'model refitted'
            when (kind_turned or content_turned) and has_review and has_delivery then 'a review and a delivery came'
            when (kind_turned or content_turned) and has_review then 'a review came'
            when (kind_turned or content_turned) and has_delivery then 'a delivery came'
            when kind_turned or stage_turned then 'time passed'
            when sureness_turned or probable_turned then {probable_words}
            when $has_top then {top_words}
            when has_left then 'left out by another condition'
            else 'no longer suppressed or left out'
        end as reason
    from compared
    order by customer_unique_id
"""


def listed_on(
    connection: duckdb.DuckDBPyConnection, source: Path, conditions: Conditions, as_of_date: date, today: date
) -> Before:
    """The list as it would have been on `as_of_date`, from the tables in `source` that `connection` reads.

    UserError where `as_of_date` is no as-of date before `today`.
    """
    dates = [day for (day,) in connection.execute("select as_of_date from as_of_dates order by 1").fetchall()]
    earlier = [day for day in dates if day < today]
    if as_of_date not in earlier:
        known = f"from {earlier[0]} to {earlier[-1]}" if earlier else "of which there is none"
        raise UserError(
            f"'{source}' holds no list of {as_of_date}: give an as-of date before {today}, {known}; nearly all are "
            "ends of months."
        )
    _make_off_then(connection, source, as_of_date)
    query = _LISTED.format(
        states=_states(connection, "date"),
        measure=conditions.measure,
        limit="all" if conditions.top is None else conditions.top,
    )
    listed = connection.execute(query, conditions.parameters | {"date": as_of_date}).fetchall()
    rows = [(key, *[None] * (len(_LISTED_BEFORE) - 1)) for (key,) in listed]
    return Before(as_of_date, pd.DataFrame(rows, columns=[*_LISTED_BEFORE]))


def listed_in(
    file: Path,
    columns: Sequence[str],
    customers: Sequence[str],
    written: Callable[[str], str],
    conditions: Conditions,
    today: date,
) -> Before:
    """The list that an earlier run wrote to `file`, under `columns` or the first of them.

    `customers`: those known today, by whom cells are understood that `written` changed on their way into the file.
    UserError where it is no whole list of the same segment, of `today` or earlier.
    """
    header, lines = read_list(file)
    if tuple(header) != tuple(columns[: len(header)]) or not set(header) >= {"customer_unique_id", "model_version"}:
        raise UserError(f"'{file}' is no whole list of customers: name the list that was written last.")
    own = {changed: key for key in customers if (changed := written(key)) != key}
    rows: dict[str, tuple[Any, ...]] = {}
    days: set[date] = set()
    for number, cells in lines:
        try:
            row = dict(zip(header, cells, strict=True))
            days.add(date.fromisoformat(row["as_of_date"]))
            said = (
                row["segment_key"],
                row.get("stage_key") or None,
                int(row["model_version"]),
                *(
                    float(row[name].replace(",", ".")) if row.get(name) else None
                    for name in ("segment_probability", "avg_review_score", "order_probability")
                ),
            )
        except ValueError as error:
            raise _unreadable(file, number) from error
        key = own.get(row["customer_unique_id"], row["customer_unique_id"])
        if not key or key in rows or len(days) > 1:
            raise _unreadable(file, number)
        if row["segment_key"] != written(conditions.segment_key):
            raise UserError(
                f"'{file}' holds customers of another segment: name the list of this one, or write a new file without "
                "--since-last."
            )
        rows[key] = (key, *said)
    day = next(iter(days), None)
    if day is not None and day > today:
        raise UserError(
            f"'{file}' is a list of {day}, and the tables are as of {today}: build and publish again, or name another "
            "file."
        )
    return Before(day, pd.DataFrame([*rows.values()], columns=[*_LISTED_BEFORE]))


def compare(
    connection: duckdb.DuckDBPyConnection,
    source: Path,
    conditions: Conditions,
    before: Before,
    now: Sequence[str],
    today: date,
) -> Difference:
    """Why the list of `before` and that of `now` differ; `today` is an as-of date of the tables.

    The relation off_lists (customer_unique_id, reason) says who is kept off every list today.
    """
    day = before.as_of_date
    if day is None:
        return Difference(before, [], dict.fromkeys(now, "the list before was empty"))
    _make_off_then(connection, source, day)
    listed = ", ".join(f"{name}::{kind} as {name}" for name, kind in _LISTED_BEFORE.items())
    connection.register("listed_before", before.listed)
    connection.register("listed_today", pd.DataFrame({"customer_unique_id": list(now)}, dtype="str"))
    connection.execute(f"create or replace temp table listed_then as select {listed} from listed_before")
    connection.execute(
        "create or replace temp table listed_now as select customer_unique_id::varchar as customer_unique_id "
        "from listed_today"
    )
    query = _REASONS.format(
        states_then=_states(connection, "known"),
        states_now=_states(connection, "today"),
        probable_words="case when has_left then 'no longer probable enough' else 'probable enough' end",
        top_words="case when has_left then 'no longer among the first' else 'among the first' end",
    )
    known = connection.execute("select max(as_of_date) from as_of_dates where as_of_date <= $day", {"day": day})
    parameters = {
        "known": known.fetchall()[0][0] or day,
        "before": day,
        "today": today,
        "has_top": conditions.top is not None,
    }
    found = connection.execute(query, conditions.parameters | parameters).fetchall()
    return Difference(before, [key for key, has_left, _ in found if has_left], {key: why for key, _, why in found})


def check_size(before: int, now: int, most: float, file: Path) -> None:
    """UserError where a list of `before` customers became one of `now` by more than the share `most`."""
    if math.isinf(most) or abs(now - before) <= most * before:
        return
    change = f"from {before:,} to {now:,} customers"
    raise UserError(
        f"'{file}' was not written, because the list changed {change}, by more than {most:.0%}: look at why, then give "
        "--go-on, or allow it with --max-change."
    )


def max_change(connection: duckdb.DuckDBPyConnection) -> float:
    """The share by which a list may change, by the tables; that of the project's own vars where they are older."""
    if "campaign_settings" not in present_tables(connection):
        return _DEFAULT_MAX_CHANGE
    rows = connection.execute("select audience_max_change_share from campaign_settings").fetchall()
    return float(rows[0][0]) if rows else _DEFAULT_MAX_CHANGE


def _states(connection: duckdb.DuckDBPyConnection, date_parameter: str) -> str:
    """The select of what every customer was at a date, and which conditions held."""
    has_forecasts = "customer_forecasts_monthly" in present_tables(connection)
    return _STATES.format(forecasts=_FORECASTS if has_forecasts else _NO_FORECASTS, date=date_parameter)


def _make_off_then(connection: duckdb.DuckDBPyConnection, source: Path, day: date) -> None:
    """Make the temporary table off_then (customer_unique_id, reason): who was kept off every list on `day`."""
    in_control = control_group(connection, source, f"{day.year}Q{(day.month + 2) // 3}")
    off = dict.fromkeys(sorted(in_control), CONTROL_GROUP)
    off |= {
        key: SUPPRESSED for key, first in suppressed_since(connection, source).items() if first is None or first <= day
    }
    connection.register("off", pd.DataFrame(list(off.items()), columns=["customer_unique_id", "reason"], dtype="str"))
    connection.execute(
        "create or replace temp table off_then as "
        "select customer_unique_id::varchar as customer_unique_id, reason::varchar as reason from off"
    )


def _unreadable(file: Path, number: int) -> UserError:
    return UserError(
        f"'{file}', line {number}: it is not as it was written: write the list once more without --since-last."
    )
