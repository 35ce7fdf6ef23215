"""`olist-segments report`: the page for people."""

from __future__ import annotations

import argparse
from pathlib import Path

import duckdb

from olist_segments.serving.atomic import replace_file
from olist_segments.serving.folder import database_before, published_tables, serving_path
from olist_segments.serving.reader import sql_text
from olist_segments.serving.tables import add_source_option, choose_source, open_tables

DEFAULT_FILE = "report.html"


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `olist-segments report`."""
    parser = commands.add_parser("report", help="write the report for people: one page that needs nothing else")
    parser.add_argument("--out", type=Path, default=Path(DEFAULT_FILE), metavar="FILE", help=f"default: {DEFAULT_FILE}")
    add_source_option(parser)
    parser.set_defaults(run=lambda arguments: print(report(arguments.out, arguments.source)))


def _attach_before(connection: duckdb.DuckDBPyConnection, path: Path) -> bool:
    """Attach the tables of the publish before those in `path` as `before`; whether there are any that can be read."""
    published = published_tables()
    before = published if path != published else database_before(serving_path())
    if before is None:
        return False
    try:
        connection.execute(f"attach {sql_text(before.absolute())} as before (type duckdb, read_only)")
    except duckdb.Error:
        return False
    return True


def report(file: Path, kind: str | None = None) -> str:
    """Write the report to `file`, whole or not at all; a sentence that says so.

    `kind`: one of SOURCES, or None for the published tables if there are any. UserError if there are no tables,
    or if the file can't be written.
    """
    # The other commands need not wait for the chart library.
    from olist_segments.report.page import write_page

    path = choose_source(kind)
    with open_tables(path) as connection:
        page, as_of = write_page(connection, path.name, compares=_attach_before(connection, path))
    content = page.encode("utf-8")
    replace_file(file, content)
    return f"Wrote '{file}' ({len(content) / 1e6:.1f} MB), as of {as_of}, from '{path}'."
