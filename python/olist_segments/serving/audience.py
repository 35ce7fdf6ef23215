"""A campaign list: the members of one segment as a CSV file that is safe to open in a spreadsheet.

The file is UTF-8 with a byte order mark, without which Excel reads no accents, and quoted as RFC 4180 says.
Spreadsheets run a cell that starts like a formula, and a hostile name would be one; such a cell gets a leading
apostrophe (OWASP, "CSV injection"), at every place at which a spreadsheet may let a cell begin.
"""

from __future__ import annotations

import argparse
import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from olist_segments.errors import UserError
from olist_segments.forecast_words import PAST_RATE
from olist_segments.serving.atomic import replace_file
from olist_segments.serving.tables import add_source_option, choose_source, open_tables, present_tables

COLUMNS = (
    "customer_unique_id",
    "segment_key",
    "segment_name",
    "as_of_date",
    "model_version",
    "in_segment_since",
    "previous_segment_key",
    "segment_probability",
    "recency_days",
    "order_count",
    "total_spend",
    "avg_review_score",
    "state",
    "stage_key",
    "stage_name",
    "in_stage_since",
    "purchase_day_count",
    "order_probability",
    "expected_orders",
    "expected_revenue",
)
"""The columns of the file, as in the tables customer_segments and customer_forecasts."""

MEASURES = ("expected_revenue", "expected_orders", "order_probability")
"""What a list can be ordered by; the first is the default of --top."""

_COLUMNS_BEFORE_STAGES = COLUMNS[: COLUMNS.index("stage_key")]

DISSATISFIED = 2.0
"""A customer whose mean score is no better is dissatisfied: --exclude-dissatisfied leaves the customer out."""

SEGMENTS = """
    select segments.segment_key, segments.segment_name
    from segments
    inner join segment_versions on segments.model_version = segment_versions.model_version
    where segment_versions.is_in_force
    order by segments.segment_key
"""
FRAME = """
    select as_of_dates.as_of_date, segment_versions.model_version
    from as_of_dates
    cross join segment_versions
    where as_of_dates.is_newest and segment_versions.is_in_force
"""
_MEMBERS = """
    with forecasts as (
        {forecasts}
    )

    select {columns}
    from customer_segments
    left join forecasts using (customer_unique_id)
    where
        segment_key = $segment_key
        and coalesce(segment_probability, 0) >= $min_probability
        and ($stage_key is null or stage_key = $stage_key)
        and not coalesce($exclude_dissatisfied and avg_review_score <= {dissatisfied}, false)
        and coalesce(order_probability, 0) >= $min_order_probability
    order by {measure} desc nulls last, customer_unique_id
    limit {limit}
"""
_FORECASTS = """
    select customer_unique_id, order_probability, expected_orders, expected_revenue, is_abstaining
    from customer_forecasts
"""
_NO_FORECASTS = """
    select
        null::varchar as customer_unique_id, null::double as order_probability, null::double as expected_orders,
        null::double as expected_revenue, null::boolean as is_abstaining
    where false
"""
_IS_ABSTAINING = "select coalesce(bool_or(is_abstaining), false) from customer_forecasts"
STAGES = "select stage_key, stage_name from lifecycle_stages order by stage_number"
_HAS_STAGES = (
    "select count(*) from duckdb_columns() where table_name = 'customer_segments' and column_name = 'stage_key'"
)
_PLAYBOOK_AT_STAGE = """
    select recommended_action, channel, kpi, stop_rule
    from segment_lifecycle_profiles
    where segment_key = $segment_key and stage_key = $stage_key
"""
_PLAYBOOK = "select recommended_action, channel, kpi, stop_rule from segment_profiles where segment_key = $segment_key"

# The start of a cell, whatever the spreadsheet takes for a separator, what it skips, and what starts a formula, in the
# ASCII and the full-width form.
_FORMULA_START = re.compile(
    '(^|[,;\t\r\n|])([\\s"\u0000-\u0020\u00a0\u200b-\u200f\u2060\ufeff]*)(?=[=+\\-@＝＋－﹣−＠])'
)
_CONTROL_START = re.compile("^(?=[\t\r\n])")


@dataclass(frozen=True)
class Audience:
    """The members of a segment on a date, by a model version; rows in the order of what was asked for, else of spend.

    `stage_name`: the stage of life that all of them are in, None for all stages. `is_abstaining`: the forecasts are the
    past rates of groups.
    """

    segment_key: str
    segment_name: str
    as_of_date: date
    model_version: int
    rows: list[tuple[Any, ...]]
    playbook: tuple[str | None, ...]
    stage_name: str | None = None
    is_abstaining: bool = False


