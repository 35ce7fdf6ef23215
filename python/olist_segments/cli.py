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
from importlib import import_module
from typing import TextIO

from olist_segments.errors import UserError

# The module of each command, in whose `add_command` its options stand.
MODULES = {
    "alert": "serving.alert",
    "audience": "serving.audience",
    "campaign": "campaigns.command",
    "connector": "connectors.command",
    "contract": "serving.contract",
    "excel": "serving.excel",
    "forget": "campaigns.forget",
    "generate": "generator.command",
    "publish": "serving.publish",
    "refit-if-due": "refit",
    "refit": "refit",
    "report": "report.command",
    "summary": "serving.summary",
    "superset": "serving.superset",
}


def build_parser(command: str | None = None) -> argparse.ArgumentParser:
    """The parser with one sub-command for each verb; each sets `run`, which takes the parsed arguments.

    Where `command` is one of them only its module is loaded: those of the others take longer than most commands do.
    """
    parser = argparse.ArgumentParser(prog="olist-segments", description="Customer segmentation on dbt and DuckDB.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    modules = [MODULES[command]] if command in MODULES else dict.fromkeys(MODULES.values())
    for module in modules:
        import_module(f"olist_segments.{module}").add_command(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code, which does not depend on whether the output is read to its end."""
    told, faults = io.StringIO(), io.StringIO()
    exit_code: int | None = 2
    try:
        with redirect_stdout(told), redirect_stderr(faults):
            given = sys.argv[1:] if argv is None else argv
            arguments = build_parser(given[0] if given else None).parse_args(given)
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
