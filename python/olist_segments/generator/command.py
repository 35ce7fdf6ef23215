"""The `generate` sub-command."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from olist_segments.generator.settings import DEFAULT_ORDERS, DEFAULT_SEED, Change, Settings
from olist_segments.generator.write import generate


def add_command(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `generate` to the command line's sub-commands."""
    parser = commands.add_parser(
        "generate", help="write a generated marketplace in the nine-file layout of the Olist export"
    )
    parser.add_argument("--orders", type=int, default=DEFAULT_ORDERS, help="number of orders (default: %(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="directory to write: new, empty or generated before")
    parser.add_argument(
        "--format", choices=("csv", "parquet"), default="csv", help="file format (default: %(default)s)"
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
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Check the arguments, write the files, say what was written."""
    change = None if arguments.change is None else Change.parse(arguments.change)
    settings = Settings(arguments.orders, arguments.seed, arguments.separation, change)
    paths = generate(settings, arguments.out, arguments.format)
    print(f"{arguments.out}: {settings.orders} orders in {len(paths)} files (seed {settings.seed})")
