"""The `generate` sub-command."""

from __future__ import annotations

import argparse
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from olist_segments.generator.settings import (
    DEFAULT_ORDERS,
    DEFAULT_SEED,
    LAST_DAY,
    RESPONSE_DAYS,
    WINDOW_START,
    Change,
    Response,
    Settings,
)
from olist_segments.generator.shapes import SHAPE_NAMES
from olist_segments.generator.write import generate


def add_command(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `generate` to the command line's sub-commands."""
    parser = commands.add_parser(
        "generate",
        help="write a generated marketplace, in the nine files of the Olist export or as another shop exports it",
    )
    parser.add_argument("--orders", type=int, default=DEFAULT_ORDERS, help="number of orders (default: %(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="directory to write: new, empty or generated before")
    parser.add_argument(
        "--format", choices=("csv", "parquet"), default="csv", help="file format (default: %(default)s)"
    )
    parser.add_argument(
        "--as",
        dest="shape",
        choices=("olist", *SHAPE_NAMES),
        default="olist",
        help="write the same orders as this kind of shop exports them, for OLIST_CONNECTOR (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="same seed, same bytes (default: %(default)s)")
    parser.add_argument(
        "--separation",
        type=float,
        metavar="X",
        help="plant kinds whose nearest centres are X within-kind standard deviations apart; 0 is one cloud "
        "(default: the published shares, with kinds as soft tendencies)",
    )
    parser.add_argument(
        "--change",
        metavar="FEATURE@DATE",
        help="plant a change of spend, satisfaction or frequency from that day on, e.g. satisfaction@2018-03-01",
    )
    parser.add_argument(
        "--until", type=_day, metavar="DATE", help="the export as it stood at the end of that day, e.g. 2018-05-31"
    )
    parser.add_argument(
        "--response",
        action="append",
        default=[],
        metavar="LIST.csv:SHARE",
        help=f"plant an answer to a campaign: this share of the list orders again within {RESPONSE_DAYS} days of it",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Check the arguments, write the files, say what was written."""
    change = None if arguments.change is None else Change.parse(arguments.change)
    responses = tuple(Response.parse(text) for text in arguments.response)
    settings = Settings(arguments.orders, arguments.seed, arguments.separation, change, arguments.until, responses)
    shape = None if arguments.shape == "olist" else arguments.shape
    paths = generate(settings, arguments.out, arguments.format, shape=shape)
    until = f", as of {settings.until}" if settings.until else ""
    print(f"{arguments.out}: {settings.orders} orders in {len(paths)} files (seed {settings.seed}{until})")


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not WINDOW_START < day <= LAST_DAY:
        raise argparse.ArgumentTypeError(f"{text!r} is no day from {WINDOW_START + timedelta(1)} to {LAST_DAY}")
    return day
