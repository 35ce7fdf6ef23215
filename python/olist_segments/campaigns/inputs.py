"""What campaigns read beside the nine files: the campaign log, the people to leave in peace, the people forgotten.

    <data folder>/suppressed_customers.csv    customer_unique_id, reason, since (YYYY-MM-DD or empty): on no list
    <campaign folder>/<campaign>.parquet      the log: one file per campaign, a row per customer, never changed
    <campaign folder>/forgotten.csv           digests of customers who were forgotten, by which they stay on no list

The files are small enough to be read whole. Each is checked before a row is used, and refused in one sentence.
"""

from __future__ import annotations

import csv
import glob
import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd

from olist_segments.errors import UserError
from olist_segments.serving.reader import sql_text

DEFAULT_FOLDER = "campaigns"
DEFAULT_DATA = "data/sample"
SUPPRESSED = "suppressed_customers.csv"
SUPPRESSED_COLUMNS = ("customer_unique_id", "reason", "since")
FORGOTTEN = "forgotten.csv"
FORGOTTEN_COLUMNS = ("forgotten_digest", "forgotten_on")
HOLDOUT = "holdout"
"""The arm that is on no list."""

ORDERED, REVENUE, REVIEW = "ordered_share", "revenue_per_customer", "review_score"
OUTCOMES = (ORDERED, REVENUE, REVIEW)
"""What is measured: share who order, mean spend (those without an order count 0), mean score of reviews."""

LOG_COLUMNS = {
    "campaign": "varchar",
    "priority": "integer",
    "launched_at": "timestamp",
    "as_of_date": "date",
    "outcome_days": "integer",
    "promised_outcome": "varchar",
    "expected_share": "double",
    "smallest_uplift": "double",
    "arm": "varchar",
    "arm_number": "integer",
    "arm_share": "double",
    "customer_unique_id": "varchar",
    "draw_number": "bigint",
    "stratum": "varchar",
    "segment_key": "varchar",
    "segment_name": "varchar",
    "stage_key": "varchar",
    "stage_name": "varchar",
    "model_version": "integer",
    "forecast_version": "integer",
    "recency_days": "integer",
    "purchase_day_count": "integer",
    "total_spend": "decimal(18, 2)",
    "avg_review_score": "double",
    "late_delivery_share": "double",
    "order_probability": "double",
}
"""Columns of the log and their types in DuckDB. Of a forgotten customer only OF_CAMPAIGN and OF_ARM are left."""

OF_CAMPAIGN = (
    *("campaign", "priority", "launched_at", "as_of_date", "outcome_days", "promised_outcome"),
    *("expected_share", "smallest_uplift"),
)
OF_ARM = ("arm", "arm_number", "arm_share")
_NEVER_NULL = ("campaign", "priority", "launched_at", "as_of_date", "outcome_days", "promised_outcome", *OF_ARM)
_MAY_BE_NULL = {
    *("expected_share", "smallest_uplift", "forecast_version"),
    *("avg_review_score", "late_delivery_share", "order_probability"),
}
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
# Refused on file systems that know them as devices.
_DEVICES = re.compile(r"con|prn|aux|nul|com[0-9]|lpt[0-9]")


@dataclass(frozen=True)
class Suppressed:
    """Somebody to leave in peace; `since` None: always."""

    reason: str
    since: date | None


def campaign_folder() -> Path:
    """Where the log is: `OLIST_CAMPAIGN_DIR`, or campaigns in the working directory; it may not exist yet."""
    return Path(os.environ.get("OLIST_CAMPAIGN_DIR") or DEFAULT_FOLDER)


def check_name(name: str, noun: str) -> str:
    """The name of a campaign or an arm (`noun`), which becomes part of file names; UserError where it can't be one."""
    if not _NAME.fullmatch(name) or _DEVICES.fullmatch(name):
        shown = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in name)[:80]
        raise UserError(
            f"'{shown}' can't be the name of {noun}: use 1 to 63 small letters, digits and hyphens, beginning with a "
            "letter or digit, like spring-vouchers."
        )
    return name


def log_files(folder: Path) -> list[Path]:
    """The files of the log by name; none where there is no such folder. UserError where it can't be read."""
    if not folder.exists():
        return []
    if not folder.is_dir():
        raise UserError(f"'{folder}' is no folder: set OLIST_CAMPAIGN_DIR to the folder of the campaign log.")
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix == ".parquet" and path.name[0] != ".")
    except OSError as error:
        raise UserError(f"'{folder}' can't be read ({error.strerror}): set OLIST_CAMPAIGN_DIR to another.") from error
    for path in found:
        if not _NAME.fullmatch(path.stem):
            raise UserError(f"'{path}' is no file of the campaign log: move it to another folder.")
    return found


def read_log(folder: Path) -> pd.DataFrame:
    """All rows of the log in `folder`, by campaign and as stored; without rows where there is none yet.

    Columns are LOG_COLUMNS. UserError for the first file that is not as `campaign launch` or `forget` left it.
    """
    with duckdb.connect() as connection:
        rows: pd.DataFrame = connection.sql(log_query(connection, folder)).df()
        return rows


def log_query(connection: duckdb.DuckDBPyConnection, folder: Path) -> str:
    """SQL that reads what `read_log` returns, with the types of LOG_COLUMNS."""
    parts = [checked_file(connection, path) for path in log_files(folder)]
    empty = ", ".join(f"null::{kind} as {name}" for name, kind in LOG_COLUMNS.items())
    selects = [f"select {empty} where false", *(f"select * from read_parquet({part})" for part in parts)]
    return " union all by name ".join(selects)


