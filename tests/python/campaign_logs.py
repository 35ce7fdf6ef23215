"""Campaign logs for tests, written from the tables of a built warehouse with arms drawn as `campaign launch` does."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path

import duckdb
import pandas as pd
from dbt_here import opened
from olist_segments.campaigns.inputs import LOG_COLUMNS, OF_ARM, OF_CAMPAIGN

SALT = "olist-segments"
DIGITS = 2**60

_PEOPLE = """
    select
        segments.customer_unique_id, segments.segment_key, segments.segment_name, stages.stage_key, stages.stage_name,
        segments.model_version, forecasts.forecast_version, features.recency_days, features.purchase_day_count,
        features.total_spend, features.avg_review_score, features.late_delivery_share, forecasts.order_probability
    from customer_segments_monthly as segments
    inner join lifecycle_stages_monthly as stages using (customer_unique_id, as_of_date)
    inner join customer_features_monthly as features using (customer_unique_id, as_of_date)
    inner join customer_forecasts_monthly as forecasts using (customer_unique_id, as_of_date)
    where segments.as_of_date = ? and {condition}
    order by segments.customer_unique_id
"""


def digest(*parts: str) -> int:
    """The first 60 bits of the md5 of the parts, as a whole number."""
    return int(hashlib.md5("|".join(parts).encode()).hexdigest()[:15], 16)


def people_of(warehouse: Path, as_of: dt.date, condition: str = "true") -> pd.DataFrame:
    """Everybody known at a date with the columns of the log, or those of whom the SQL `condition` is true."""
    with opened(warehouse) as connection:
        return connection.execute(_PEOPLE.format(condition=condition), [as_of]).df()


def drawn(people: pd.DataFrame, campaign: str, arms: Mapping[str, float]) -> pd.DataFrame:
    """The people with stratum, draw_number and arm; `arms` are shares by name, the holdout first."""
    parts = []
    for (segment, stage), group in people.groupby(["segment_key", "stage_key"]):
        ordered = group.sort_values(["total_spend", "customer_unique_id"])
        bands = min(10, max(1, len(ordered) // 50))
        larger = len(ordered) % bands
        band = [number + 1 for number in range(bands) for _ in range(len(ordered) // bands + (number < larger))]
        parts.append(ordered.assign(stratum=[f"{segment}:{stage}:{number:03}" for number in band]))
    placed = pd.concat(parts)
    placed["draw_number"] = [digest(SALT, campaign, customer) for customer in placed["customer_unique_id"]]
    names, ends = list(arms), list(accumulate(arms.values()))
    arm_of = {}
    for stratum, group in placed.groupby("stratum"):
        start = digest(SALT, campaign, str(stratum)) / DIGITS
        ranked = group.sort_values(["draw_number", "customer_unique_id"])["customer_unique_id"]
        for rank, customer in enumerate(ranked):
            position = (rank + start) / len(ranked)
            number = next((place for place, end in enumerate(ends) if position < end), len(names) - 1)
            arm_of[customer] = number
    numbers = placed["customer_unique_id"].map(arm_of)
    return placed.assign(
        arm=[names[number] for number in numbers],
        arm_number=numbers,
        arm_share=[arms[names[number]] for number in numbers],
    ).sort_values("customer_unique_id")


def log_rows(
    people: pd.DataFrame,
    campaign: str,
    as_of: dt.date,
    arms: Mapping[str, float],
    *,
    priority: int = 1,
    outcome: str = "ordered_share",
    outcome_days: int = 90,
    hour: int = 8,
) -> pd.DataFrame:
    """The rows of a campaign's log, launched on the day after `as_of`."""
    launched = dt.datetime.combine(as_of + dt.timedelta(days=1), dt.time(hour))
    rows = drawn(people, campaign, arms).assign(
        campaign=campaign,
        priority=priority,
        launched_at=launched,
        as_of_date=as_of,
        outcome_days=outcome_days,
        promised_outcome=outcome,
        expected_share=0.01,
        smallest_uplift=0.02,
    )
    return rows[list(LOG_COLUMNS)].reset_index(drop=True)


def forget(rows: pd.DataFrame, customers: set[str]) -> pd.DataFrame:
    """The rows as `olist-segments forget` leaves them: of the customers only what is of the campaign and the arm."""
    rows = rows.astype({name: "object" for name in rows.columns})
    gone = [name for name in LOG_COLUMNS if name not in {*OF_CAMPAIGN, *OF_ARM}]
    rows.loc[rows["customer_unique_id"].isin(customers), gone] = None
    return rows


def write_log(folder: Path, rows: pd.DataFrame) -> Path:
    """Put the rows of one campaign into the log."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{rows['campaign'].iloc[0]}.parquet"
    shown = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in LOG_COLUMNS.items())
    with duckdb.connect() as connection:
        # As objects, so that a whole number of 60 bits beside a missing one stays whole.
        objects = rows.astype({name: "object" for name in rows.columns})
        connection.register("log_rows", objects.where(objects.notna(), None))
        connection.execute(f"copy (select {shown} from log_rows) to '{file}' (format parquet)")
    return file