@dataclass(frozen=True)
class Wanted:
    """Which of the members by their forecasts: those at least so probable to order, the first `top` by `by`.

    `by`: one of MEASURES; None for the order of spend, or of the first measure where `top` is given.
    """

    min_order_probability: float = 0.0
    top: int | None = None
    by: str | None = None

    @property
    def needs_forecasts(self) -> bool:
        """True where nothing can be told without forecasts."""
        return self.min_order_probability > 0 or self.measure != "total_spend"

    @property
    def measure(self) -> str:
        """What the list is ordered by, largest first."""
        return self.by or ("total_spend" if self.top is None else MEASURES[0])


EVERYBODY = Wanted()
"""All members, by their spend."""


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `olist-segments audience`."""
    parser = commands.add_parser("audience", help="write a segment's customers as a campaign list")
    parser.add_argument("segment", metavar="SEGMENT", help="key or name of a segment of today")
    parser.add_argument("--stage", metavar="STAGE", help="only those at this stage of life, by key or name")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.csv", help="the list; a list is replaced")
    parser.add_argument(
        "--min-probability", type=probability, default=0.0, metavar="P", help="only labels at least so sure, 0 to 1"
    )
    parser.add_argument(
        "--exclude-dissatisfied",
        action="store_true",
        help=f"leave out customers whose mean score is {DISSATISFIED:g} or less",
    )
    parser.add_argument(
        "--min-order-probability",
        type=probability,
        default=0.0,
        metavar="P",
        help="only those who order in the outcome period with at least this probability, 0 to 1",
    )
    parser.add_argument(
        "--top",
        type=customer_number,
        metavar="N",
        help=f"only the first N by --by, or by {MEASURES[0]}; ties by customer id",
    )
    parser.add_argument("--by", choices=MEASURES, help="the forecast that the list is ordered by, largest first")
    add_source_option(parser)
    parser.set_defaults(
        run=lambda arguments: print(
            audience(
                arguments.segment,
                arguments.out,
                arguments.min_probability,
                arguments.exclude_dissatisfied,
                arguments.source,
                arguments.stage,
                Wanted(arguments.min_order_probability, arguments.top, arguments.by),
            )
        )
    )


def audience(
    segment: str,
    file: Path,
    min_probability: float = 0.0,
    exclude_dissatisfied: bool = False,
    kind: str | None = None,
    stage: str | None = None,
    wanted: Wanted = EVERYBODY,
) -> str:
    """Write the campaign list of `segment` (its key or name) to `file`, whole or not at all; sentences that say so.

    `kind`: one of SOURCES, or None for the published tables if there are any; `stage`: key or name of a stage of life,
    or None for all; `wanted`: which of them by their forecasts. Only its owner can read the file. UserError if there
    are no tables or no such segment or stage, if forecasts are asked for that are not there, or if `file` can't be
    written or is no campaign list.
    """
    _check_destination(file)
    source = choose_source(kind)
    found = read_audience(source, segment, min_probability, exclude_dissatisfied, stage, wanted)
    text, changed = to_csv(found.rows)
    replace_file(file, text.encode("utf-8-sig"), private=True)
    return "\n".join(_sentences(found, file, source, changed))


def read_audience(
    path: Path,
    segment: str,
    min_probability: float,
    exclude_dissatisfied: bool,
    stage: str | None = None,
    wanted: Wanted = EVERYBODY,
) -> Audience:
    """The members of `segment` at `stage`, keys or names in any case, from the tables in `path`.

    UserError where segment or stage isn't known, or where the tables are of a release without stages, or without the
    forecasts that are asked for; else tables without forecasts leave their columns empty.
    """
    with open_tables(path) as connection:
        names = dict(connection.execute(SEGMENTS).fetchall())
        frame = connection.execute(FRAME).fetchall()
        if not frame:
            raise UserError(f"'{path}' holds no segments yet: run dbt build to its end.")
        if connection.execute(_HAS_STAGES).fetchall() == [(0,)]:
            raise UserError(f"the tables in '{path}' are of a release without stages of life: run dbt build once more.")
        has_forecasts = "customer_forecasts" in present_tables(connection)
        if wanted.needs_forecasts and not has_forecasts:
            raise UserError(f"the tables in '{path}' are of a release without forecasts: run dbt build once more.")
        stages = dict(connection.execute(STAGES).fetchall())
        as_of_date, model_version = frame[0]
        key = known_key(segment, names, "segment", f"on {as_of_date} in '{path}'")
        stage_key = None if stage is None else known_key(stage, stages, "stage", f"in '{path}'")
        chosen = {"segment_key": key, "stage_key": stage_key}
        conditions = {
            "min_probability": min_probability,
            "exclude_dissatisfied": exclude_dissatisfied,
            "min_order_probability": wanted.min_order_probability,
        }
        query = _MEMBERS.format(
            columns=", ".join(COLUMNS),
            forecasts=_FORECASTS if has_forecasts else _NO_FORECASTS,
            dissatisfied=DISSATISFIED,
            measure=wanted.measure,
            limit="all" if wanted.top is None else wanted.top,
        )
        rows = connection.execute(query, chosen | conditions).fetchall()
        is_abstaining = has_forecasts and connection.execute(_IS_ABSTAINING).fetchall() == [(True,)]
        if stage_key is None:
            playbooks = connection.execute(_PLAYBOOK, {"segment_key": key}).fetchall()
        else:
            playbooks = connection.execute(_PLAYBOOK_AT_STAGE, chosen).fetchall()
    return Audience(
        key,
        names[key],
        as_of_date,
        model_version,
        rows,
        playbooks[0] if playbooks else (),
        None if stage_key is None else stages[stage_key],
        is_abstaining,
    )


def to_csv(rows: list[tuple[Any, ...]], columns: Sequence[str] = COLUMNS) -> tuple[str, int]:
    """The rows as CSV text with a header, and how many cells got an apostrophe so that they are no formula."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(columns)
    changed = 0
    for row in rows:
        cells = [_cell(value) for value in row]
        safe = [without_formula(cell) for cell in cells]
        changed += sum(cell != other for cell, other in zip(cells, safe, strict=True))
        writer.writerow(safe)
    return stream.getvalue(), changed