def checked_file(connection: duckdb.DuckDBPyConnection, path: Path) -> str:
    """A file of the log as SQL for `read_parquet`, once it is checked; UserError where it is not as written."""
    # No part of a path is a pattern, or a column.
    literal = f"{sql_text(glob.escape(str(path.absolute())))}, hive_partitioning = false"
    advice = "take the file from a backup, or move it away to leave the campaign out."
    try:
        described = connection.execute(f"describe select * from read_parquet({literal})").fetchall()
        if {name: kind.lower() for name, kind, *_ in described} != {
            name: kind.replace(" ", "") for name, kind in LOG_COLUMNS.items()
        }:
            raise UserError(f"'{path}' does not have the columns of a campaign log: {advice}")
        row = connection.execute(_FAULTS.format(file=literal), {"campaign": path.stem}).fetchall()[0]
    except (duckdb.Error, OSError) as error:
        raise UserError(f"'{path}' can't be read ({str(error).splitlines()[0].rstrip('.')}): {advice}") from error
    for count, what in zip(row, _FAULT_WORDS, strict=True):
        if count:
            raise UserError(f"'{path}' is not as it was written ({what}): {advice}")
    return literal


_FAULTS = f"""
    select
        count(*) = 0,
        count(*) filter (where campaign is distinct from $campaign),
        count(*) filter (where {" or ".join(f"{name} is null" for name in _NEVER_NULL)}),
        count(*) filter (
            where customer_unique_id is not null and (
                {" or ".join(f"{name} is null" for name in LOG_COLUMNS if name not in {*_NEVER_NULL, *_MAY_BE_NULL})}
            )
        ),
        count(customer_unique_id) - count(distinct customer_unique_id),
        count(distinct ({", ".join(OF_CAMPAIGN)})) - 1,
        count(distinct (arm, arm_number, arm_share)) - count(distinct arm),
        count(distinct arm_number) - count(distinct arm),
        count(*) filter (where (arm = '{HOLDOUT}') <> (arm_number = 0)),
        abs((select sum(arm_share) from (select distinct arm, arm_share from read_parquet({{file}}))) - 1) > 1e-6,
        count(*) filter (where outcome_days < 1 or promised_outcome not in ('{ORDERED}', '{REVENUE}'))
    from read_parquet({{file}})
"""
_FAULT_WORDS = (
    "it has no rows",
    "a row is of another campaign than the name of the file says",
    "a value is missing that every row has",
    "a value of a customer is missing",
    "a customer stands in it twice",
    "its rows do not agree on what the campaign is",
    "an arm has two shares",
    "two arms have one number",
    "the holdout is not arm 0",
    "the shares of its arms do not add up to 1",
    "its outcome is none that is known",
)


def suppressed_file(data_folder: str | os.PathLike[str] | None = None) -> Path:
    """Where people to leave in peace are named: in `data_folder`, or else in `OLIST_DATA_DIR` or data/sample."""
    return Path(data_folder or os.environ.get("OLIST_DATA_DIR") or DEFAULT_DATA) / SUPPRESSED


def read_suppressed(file: Path) -> dict[str, Suppressed]:
    """Who is on no list, by customer; empty where there is no such file.

    Of a customer named twice the earliest row counts. UserError for the first line that can't be read.
    """
    found: dict[str, Suppressed] = {}
    for number, (customer, reason, since) in _lines(file, SUPPRESSED_COLUMNS):
        if not customer:
            raise UserError(f"'{file}', line {number}: customer_unique_id is missing: fill it in or remove the line.")
        known = Suppressed(reason, _day(file, number, "since", since) if since else None)
        before = found.get(customer)
        if before is None or (before.since is not None and (known.since is None or known.since < before.since)):
            found[customer] = known
    return found


def read_forgotten(folder: Path) -> dict[str, date]:
    """When customers were forgotten, by their digests (see `forgotten_digest`); empty where there is no such file."""
    file = folder / FORGOTTEN
    return {digest: _day(file, number, "forgotten_on", on) for number, (digest, on) in _lines(file, FORGOTTEN_COLUMNS)}


def forgotten_digest(customer_unique_id: str) -> str:
    """By what a forgotten customer is known again without being named, 32 hex digits; SQL has `md5` for it as well."""
    return hashlib.md5(f"forgotten|{customer_unique_id}".encode(), usedforsecurity=False).hexdigest()


def _lines(file: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Line number and the trimmed values of `columns` of each row that is not empty."""
    if not file.exists():
        return
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.reader(stream, strict=True)
            header = [name.strip() for name in next(rows, [])]
            if sorted(header) != sorted(columns):
                raise UserError(
                    f"'{file}' has the header '{','.join(header)[:100]}': its columns must be {', '.join(columns)}, "
                    "separated by commas."
                )
            for row in rows:
                if not any(value.strip() for value in row):
                    continue
                if len(row) != len(columns):
                    raise UserError(f"'{file}', line {rows.line_num}: it has {len(row)} values and not {len(columns)}.")
                values = dict(zip(header, (value.strip() for value in row), strict=True))
                yield rows.line_num, tuple(values[name] for name in columns)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no CSV file in UTF-8"
        raise UserError(f"'{file}' can't be read ({reason}): write it again, or move it away.") from error


def _day(file: Path, number: int, column: str, text: str) -> date:
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return date.fromisoformat(text)
    except ValueError:
        text = f"{text}, no day of the calendar"
    raise UserError(f"'{file}', line {number}: {column} is '{text}': write it as YYYY-MM-DD, or leave it empty.")
