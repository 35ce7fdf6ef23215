"""Launching a campaign: its plan, drawn, written to the log for good, and its lists."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb

from olist_segments.campaigns.inputs import campaign_folder
from olist_segments.campaigns.lists import check_destination, sentences, write_lists
from olist_segments.campaigns.log import held, write_log
from olist_segments.campaigns.plan import TREATED, Plan, Request, planned
from olist_segments.campaigns.words import plan_lines
from olist_segments.errors import UserError


def launch(request: Request, out: Path, kind: str | None = None) -> str:
    """Launch the campaign and write its lists to the folder `out`; the plan and what was written, in words.

    `kind`: one of SOURCES, or None for the published tables if there are any. UserError, with nothing written, where
    the campaign can't be; the log is written first, and is all that counts.
    """
    folder = campaign_folder()
    with planned(request, kind):
        # Whatever is wrong is told before anything is written, the folder of the log among it.
        check_destination(out, request.name, _arms(request))
    with held(folder), planned(request, kind) as (connection, plan):
        _log_rows(connection, plan)
        file = write_log(connection, "log_rows", folder, request.name)
        try:
            lists = sentences(write_lists(connection, plan.source, file, out))
        except UserError as error:
            raise UserError(
                f"the campaign '{request.name}' is launched and in the log ('{file}'), but not all its lists are "
                f"written ({str(error).rstrip('.')}): write them with olist-segments campaign lists {request.name} "
                "--out FOLDER."
            ) from error
    return "\n".join(
        [
            *plan_lines(plan, "Launched the campaign"),
            "",
            f"The log is '{file}': keep it, for without it nobody can tell what the campaign earned.",
            *lists,
        ]
    )


def _arms(request: Request) -> list[str]:
    return [arm.name for arm in request.arms] or [TREATED]


def _log_rows(connection: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """Make the table `log_rows`, with the columns of the log."""
    connection.execute("create temp table arms (arm varchar, arm_number integer, arm_share double)")
    connection.executemany(
        "insert into arms values ($1, $2, $3)",
        [(arm.name, number, float(arm.share)) for number, arm in enumerate(plan.arms)],
    )
    connection.execute(
        _LOG_ROWS,
        {
            "priority": plan.request.priority,
            "launched_at": datetime.now(UTC).replace(tzinfo=None, microsecond=0),
            "as_of_date": plan.settings.as_of_date,
            "outcome_days": plan.settings.outcome_days,
            "promised_outcome": plan.request.outcome,
            "expected_share": plan.base.share,
            "smallest_uplift": plan.smallest_uplift,
        },
    )


_LOG_ROWS = """
    create temp table log_rows as
    select
        drawn.*,
        arms.arm,
        arms.arm_share,
        $priority as priority,
        $launched_at as launched_at,
        $as_of_date as as_of_date,
        $outcome_days as outcome_days,
        $promised_outcome as promised_outcome,
        $expected_share as expected_share,
        $smallest_uplift as smallest_uplift
    from drawn
    inner join arms on drawn.arm_number = arms.arm_number
"""
