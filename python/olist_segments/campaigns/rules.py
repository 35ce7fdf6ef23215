"""Who may be on a list today, and what keeps the others off it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd

from olist_segments.campaigns.inputs import (
    campaign_folder,
    forgotten_digest,
    log_files,
    log_query,
    read_forgotten,
    read_suppressed,
    suppressed_file,
)
from olist_segments.errors import UserError
from olist_segments.serving.folder import DATABASE, read_manifest
from olist_segments.serving.tables import present_tables

FORGOTTEN, SUPPRESSED, CONTROL_GROUP = "forgotten", "suppressed", "control_group"
RUNNING, COOLDOWN = "running_campaign", "cooldown"
REASONS = (FORGOTTEN, SUPPRESSED, CONTROL_GROUP, RUNNING, COOLDOWN)
"""Why somebody is on no list, in the order in which the reasons count: of several the first."""
REASON_WORDS = {
    FORGOTTEN: "forgotten",
    SUPPRESSED: "suppressed",
    CONTROL_GROUP: "in the control group",
    RUNNING: "in a running campaign of the same or a higher priority",
    COOLDOWN: "listed within the cooldown",
}

DIGITS = 2**60
"""Digests are whole numbers below this."""


def digest_number(text: str) -> str:
    """SQL of a whole number of 60 bits from the SQL `text`, as dbt's macro `digest_number` makes it."""
    return f"cast(concat('0x', substr(md5({text}), 1, 15)) as bigint)"


@dataclass(frozen=True)
class Settings:
    """What the vars of dbt_project.yml say of campaigns, and the newest as-of date: the row of `campaign_settings`."""

    as_of_date: date
    control_group_share: float
    control_group_quarter: str
    contact_cooldown_days: int
    outcome_days: int
    holdout_share: float
    campaign_salt: str


_SETTINGS = f"select {', '.join(Settings.__dataclass_fields__)} from campaign_settings"

_DATA_FOLDER = "select data_folder from build_log.builds where data_folder is not null order by rowid desc limit 1"


def read_settings(connection: duckdb.DuckDBPyConnection, source: Path) -> Settings:
    """The settings that the tables in `source` were built with; UserError where they are of a release without them."""
    if "campaign_settings" not in present_tables(connection):
        raise UserError(f"the tables in '{source}' are of a release without campaigns: run dbt build once more.")
    rows = connection.execute(_SETTINGS).fetchall()
    if not rows:
        raise UserError(f"'{source}' holds no customers yet: run dbt build to its end.")
    return Settings(*rows[0])


def off_every_list(connection: duckdb.DuckDBPyConnection, source: Path) -> pd.DataFrame:
    """The customers of today who are on no list, whatever its kind: customer_unique_id, reason; by customer.

    `connection` reads the tables in `source`. Reasons: the first that applies of FORGOTTEN, SUPPRESSED (the file as it
    is now, and as it was at the last build) and CONTROL_GROUP (only where the tables know of one).
    """
    suppressed = suppressed_since(connection, source)
    forgotten = read_forgotten(campaign_folder())
    in_control = control_group(connection, source)
    found = []
    for (key,) in connection.sql("select customer_unique_id from customer_segments order by 1").fetchall():
        if forgotten and forgotten_digest(key) in forgotten:
            found.append((key, FORGOTTEN))
        elif key in suppressed:
            found.append((key, SUPPRESSED))
        elif key in in_control:
            found.append((key, CONTROL_GROUP))
    return pd.DataFrame(found, columns=["customer_unique_id", "reason"], dtype="str")


def suppressed_since(connection: duckdb.DuckDBPyConnection, source: Path) -> dict[str, date | None]:
    """Who is suppressed and since when (None: always), by the file as it is now and as it was at the last build."""
    file = suppressed_source(connection, source)
    since = {key: known.since for key, known in read_suppressed(file).items()} if file else {}
    if "suppressed_customers" in present_tables(connection):
        rows = connection.sql("select customer_unique_id, suppressed_since from suppressed_customers").fetchall()
        since = dict(rows) | since
    return since


def control_group(connection: duckdb.DuckDBPyConnection, source: Path, quarter: str | None = None) -> set[str]:
    """The customers of today who are in the control group of `quarter`, like 2018Q3; None: that of today.

    Nobody where the tables in `source` are of a release without one.
    """
    if "campaign_settings" not in present_tables(connection):
        return set()
    settings = read_settings(connection, source)
    text = "$salt || '|control group ' || $quarter || '|' || customer_unique_id"
    rows = connection.execute(
        f"select customer_unique_id from customer_segments where {digest_number(text)} < $limit",
        {
            "salt": settings.campaign_salt,
            "quarter": quarter or settings.control_group_quarter,
            "limit": settings.control_group_share * DIGITS,
        },
    ).fetchall()
    return {key for (key,) in rows}


