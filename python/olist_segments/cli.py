"""The command line: `olist-segments COMMAND`.

Exit codes: 0 done, 1 a refit was due and its build failed (`olist-segments refit-if-due` only), 2 the input or the
set-up is wrong (one sentence on standard error says what to do), 3 the maintenance contract asks for a refit
(`olist-segments contract`) or something asks for somebody (`olist-segments alert --exit-code`), 4 the webhook took no
message (`olist-segments alert --exit-code`).
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from typing import TextIO

from olist_segments import refit
from olist_segments.campaigns import command as campaign
from olist_segments.campaigns import forget
from olist_segments.connectors import command as connector
from olist_segments.errors import UserError
from olist_segments.generator import command as generate
from olist_segments.report import command as report
from olist_segments.serving import alert, audience, contract, excel, publish, summary, superset


def build_parser() -> argparse.ArgumentParser:
    """The parser with one sub-command for each verb; each sets `run`, which takes the parsed arguments."""
    parser = argparse.ArgumentParser(prog="olist-segments", description="Customer segmentation on dbt and DuckDB.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    alert.add_command(commands)
    audience.add_command(commands)
    campaign.add_command(commands)
    connector.add_command(commands)
    contract.add_command(commands)
    excel.add_command(commands)
    forget.add_command(commands)
    generate.add_command(commands)
    publish.add_command(commands)
    refit.add_command(commands)
    report.add_command(commands)
    summary.add_command(commands)
    superset.add_command(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code, which does not depend on whether the output is read to its end."""
    told, faults = io.StringIO(), io.StringIO()
    exit_code: int | None = 2
    try:
        with redirect_stdout(told), redirect_stderr(faults):
            arguments = build_parser().parse_args(argv)
        with redirect_stdout(told):
            exit_code = arguments.run(arguments)
    except UserError as error:
        faults.write(f"olist-segments: {error}\n")
    except SystemExit:
        # The parser's: its help was asked for, or the arguments are wrong.
        _write(sys.stdout, told.getvalue())
        _write(sys.stderr, faults.getvalue())
        raise
    fault = _write(sys.stdout, told.getvalue())
    if fault:
        faults.write(f"olist-segments: the output could not be written ({fault}): send it somewhere else.\n")
        exit_code = 2
    _write(sys.stderr, faults.getvalue())
    return exit_code or 0


def _write(stream: TextIO | None, text: str) -> str | None:
    """Write to a stream that may be closed, or whose reader may have left (`| head -1`); what else went wrong."""
    if stream is None or not text:
        return None
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        _leave(stream)
    except OSError as error:
        _leave(stream)
        return error.strerror
    return None


def _leave(stream: TextIO) -> None:
    """Let what is still buffered go nowhere, where Python would complain of it at the end."""
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())


if __name__ == "__main__":
    sys.exit(main())
