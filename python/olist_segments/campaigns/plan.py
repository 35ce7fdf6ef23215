"""Planning a campaign: who it addresses, who is taken off and why, the draw, and what it will be able to show.

`plan` and `launch` share this: a launch writes down what its plan says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from math import sqrt
from pathlib import Path

import duckdb

from olist_segments.campaigns.draw import draw
from olist_segments.campaigns.inputs import HOLDOUT, ORDERED, campaign_folder, check_name
from olist_segments.campaigns.log import already_there, log_file
from olist_segments.campaigns.power import people_needed, smallest_mean_rise, smallest_share
from olist_segments.campaigns.rules import (
    IS_RUNNING,
    REASON_WORDS,
    REASONS,
    Settings,
    read_settings,
    suppressed_source,
    take_off,
)
from olist_segments.errors import UserError
from olist_segments.serving.audience import (
    DISSATISFIED,
    EVERYBODY,
    FRAME,
    SEGMENTS,
    STAGES,
    Wanted,
    count_customers,
    known_key,
)
from olist_segments.serving.tables import choose_source, open_tables
from olist_segments.shop import Shop, read_shop

TREATED = "treated"
"""The arm of a campaign that names none."""
RISES = (1.5, 1.2)
"""Rises of the share who order, as multiples, for which a plan says how many people they need."""


@dataclass(frozen=True)
class Arm:
    """An arm and its share of the people."""

    name: str
    share: Decimal


@dataclass(frozen=True)
class Request:
    """What was asked for: a campaign of some kinds and stages (keys or names; none: all).

    `holdout` None: the rest where there are `arms`, or else the share of the settings. `outcome`: ORDERED or REVENUE.
    """

    name: str
    kinds: Sequence[str] = ()
    stages: Sequence[str] = ()
    min_probability: float = 0.0
    exclude_dissatisfied: bool = False
    wanted: Wanted = EVERYBODY
    holdout: Decimal | None = None
    arms: Sequence[Arm] = ()
    priority: int = 0
    outcome: str = ORDERED


@dataclass(frozen=True)
class Base:
    """What the people would do without a campaign; None where nobody knows.

    `forecast`: share who order, where forecasts don't abstain. `past_share`, `past_mean`, `past_deviation`: what such
    customers did from `past_from` to `past_until`, the spend of single customers; known for `past_count` of the
    people, by kind and stage.
    """

    forecast: float | None
    is_abstaining: bool
    past_share: float | None
    past_mean: float | None
    past_deviation: float | None
    past_count: int
    past_from: date | None
    past_until: date | None

    @property
    def share(self) -> float | None:
        """The share who order without a campaign."""
        return self.past_share if self.forecast is None else self.forecast


@dataclass(frozen=True)
class PlannedArm:
    """An arm as it was drawn; the smallest share and rise of revenue per customer that it can show, None: none."""

    name: str
    share: Decimal
    count: int
    smallest_share: float | None
    smallest_rise: float | None


@dataclass(frozen=True)
class Plan:
    """A campaign before it is launched; the people are in the temporary table `drawn` of its connection.

    `taken_off`: people by reason, in the order of REASONS; `taken_over`: people by running campaign of lower priority;
    `arms`: the holdout first; `needed`: customers an arm must have to show each of RISES, empty where the base is not
    known.
    """

    request: Request
    settings: Settings
    source: Path
    model_version: int
    kinds: tuple[str, ...]
    stages: tuple[str, ...]
    asked_for: int
    taken_off: dict[str, int]
    left_by_top: int
    taken_over: dict[str, int]
    suppressed_file: Path | None
    arms: tuple[PlannedArm, ...]
    base: Base
    needed: tuple[int | None, ...]
    shop: Shop = field(default_factory=Shop)

    @property
    def outcome_until(self) -> date:
        """The last day that counts."""
        return self.settings.as_of_date + timedelta(days=self.settings.outcome_days)

    @property
    def count(self) -> int:
        """The people of the campaign, those held out among them."""
        return sum(arm.count for arm in self.arms)

    @property
    def treated(self) -> tuple[PlannedArm, ...]:
        """The arms that are listed."""
        return self.arms[1:]

    def can_show_doubling(self, arm: PlannedArm) -> bool | None:
        """False where even a doubling of the promised outcome would be missed too often; None where nobody can tell."""
        if self.request.outcome == ORDERED:
            base, smallest = self.base.share, arm.smallest_share
            return None if base is None else smallest is not None and smallest <= 2 * base
        mean, rise = self.base.past_mean, arm.smallest_rise
        return None if mean is None or rise is None else rise <= mean

    @property
    def smallest_uplift(self) -> float | None:
        """The smallest rise of the promised outcome that every arm can show: of the share, or of spend per customer."""
        base = self.base.share
        found: list[float] = []
        for arm in self.treated:
            if self.request.outcome == ORDERED:
                uplift = None if base is None or arm.smallest_share is None else arm.smallest_share - base
            else:
                uplift = arm.smallest_rise
            if uplift is None:
                return None
            found.append(uplift)
        return max(found)


@contextmanager
def planned(request: Request, kind: str | None) -> Iterator[tuple[duckdb.DuckDBPyConnection, Plan]]:
    """The plan of what was asked for, and the connection that holds its people in the table `drawn`.

    `kind`: one of SOURCES, or None for the published tables if there are any. UserError where the campaign can't be.
    """
    check_name(request.name, "a campaign")
    file = log_file(campaign_folder(), request.name)
    if file.exists():
        raise already_there(file)
    _check_arms(request)
    source = choose_source(kind)
    with open_tables(source) as connection:
        settings = read_settings(connection, source)
        arms = arms_of(request, Decimal(str(settings.holdout_share)))
        model_version, kinds, stages = _ask_for(connection, source, request)
        take_off(connection, source, settings, request.priority)
        counted = dict(connection.sql("select reason, count(*) from taken_off group by reason").fetchall())
        connection.execute(_PEOPLE.format(measure=request.wanted.measure, limit=request.wanted.top or "all"))
        placed = draw(connection, "people", [arm.share for arm in arms], settings.campaign_salt)  # noqa: F841
        connection.execute("create temp table drawn as from placed")
        asked_for, count = (_number(connection, f"select count(*) from {table}") for table in ("asked_for", "drawn"))
        if not count:
            raise UserError(_nobody(asked_for, counted))
        by_arm = dict(connection.sql("select arm_number, count(*) from drawn group by arm_number").fetchall())
        for number, arm in enumerate(arms):
            if number not in by_arm:
                raise UserError(
                    f"of {count_customers(count)} nobody falls to {arm.name} with a share of {arm.share}: give it a "
                    "larger one, or address more kinds and stages."
                )
        base = _base(connection, settings)
        yield (
            connection,
            Plan(
                request=request,
                settings=settings,
                source=source,
                model_version=model_version,
                kinds=kinds,
                stages=stages,
                asked_for=asked_for,
                taken_off={reason: counted.get(reason, 0) for reason in REASONS},
                left_by_top=asked_for - sum(counted.values()) - count,
                taken_over=dict(connection.execute(_TAKEN_OVER, {"today": settings.as_of_date}).fetchall()),
                suppressed_file=suppressed_source(connection, source),
                arms=tuple(_planned_arm(arm, by_arm[number], by_arm[0], base) for number, arm in enumerate(arms)),
                base=base,
                needed=tuple(people_needed(base.share, rise * base.share) for rise in RISES) if base.share else (),
                shop=read_shop(connection),
            ),
        )


def arms_of(request: Request, usual_holdout: Decimal) -> tuple[Arm, ...]:
    """The arms with the holdout in front; UserError unless their shares add up to 1 and somebody is held out."""
    treated = sum((arm.share for arm in request.arms), Decimal(0))
    holdout = request.holdout
    if holdout is None:
        holdout = 1 - treated if request.arms else usual_holdout
    if holdout <= 0:
        raise UserError(
            f"the arms take {_plain(treated)} of the people and leave nobody to hold out, without whom nobody could "
            "tell what the campaign earned: give arms that add up to less than 1, and --holdout more than 0."
        )
    arms = tuple(request.arms) or (Arm(TREATED, 1 - holdout),)
    total = holdout + sum(arm.share for arm in arms)
    if total != 1:
        raise UserError(
            f"the shares of the holdout ({_plain(holdout)}) and of the arms add up to {_plain(total)}: they must add "
            "up to 1; without --holdout it is what the arms leave."
        )
    return (Arm(HOLDOUT, holdout), *arms)


def _check_arms(request: Request) -> None:
    names = [arm.name for arm in request.arms]
    for name in names:
        check_name(name, "an arm")
        if name == HOLDOUT:
            raise UserError(f"'{HOLDOUT}' is the arm that is on no list: give its share with --holdout.")
        if names.count(name) > 1:
            raise UserError(f"the arm '{name}' is given twice: give each arm once.")


def _ask_for(
    connection: duckdb.DuckDBPyConnection, source: Path, request: Request
) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    """Make the table `asked_for`, a row a customer; the model version and the names of kinds and stages."""
    frame = connection.execute(FRAME).fetchall()
    if not frame:
        raise UserError(f"'{source}' holds no segments yet: run dbt build to its end.")
    as_of_date, model_version = frame[0]
    kinds, stages = (dict(connection.execute(query).fetchall()) for query in (SEGMENTS, STAGES))
    where = f"on {as_of_date} in '{source}'"
    kind_keys = [known_key(kind, kinds, "segment", where) for kind in request.kinds]
    stage_keys = [known_key(stage, stages, "stage", f"in '{source}'") for stage in request.stages]
    connection.execute(
        _ASKED_FOR,
        {
            "campaign": request.name,
            "kinds": kind_keys or list(kinds),
            "stages": stage_keys or list(stages),
            "min_probability": request.min_probability,
            "exclude_dissatisfied": request.exclude_dissatisfied,
            "min_order_probability": request.wanted.min_order_probability,
        },
    )
    chosen = (dict.fromkeys(names[key] for key in keys) for keys, names in ((kind_keys, kinds), (stage_keys, stages)))
    return (int(model_version), *(tuple(names) for names in chosen))  # type: ignore[return-value]


def _nobody(asked_for: int, counted: dict[str, int]) -> str:
    if not asked_for:
        return "nobody is of these kinds at these stages under these conditions: ask for more of them."
    told = ", ".join(f"{count:,} {REASON_WORDS[reason]}" for reason, count in counted.items())
    return (
        f"nobody of {count_customers(asked_for)} may be listed today ({told}): ask for other kinds or stages, or wait."
    )


def _base(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Base:
    """What the people of the table `drawn` would do without a campaign."""
    forecast, is_abstaining = connection.sql(
        f"select {_MEAN_PROBABILITY}, coalesce(bool_or(is_abstaining), true) from drawn"
    ).fetchall()[0]
    share, mean, squared, count, since, until = connection.sql(_PAST).fetchall()[0]
    return Base(
        forecast=None if is_abstaining else forecast,
        is_abstaining=is_abstaining,
        past_share=share,
        past_mean=mean,
        past_deviation=None if mean is None else sqrt(max(squared - mean**2, 0.0)),
        past_count=count,
        past_from=since,
        past_until=until,
    )


def _planned_arm(arm: Arm, count: int, holdout_count: int, base: Base) -> PlannedArm:
    if arm.name == HOLDOUT:
        return PlannedArm(arm.name, arm.share, count, None, None)
    return PlannedArm(
        arm.name,
        arm.share,
        count,
        None if base.share is None else smallest_share(base.share, count, holdout_count),
        None
        if base.past_mean is None or base.past_deviation is None
        else smallest_mean_rise(base.past_mean, base.past_deviation, count, holdout_count),
    )


def _number(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(connection.sql(query).fetchall()[0][0])


def _plain(share: Decimal) -> str:
    return f"{share.normalize():f}"


_ASKED_FOR = f"""
    create temp table asked_for as
    select
        $campaign as campaign,
        customer_segments.customer_unique_id,
        customer_segments.segment_key,
        customer_segments.segment_name,
        customer_segments.stage_key,
        customer_segments.stage_name,
        customer_segments.model_version,
        customer_segments.recency_days,
        customer_segments.purchase_day_count,
        customer_segments.total_spend,
        customer_segments.avg_review_score,
        customer_features.late_delivery_share,
        customer_forecasts.order_probability,
        customer_forecasts.expected_orders,
        customer_forecasts.expected_revenue,
        customer_forecasts.is_abstaining,
        customer_forecasts.forecast_version
    from customer_segments
    inner join customer_features on customer_segments.customer_unique_id = customer_features.customer_unique_id
    left join customer_forecasts on customer_segments.customer_unique_id = customer_forecasts.customer_unique_id
    where
        list_contains($kinds::varchar[], customer_segments.segment_key)
        and list_contains($stages::varchar[], customer_segments.stage_key)
        and coalesce(customer_segments.segment_probability, 0) >= $min_probability
        and not coalesce($exclude_dissatisfied and customer_segments.avg_review_score <= {DISSATISFIED}, false)
        and coalesce(customer_forecasts.order_probability, 0) >= $min_order_probability
