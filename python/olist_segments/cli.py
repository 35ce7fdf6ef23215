"""The command line: `olist-segments COMMAND`.

Exit codes: 0 done, 2 the input or the set-up is wrong (one sentence on standard error says what to do), 3 the
maintenance contract asks for a refit (`olist-segments contract` only).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from olist_segments import audience, contract, publish, summary
from olist_segments.errors import UserError
from olist_segments.generator import command as generate
from olist_segments.report import command as report


def build_parser() -> argparse.ArgumentParser:
    """The parser with one sub-command for each verb; each sets `run`, which takes the parsed arguments."""
    parser = argparse.ArgumentParser(prog="olist-segments", description="Customer segmentation on dbt and DuckDB.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    audience.add_command(commands)
    contract.add_command(commands)
    generate.add_command(commands)
    publish.add_command(commands)
    report.add_command(commands)
    summary.add_command(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = build_parser().parse_args(argv)
    try:
        exit_code: int | None = arguments.run(arguments)
    except UserError as error:
        print(f"olist-segments: {error}", file=sys.stderr)
        return 2
    return exit_code or 0


if __name__ == "__main__":
    sys.exit(main())
