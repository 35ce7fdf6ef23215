"""A campaign list: the members of one segment as a file that is safe to open in a spreadsheet, CSV or a workbook.

On no list: people who were forgotten, who are suppressed, or who are in the global control group. `--since` and
`--since-last` write who entered and who left instead, with the reasons (see `difference`).

A CSV file is UTF-8 with a byte order mark, without which Excel reads no accents, and quoted as RFC 4180 says.
Spreadsheets run a cell that starts like a formula, and a hostile name would be one; such a cell gets a leading
apostrophe (OWASP, "CSV injection"), at every place at which a spreadsheet may let a cell begin. The cells of a workbook
have a type and need none: a text is a text.
"""

from __future__ import annotations

import argparse
import csv
import io
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from olist_segments.campaigns.rules import held_out_of_running, off_every_list
from olist_segments.errors import UserError
from olist_segments.forecast_words import PAST_RATE
from olist_segments.serving import difference
from olist_segments.serving.atomic import replace_file
from olist_segments.serving.difference import CHANGE_COLUMNS, KEPT_OFF_WORDS, Conditions, Difference
from olist_segments.serving.list_files import CSV, FORMATS, ListFormat, list_format, starts_with
from olist_segments.serving.tables import add_source_option, choose_source, open_tables, present_tables
from olist_segments.serving.workbook import Column, Sheet, described_columns, write_workbook
from olist_segments.shop import read_shop

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

    select {columns}, off_lists.reason
    from customer_segments
    left join forecasts using (customer_unique_id)
    left join off_lists using (customer_unique_id)
    where
        segment_key = $segment_key
        and coalesce(segment_probability, 0) >= $min_probability
        and ($stage_key is null or stage_key = $stage_key)
        and not coalesce($exclude_dissatisfied and avg_review_score <= $dissatisfied, false)
        and coalesce(order_probability, 0) >= $min_order_probability
    order by {measure} desc nulls last, customer_unique_id
"""
_OTHERS = """
    with forecasts as (
        {forecasts}
    )

    select {columns}
    from customer_segments
    left join forecasts using (customer_unique_id)
    where customer_unique_id in (select unnest($customers))
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
    past rates of groups. `kept_off`: how many are on no list, by reason. `difference`: from the list of before, where
    one was asked for, with `left` the rows of those who left. `columns` and `currency`: how a workbook shows the rows.
    `held_out`: how many are held out of a campaign that still runs, by campaign.
    """

    segment_key: str
    segment_name: str
    as_of_date: date
    model_version: int
    rows: list[tuple[Any, ...]]
    playbook: tuple[str | None, ...]
    stage_name: str | None = None
    is_abstaining: bool = False
    kept_off: Mapping[str, int] = field(default_factory=dict)
    difference: Difference | None = None
    left: list[tuple[Any, ...]] = field(default_factory=list)
    max_change: float = math.inf
    columns: Sequence[Column] = ()
    currency: str | None = None
    held_out: Mapping[str, int] = field(default_factory=dict)


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


@dataclass(frozen=True)
class Since:
    """What a list is compared with: the list of `day`, or where that is None the one which the file holds.

    `max_change`: the share by which its size may have changed, None for what the tables say, infinite for any.
    """

    day: date | None = None
    max_change: float | None = None


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `olist-segments audience`."""
    parser = commands.add_parser("audience", help="write a segment's customers as a campaign list")
    parser.add_argument("segment", metavar="SEGMENT", help="key or name of a segment of today")
    parser.add_argument("--stage", metavar="STAGE", help="only those at this stage of life, by key or name")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the list; a list is replaced")
    parser.add_argument("--format", choices=FORMATS, help="default: xlsx for a FILE that ends with .xlsx, else csv")
    parser.add_argument(
        "--decimal-comma",
        action="store_true",
        help="CSV for the Excel of countries that write 0,5: decimal commas, semicolons between columns",
    )
    add_conditions(parser)
    parser.add_argument(
        "--top",
        type=customer_number,
        metavar="N",
        help=f"only the first N by --by, or by {MEASURES[0]}; ties by customer id",
    )
    parser.add_argument("--by", choices=MEASURES, help="the forecast that the list is ordered by, largest first")
    since = parser.add_mutually_exclusive_group()
    since.add_argument(
        "--since", type=_day, metavar="DATE", help="write who entered, left and stayed since this as-of date"
    )
    since.add_argument(
        "--since-last",
        action="store_true",
        help="replace the list in FILE, and write who entered, left and stayed since to NAME.changes.csv (or .xlsx)",
    )
    guard = parser.add_mutually_exclusive_group()
    guard.add_argument(
        "--max-change",
        type=_share,
        metavar="SHARE",
        help="with --since or --since-last: write nothing where the list's size changed by more "
        "(default: var audience_max_change_share)",
    )
    guard.add_argument("--go-on", action="store_true", help="write it, by however much its size changed")
    add_source_option(parser)
    parser.set_defaults(run=_run)