"""
_PEOPLE = """
    create temp table people as
    select *
    from asked_for
    anti join taken_off on asked_for.customer_unique_id = taken_off.customer_unique_id
    order by {measure} desc nulls last, customer_unique_id
    limit {limit}
"""
_TAKEN_OVER = f"""
    select logged.campaign, count(*)
    from logged
    semi join drawn on logged.customer_unique_id = drawn.customer_unique_id
    where {IS_RUNNING}
    group by logged.campaign
    order by logged.campaign
"""
# A sum of doubles depends on the order of its rows, and a plan and its launch must say the same.
_MEAN_PROBABILITY = "sum(order_probability::decimal(18, 15))::double / count(order_probability)"
# Of the newest outcome period that has ended, by kind and stage as they were at its begin.
_PAST = """
    with counted as (
        select segment_key || ':' || stage_key as segment_key, count(*) as people
        from drawn
        group by 1
    ),

    known as (
        select
            counted.segment_key,
            counted.people,
            outcomes.ordered_again_count / outcomes.customer_count as share,
            outcomes.next_spend::double / outcomes.customer_count as mean,
            outcomes.next_spend_squared / outcomes.customer_count as squared,
            outcomes.as_of_date,
            outcomes.outcome_until
        from counted
        inner join segment_outcomes as outcomes on counted.segment_key = outcomes.segment_key
        where outcomes.segmentation = 'clusters_by_stage' and outcomes.is_newest and outcomes.customer_count > 0
    )

    select
        sum(people * share order by segment_key) / sum(people),
        sum(people * mean order by segment_key) / sum(people),
        sum(people * squared order by segment_key) / sum(people),
        coalesce(sum(people), 0)::integer,
        max(as_of_date),
        max(outcome_until)
    from known
"""
