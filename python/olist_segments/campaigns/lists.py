"""The lists of a campaign: one CSV file per treated arm, from the log, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from olist_segments.campaigns.inputs import campaign_folder, check_name, checked_file, log_files
from olist_segments.campaigns.log import log_file
from olist_segments.campaigns.rules import REASON_WORDS, REASONS, off_every_list
from olist_segments.errors import UserError
from olist_segments.serving.atomic import replace_file
from olist_segments.serving.audience import count_customers, shown, to_csv, told_apostrophes
from olist_segments.serving.tables import choose_source, open_tables

COLUMNS = (
    *("campaign", "arm", "customer_unique_id", "as_of_date", "segment_key", "segment_name", "stage_key", "stage_name"),
    *("model_version", "recency_days", "purchase_day_count", "total_spend", "avg_review_score", "order_probability"),
)
"""The columns of a list, as in the log."""

GONE = "gone"
"""Why somebody is left out whom the tables no longer hold."""


@dataclass(frozen=True)
class Lists:
    """The lists as they were written: customers by file, people left out by reason, cells that got an apostrophe."""

    files: dict[Path, int]
    left_out: dict[str, int]
    changed: int


def write_lists_again(name: str, out: Path, kind: str | None = None) -> str:
    """Write the lists of the campaign `name` to the folder `out`; sentences that say so.

    `kind`: one of SOURCES, or None for the published tables if there are any. UserError where there is no such campaign
    or a list can't be written.
    """
    check_name(name, "a campaign")
    folder = campaign_folder()
    known = [path.stem for path in log_files(folder)]
    if name not in known:
        raise UserError(
            f"there is no campaign '{name}' in '{shown(str(folder))}': give one that was launched "
            f"({', '.join(known) or 'none yet'})."
        )
    file = log_file(folder, name)
    source = choose_source(kind)
    with open_tables(source) as connection:
        rows = checked_file(connection, file)
        arms = connection.sql(
            f"select distinct arm, arm_number from read_parquet({rows}) where arm_number > 0 order by arm_number"
        ).fetchall()
        check_destination(out, name, [arm for arm, _ in arms])
        return "\n".join(sentences(write_lists(connection, source, file, out)))


def check_destination(out: Path, campaign: str, arms: Sequence[str]) -> None:
    """UserError unless the lists can go to the folder `out`: each file is new, or a list of the same campaign and arm.

    The folder is made where only it is missing.
    """
    told = shown(str(out))
    try:
        if os.path.lexists(out) and not out.is_dir():
            raise UserError(f"'{told}' is no folder: name the folder that the lists go to.")
        if not out.parent.is_dir():
            raise UserError(f"'{told}' is in a folder that does not exist: make that, or name a folder in another.")
        if not os.access(out if out.exists() else out.parent, os.W_OK | os.X_OK):
            raise UserError(f"'{told}' can't be written: name another folder.")
        taken = [file for arm in arms if not _may_be_replaced(file := list_file(out, campaign, arm), campaign, arm)]
    except OSError as error:
        raise UserError(f"'{told}' can't be a folder for lists ({error.strerror}): name another.") from error
    if taken:
        raise UserError(
            f"'{shown(str(taken[0]))}' is there already and is no list of this campaign and arm: name another folder, "
            "or move it away."
        )


def list_file(out: Path, campaign: str, arm: str) -> Path:
    """Where the list of an arm goes."""
    return out / f"{campaign}-{arm}.csv"


def write_lists(connection: duckdb.DuckDBPyConnection, source: Path, log: Path, out: Path) -> Lists:
    """Write the lists of the campaign whose file of the log is `log` to `out`; `connection` reads `source`.

    Whoever may be on no list today, or is no customer any more, is left out. UserError where a list can't be written.
    """
    rows = checked_file(connection, log)
    connection.register("off_today", off_every_list(connection, source))
    query = _MEMBERS.format(columns=", ".join(COLUMNS), log=rows)
    members = connection.sql(query).fetchall()
    arms = connection.sql(
        f"select distinct campaign, arm, arm_number from read_parquet({rows}) where arm_number > 0 order by arm_number"
    ).fetchall()
    try:
        out.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise UserError(f"'{shown(str(out))}' can't be made ({error.strerror}): name another folder.") from error
    files, changed = {}, 0
    for campaign, arm, number in arms:
        listed = [row[2:] for row in members if row[0] == number and row[1] is None]
        text, cells = to_csv(listed, COLUMNS)
        file = list_file(out, campaign, arm)
        replace_file(file, text.encode("utf-8-sig"), private=True)
        files[file] = len(listed)
        changed += cells
    reasons = [row[1] for row in members]
    left_out = {reason: reasons.count(reason) for reason in (*REASONS, GONE)}
    return Lists(files, {reason: count for reason, count in left_out.items() if count}, changed)


def sentences(lists: Lists) -> list[str]:
    """What was written, for people."""
    lines = [f"Wrote {count_customers(count)} to '{shown(str(file))}'." for file, count in lists.files.items()]
    if lists.left_out:
        words = REASON_WORDS | {GONE: "no customer any more"}
        told = ", ".join(f"{count:,} {words[reason]}" for reason, count in lists.left_out.items())
        lines.append(f"Left out of the lists, though the campaign still counts them: {told}.")
    lines += told_apostrophes(lists.changed)
    lines.append(
        "The lists hold customer ids, which are personal data, and only you can read them: share them with care, "
        "delete them after use."
    )
    return lines


def _may_be_replaced(file: Path, campaign: str, arm: str) -> bool:
    """True where nothing is lost by writing the list of the arm to `file`."""
    if not os.path.lexists(file):
        return True
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.reader(stream)
            header, first = next(rows, []), next(rows, [campaign, arm])
    except (OSError, UnicodeDecodeError, csv.Error):
        return False
    return tuple(header) == COLUMNS and first[:2] == [campaign, arm]


_MEMBERS = """
    select
        arm_number,
        case
            when known.customer_unique_id is null then 'gone'
            else off_today.reason
        end as reason,
        {columns}
    from read_parquet({log}) as members
    left join (select customer_unique_id from customer_segments) as known using (customer_unique_id)
    left join off_today using (customer_unique_id)
    where arm_number > 0 and customer_unique_id is not null
    order by arm_number, total_spend desc, customer_unique_id
"""