def add_conditions(parser: argparse.ArgumentParser) -> None:
    """Add the conditions on single customers that every list knows."""
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


def _run(arguments: argparse.Namespace) -> None:
    since = None
    if arguments.since or arguments.since_last:
        since = Since(arguments.since, math.inf if arguments.go_on else arguments.max_change)
    elif arguments.go_on or arguments.max_change is not None:
        raise UserError("--max-change and --go-on compare with a list of before: give --since or --since-last as well.")
    print(
        audience(
            arguments.segment,
            arguments.out,
            arguments.min_probability,
            arguments.exclude_dissatisfied,
            arguments.source,
            arguments.stage,
            Wanted(arguments.min_order_probability, arguments.top, arguments.by),
            since,
            list_format(arguments.out, arguments.format, has_decimal_comma=arguments.decimal_comma),
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
    since: Since | None = None,
    form: ListFormat = CSV,
) -> str:
    """Write the campaign list of `segment` (its key or name) to `file`, whole or not at all; sentences that say so.

    `kind`: one of SOURCES, or None for the published tables if there are any; `stage`: key or name of a stage of life,
    or None for all; `wanted`: which of them by their forecasts. `since`: write the difference from the list of a date
    to `file`; or replace the list in `file`, and write the difference beside it. `form`: how they are written. Only its
    owner can read a file.
    UserError if there are no tables or no such segment or stage, if forecasts are asked for that are not there, if
    `file` can't be written or is no campaign list, or if the list's size changed by more than `since` allows.
    """
    changes = None if since is None else file if since.day else file.with_name(f"{file.stem}.changes.{form.name}")
    if changes != file:
        _check_destination(file)
    if changes:
        _check_destination(changes, CHANGE_COLUMNS)
    source = choose_source(kind)
    last = file if changes and changes != file else None
    found = read_audience(source, segment, min_probability, exclude_dissatisfied, stage, wanted, since, last)
    if found.difference and since:
        difference.check_size(len(found.difference.before.customers), len(found.rows), found.max_change, file)
    changed = 0
    # The changes first: a run that is killed before it replaced the list can be repeated.
    if changes and found.difference:
        told = [(*found.difference.change_of(row[0]), *row) for row in (*found.rows, *found.left)]
        content, changed = _content(found, "Changes", told, form, CHANGE_COLUMNS)
        replace_file(changes, content, private=True)
    if changes != file:
        content, changed = _content(found, "Customers", found.rows, form)
        replace_file(file, content, private=True)
    return "\n".join(_sentences(found, file, source, changed, changes))


def read_audience(
    path: Path,
    segment: str,
    min_probability: float,
    exclude_dissatisfied: bool,
    stage: str | None = None,
    wanted: Wanted = EVERYBODY,
    since: Since | None = None,
    last: Path | None = None,
) -> Audience:
    """The members of `segment` at `stage`, keys or names in any case, from the tables in `path`.

    `since`: also the difference from the list of its date, or from the one in the file `last`.
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
        conditions = Conditions(
            key,
            stage_key,
            min_probability,
            exclude_dissatisfied,
            wanted.min_order_probability,
            wanted.measure,
            wanted.top,
            DISSATISFIED,
        )
        parts = {"columns": ", ".join(COLUMNS), "forecasts": _FORECASTS if has_forecasts else _NO_FORECASTS}
        connection.register("off_lists", off_every_list(connection, path))
        members = connection.execute(_MEMBERS.format(measure=wanted.measure, **parts), conditions.parameters).fetchall()
        kept_off = Counter(row[-1] for row in members if row[-1] is not None)
        rows = [row[:-1] for row in members if row[-1] is None][: wanted.top]
        changes, left, most = None, [], math.inf
        if since:
            changes = _difference(connection, path, conditions, since, last, rows, as_of_date)
            query = _OTHERS.format(**parts)
            known = {row[0]: row for row in connection.execute(query, {"customers": changes.left}).fetchall()}
            left = [known.get(one, (one, *[None] * (len(COLUMNS) - 1))) for one in changes.left]
            most = difference.max_change(connection) if since.max_change is None else since.max_change
        held_out = held_out_of_running(connection, [row[0] for row in rows], as_of_date)
        is_abstaining = has_forecasts and connection.execute(_IS_ABSTAINING).fetchall() == [(True,)]
        columns = described_columns(connection, ["customer_segments", "customer_forecasts"], COLUMNS)
        currency = read_shop(connection).currency
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
        kept_off,
        changes,
        left,
        most,
        columns,
        currency,
        held_out,
    )


def _difference(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    conditions: Conditions,
    since: Since,
    last: Path | None,
    rows: Sequence[tuple[Any, ...]],
    today: date,
) -> Difference:
    """From the list of the day of `since`, or that in the file `last`, to `rows`."""
    if since.day:
        before = difference.listed_on(connection, path, conditions, since.day, today)
    else:
        assert last is not None
        known = [key for (key,) in connection.execute("select customer_unique_id from customer_segments").fetchall()]
        written = str if last.suffix.lower() == ".xlsx" else without_formula
        before = difference.listed_in(last, COLUMNS, known, written, conditions, today)
    return difference.compare(connection, path, conditions, before, [row[0] for row in rows], today)


def _content(
    found: Audience, sheet: str, rows: list[tuple[Any, ...]], form: ListFormat, first: Sequence[str] = ()
) -> tuple[bytes, int]:
    """The rows as the content of a file, with the columns `first` in front, and how many cells got an apostrophe."""
    if not form.is_workbook:
        text, changed = to_csv(rows, (*first, *COLUMNS), form)
        return text.encode("utf-8-sig"), changed
    columns = [*(Column(name) for name in first), *found.columns]
    kept_in_view = 1 + len(first)
    table = Sheet(sheet, columns, rows, kept_in_view)
    return write_workbook([table], shown(found.segment_name), found.as_of_date, found.currency), 0


def to_csv(rows: list[tuple[Any, ...]], columns: Sequence[str] = COLUMNS, form: ListFormat = CSV) -> tuple[str, int]:
    """The rows as CSV text with a header, and how many cells got an apostrophe so that they are no formula."""
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=form.delimiter)
    writer.writerow(columns)
    changed = 0
    for row in rows:
        cells = [_cell(value, form) for value in row]
        safe = [without_formula(cell) for cell in cells]
        changed += sum(cell != other for cell, other in zip(cells, safe, strict=True))
        writer.writerow(safe)
    return stream.getvalue(), changed


def told_apostrophes(changed: int) -> list[str]:
    """What to say of so many cells that `to_csv` changed; nothing of none."""
    if not changed:
        return []
    cells = "1 cell begins" if changed == 1 else f"{changed:,} cells begin"
    return [f"Note: {cells} like a formula and got an apostrophe in front; look at where they come from."]


def without_formula(text: str) -> str:
    """The text with an apostrophe before everything that a spreadsheet could take for the start of a formula."""
    return _CONTROL_START.sub("'", _FORMULA_START.sub(r"\1\2'", text))


def _cell(value: object, form: ListFormat) -> str:
    if value is None:
        return ""
    text = f"{value:.4f}" if isinstance(value, float) else str(value)
    return text.replace(".", ",") if form.has_decimal_comma and isinstance(value, float | Decimal) else text


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


def _check_destination(file: Path, columns: Sequence[str] = ()) -> None:
    """UserError unless `file` is new or a list that this command wrote, with `columns` in front of those of a list."""
    if file.is_dir():
        raise UserError(f"'{file}' is a folder: name a file in it.")
    if not file.parent.is_dir():
        raise UserError(f"the folder '{file.parent}' does not exist: make it, or name a file in another.")
    if not file.exists():
        return
    # A list of an earlier release has fewer columns, with the same ones in front.
    header = (*columns, *_COLUMNS_BEFORE_STAGES)
    try:
        is_list = starts_with(file, header)
    except OSError as error:
        raise UserError(f"'{file}' can't be read ({error.strerror}): name another file.") from error
    if not is_list:
        noun = "list of changes" if columns else "campaign list"
        raise UserError(f"'{file}' is there already and is no {noun}: name another file, or move it away.")


def _sentences(found: Audience, file: Path, source: Path, changed: int, changes: Path | None = None) -> list[str]:
    stage = "" if found.stage_name is None else f", stage {shown(found.stage_name)},"
    whose = f"{shown(found.segment_name)} ({shown(found.segment_key)}){stage}"
    what = (
        f"{count_customers(len(found.rows))} of {whose}" if changes != file else f"the changes in the list of {whose}"
    )
    lines = [
        f"Wrote {what} as of {found.as_of_date}, model version {found.model_version}, from '{source}' to '{file}'."
    ]
    lines += _kept_off(found) + _changes(found, changes)
    if not found.rows:
        lines.append("Nobody is in it on that date under these conditions: the file holds its header alone.")
        return lines
    lines += told_apostrophes(changed)
    lines += [
        f"Note: {count_customers(count)} of them {'is' if count == 1 else 'are'} held out of the campaign "
        f"{shown(campaign)}, which still runs: writing to them spoils its result."
        for campaign, count in found.held_out.items()
    ]
    if found.is_abstaining:
        lines.append(f"Note: the forecasts abstain: {PAST_RATE}.")
    words = ("Action", "Channel", "KPI", "Stop rule")
    told = [f"{word}: {shown(text)}." for word, text in zip(words, found.playbook, strict=False) if text]
    if told:
        lines.append(" ".join(told))
    lines.append("The list holds customer ids and only you can read it: share it with care, delete it after use.")
    return lines


def count_customers(count: int) -> str:
    """A number of customers in words."""
    return f"{count:,} customer{'' if count == 1 else 's'}"


def _kept_off(found: Audience) -> list[str]:
    """How many would be on the list and are on none; nothing where there is nobody."""
    told = [f"{found.kept_off[reason]:,} {words}" for reason, words in KEPT_OFF_WORDS.items() if found.kept_off[reason]]
    return [f"Kept off every list: {', '.join(told)}."] if told else []


def _changes(found: Audience, changes: Path | None) -> list[str]:
    """What changed since the list of before, by reason; nothing where it was not asked for."""
    if found.difference is None or changes is None:
        return []
    made = Counter(found.difference.change_of(row[0]) for row in (*found.rows, *found.left))
    day = found.difference.before.as_of_date
    before = count_customers(len(found.difference.before.customers))
    since = "the list of before, which was empty" if day is None else f"{day}, with {before}"
    stayed = sum(made.values()) - len(found.difference.reasons)
    lines = [f"Since {since}, the changes are in '{changes}': {stayed:,} stayed."]
    for change in (difference.ENTERED, difference.LEFT):
        reasons = sorted(((count, why) for (kind, why), count in made.items() if kind == change), reverse=True)
        total = sum(count for count, _ in reasons)
        told = f" ({', '.join(f'{count:,} {why}' for count, why in reasons)})" if reasons else ""
        lines.append(f"{total:,} {change}{told}.")
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


def _day(text: str) -> date:
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"'{shown(text)}' is no date like 2018-07-31")


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1000:
        raise argparse.ArgumentTypeError(f"'{shown(text)}' is no share from 0 to 1000, like 0.5 for a half")
    return value