def without_formula(text: str) -> str:
    """The text with an apostrophe before everything that a spreadsheet could take for the start of a formula."""
    return _CONTROL_START.sub("'", _FORMULA_START.sub(r"\1\2'", text))


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def known_key(asked: str, names: dict[str, str], noun: str, where: str) -> str:
    """The key of what was asked for by key or name; UserError with the known ones if there is none."""
    wanted = asked.strip().casefold()
    for key in names:
        if key.casefold() == wanted:
            return key
    for key, name in names.items():
        if name.casefold() == wanted:
            return key
    known = ", ".join(f"{shown(name)} ({shown(key)})" for key, name in names.items())
    raise UserError(f"there is no {noun} '{shown(asked)}' {where}: give one of {known}, by name or key.")


def _check_destination(file: Path) -> None:
    """UserError unless `file` is new or a list that this command wrote."""
    if file.is_dir():
        raise UserError(f"'{file}' is a folder: name a file in it.")
    if not file.parent.is_dir():
        raise UserError(f"the folder '{file.parent}' does not exist: make it, or name a file in another.")
    if not file.exists():
        return
    # A list of an earlier release has fewer columns, with the same ones in front.
    header = ",".join(_COLUMNS_BEFORE_STAGES).encode("utf-8-sig")
    try:
        with file.open("rb") as content:
            is_list = content.read(len(header)) == header
    except OSError as error:
        raise UserError(f"'{file}' can't be read ({error.strerror}): name another file.") from error
    if not is_list:
        raise UserError(f"'{file}' is there already and is no campaign list: name another file, or move it away.")


def _sentences(found: Audience, file: Path, source: Path, changed: int) -> list[str]:
    count = f"{len(found.rows):,} customer{'' if len(found.rows) == 1 else 's'}"
    stage = "" if found.stage_name is None else f", stage {shown(found.stage_name)},"
    lines = [
        f"Wrote {count} of {shown(found.segment_name)} ({shown(found.segment_key)}){stage} as of {found.as_of_date}, "
        f"model version {found.model_version}, from '{source}' to '{file}'."
    ]
    if not found.rows:
        lines.append("Nobody is in it on that date under these conditions: the file holds its header alone.")
        return lines
    if changed:
        cells = "1 cell begins" if changed == 1 else f"{changed:,} cells begin"
        lines.append(f"Note: {cells} like a formula and got an apostrophe in front; look at where they come from.")
    if found.is_abstaining:
        lines.append(f"Note: the forecasts abstain: {PAST_RATE}.")
    words = ("Action", "Channel", "KPI", "Stop rule")
    told = [f"{word}: {shown(text)}." for word, text in zip(words, found.playbook, strict=False) if text]
    if told:
        lines.append(" ".join(told))
    lines.append("The list holds customer ids and only you can read it: share it with care, delete it after use.")
    return lines


def shown(text: str) -> str:
    """Text from data or from the command line without what could steer a terminal."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def probability(text: str) -> float:
    """An option that is a probability."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"'{shown(text)}' is no number from 0 to 1")
    return value


def customer_number(text: str) -> int:
    """An option that is a number of customers."""
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 10**9:
        raise argparse.ArgumentTypeError(f"'{shown(text)}' is no number of customers, 1 or more")
    return int(text)