def suppressed_source(connection: duckdb.DuckDBPyConnection, source: Path) -> Path | None:
    """The file of people to leave in peace beside the data of the tables in `source`; None where nobody knows where.

    In OLIST_DATA_DIR, or else in the folder that the last build noted.
    """
    if os.environ.get("OLIST_DATA_DIR"):
        return suppressed_file()
    folder: str | None = None
    if source.name == DATABASE:
        folder = read_manifest(source.parent).get("data_folder")
    if not folder:
        noted = "select column_name from duckdb_columns() where table_name = 'builds' and column_name = 'data_folder'"
        if connection.sql(noted).fetchall():
            folder = next((row[0] for row in connection.sql(_DATA_FOLDER).fetchall()), None)
    return suppressed_file(folder) if folder else None


def held_out_of_running(connection: duckdb.DuckDBPyConnection, customers: Sequence[str], today: date) -> dict[str, int]:
    """How many of `customers` are held out of each campaign of the log that still runs `today`; by campaign."""
    rows = connection.execute(
        f"""
        select campaign, count(*) from ({log_query(connection, campaign_folder())})
        where arm_number = 0 and {IS_RUNNING} and customer_unique_id in (select unnest($customers))
        group by campaign order by campaign
        """,
        {"customers": customers, "today": today},
    ).fetchall()
    return dict(rows)


def take_off(connection: duckdb.DuckDBPyConnection, source: Path, settings: Settings, priority: int) -> None:
    """Make the temporary table `taken_off` (customer_unique_id, reason) from the temporary table `asked_for`.

    Also `logged`, the campaign log. Beside `off_every_list`: people in a running campaign of `priority` or more, in
    whatever arm, and people who were listed within the cooldown, or held out of a list of a campaign that still runs.
    UserError where the log lacks a campaign that the tables know: another folder's log would let its people be listed.
    """
    connection.execute(f"create temp table logged as {log_query(connection, campaign_folder())}")
    check_log_is_whole(connection, source)
    connection.register("off_lists", off_every_list(connection, source))
    connection.execute(
        _TAKEN_OFF,
        {"today": settings.as_of_date, "cooldown": settings.contact_cooldown_days, "priority": priority},
    )


def check_log_is_whole(connection: duckdb.DuckDBPyConnection, source: Path) -> None:
    """UserError where the log lacks a campaign that the tables in `source` know: it would be another folder's."""
    if "campaigns" not in present_tables(connection):
        return
    known = connection.sql("select campaign from campaigns order by campaign").fetchall()
    logged = {file.stem for file in log_files(campaign_folder())}
    missing = [campaign for (campaign,) in known if campaign not in logged]
    if missing:
        raise UserError(
            f"the campaign {missing[0]} of the tables in '{source}' is not in the log folder '{campaign_folder()}': "
            "set OLIST_CAMPAIGN_DIR to the folder of its log, or run dbt build once more if its file was moved away."
        )


IS_RUNNING = "as_of_date + outcome_days > $today"
"""SQL on the log: the outcome period has not ended."""

_TAKEN_OFF = f"""
    create temp table taken_off as
    with running as (
        select customer_unique_id
        from logged
        where {IS_RUNNING} and priority >= $priority
        group by customer_unique_id
    ),

    -- Those held out of a running campaign as well: otherwise they alone could be taken over, and would be compared
    -- with people who can't.
    listed as (
        select customer_unique_id
        from logged
        where (arm_number > 0 or {IS_RUNNING}) and as_of_date > $today - $cooldown::integer
        group by customer_unique_id
    ),

    reasoned as (
        select
            asked_for.customer_unique_id,
            case
                when off_lists.reason is not null then off_lists.reason
                when running.customer_unique_id is not null then '{RUNNING}'
                when listed.customer_unique_id is not null then '{COOLDOWN}'
            end as reason
        from asked_for
        left join off_lists on asked_for.customer_unique_id = off_lists.customer_unique_id
        left join running on asked_for.customer_unique_id = running.customer_unique_id
        left join listed on asked_for.customer_unique_id = listed.customer_unique_id
    )

    select customer_unique_id, reason from reasoned where reason is not null
"""
