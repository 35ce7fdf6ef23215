"""The `connector` sub-commands: lay down a new connector, try one, and hash e-mail addresses as its ids."""

from __future__ import annotations

import argparse
import os
import re
import secrets
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import yaml

from olist_segments.connectors.definition import NAME, NEEDED_TABLES, OLIST, TABLES, connector_names, read_connector
from olist_segments.connectors.duckdb_inputs import DuckDBInputs
from olist_segments.connectors.load import load_mapped, told_of
from olist_segments.connectors.mapping import Mapped
from olist_segments.connectors.salt import customer_ids, kept_salt, site_salt
from olist_segments.errors import UserError
from olist_segments.loading.declared import RawTable
from olist_segments.loading.duckdb_files import DuckDBFiles
from olist_segments.loading.load import ROWS, check_there_is_a_purchase
from olist_segments.serving.text_table import text_table

TEMPLATE = Path(__file__).with_name("new_connector")
SOURCES = Path("models") / "staging" / "_olist__sources.yml"


def add_command(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `connector` to the command line's sub-commands."""
    parser = commands.add_parser("connector", help="segment another shop: new, check, id (docs/connectors.md)")
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    new = verbs.add_parser("new", help="lay down the folder connectors/NAME to fill in")
    new.add_argument("name", metavar="NAME")
    new.set_defaults(run=run_new)
    check = verbs.add_parser("check", help="run only the mapping, and print what it finds")
    check.add_argument("name", metavar="NAME")
    check.add_argument("--data", metavar="DIR", help="folder with the shop's files (default: OLIST_DATA_DIR)")
    check.set_defaults(run=run_check)
    ids = verbs.add_parser("id", help="the ids that stand for e-mail addresses in every table")
    ids.add_argument("texts", metavar="TEXT", nargs="*", help="an address or name; none: one per line of the input")
    ids.set_defaults(run=run_id)


def run_new(arguments: argparse.Namespace) -> None:
    """Copy the template; refused where the folder is there already."""
    project, name = _project(), arguments.name
    folder = project / "connectors" / name
    if not re.fullmatch(NAME, name) or name == OLIST:
        raise UserError(f"'{name}' can't be the name of a connector: use small letters, digits and _, like my_shop.")
    if folder.exists():
        raise UserError(f"connectors/{name} is there already: take another name, or fill in what is there.")
    unfinished = folder.with_name(f".{name}.{os.getpid()}")
    try:
        shutil.copytree(TEMPLATE, unfinished)
        for file in ("connector.yml", "README.md"):
            text = (unfinished / file).read_text(encoding="utf-8")
            (unfinished / file).write_text(text.replace("{name}", name), encoding="utf-8")
        unfinished.rename(folder)
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        said = (error.strerror or str(error)).lower()
        raise UserError(f"connectors/{name} can't be written ({said}).") from error
    print(f"Wrote connectors/{name}: fill in connector.yml and the SQL, then")
    print(f"  olist-segments connector check {name} --data FOLDER")


def run_check(arguments: argparse.Namespace) -> None:
    """Map the files in memory and tell what came out; the first fault ends it as it would a build."""
    project = _project()
    connector = read_connector(project, arguments.name)
    if connector.reads_the_nine_files:
        raise UserError("The nine files of Olist are not mapped: dbt build reads and checks them.")
    folder = arguments.data or os.environ.get("OLIST_DATA_DIR", "")
    if not folder:
        raise UserError("No folder with the shop's files is named: add --data DIR, or set OLIST_DATA_DIR.")
    tables = declared_tables(project)
    with duckdb.connect() as connection:
        files = DuckDBFiles(lambda statement: connection.execute(statement).fetchall())
        files.rows_of("create schema raw")
        notes: list[str] = []

        def salt() -> str:
            # To try a mapping nothing needs to be kept.
            return kept_salt(project) or secrets.token_hex(32)

        with Mapped(DuckDBInputs(files, connection), connector, folder, notes.append).read(salt) as mapped:
            loaded = load_mapped(files, connector, tables, mapped)
            check_there_is_a_purchase(files, tables, folder, _invalid_statuses(project))
            counts = files.rows_of(f"select * from ({mapped.counts()}) as counts order by table_name, rule_name")
        print(f"{connector.name}: {connector.title}\n")
        for name, paths in mapped.found.items():
            print(f"{name}: {', '.join(Path(path).name for path in paths) or 'no file'}")
        print()
        print(_tables_told(tables, loaded.known, loaded.provided))
        print()
        print(_orders_told(files, tables))
    told = told_of(connector, loaded.told)
    currency, zone = told.currency or "not told (OLIST_CURRENCY)", told.time_zone or "not told (OLIST_TIME_ZONE)"
    print(f"Currency: {currency}. Time zone: {zone}.")
    rows = [
        [str(rule).replace("_", " "), f"{affected:,} of {checked:,}", str(treatment)]
        for _, rule, _, treatment, _, affected, checked in counts
        if affected
    ]
    if rows:
        print("\nCounted on the way:\n")
        print("\n".join(text_table([["what", "rows", "what is done"], *rows], left=(0, 2))))
    for note in notes:
        print(f"\n{note}")
    name = connector.name
    print("\nNothing is wrong. To build, with a warehouse and folders of its own:\n")
    print(f"OLIST_CONNECTOR={name} OLIST_DATA_DIR={shlex.quote(folder)} OLIST_WAREHOUSE={name}.duckdb \\")
    print(f"  OLIST_SERVING_DIR={name}-serving OLIST_CAMPAIGN_DIR={name}-campaigns make build")


def run_id(arguments: argparse.Namespace) -> None:
    """Print an id per text."""
    texts = arguments.texts or [line.rstrip("\r\n") for line in sys.stdin]
    salt, _ = site_salt(_project())
    for identifier in customer_ids(salt, texts):
        print(identifier)


def declared_tables(project: Path) -> list[RawTable]:
    """The nine raw tables as the project's YAML declares them, in the schema `raw`."""
    (source,) = yaml.safe_load((project / SOURCES).read_text(encoding="utf-8"))["sources"]
    return [
        RawTable.model_validate(
            {
                "schema": "raw",
                "name": table["name"],
                "columns": {
                    column["name"]: column | {"meta": column.get("config", {}).get("meta", {})}
                    for column in table["columns"]
                },
            }
        )
        for table in source["tables"]
    ]


def _tables_told(tables: Sequence[RawTable], known: Any, provided: frozenset[str]) -> str:
    rows = []
    for short, name in TABLES.items():
        table = next(table for table in tables if table.name == name)
        if name not in provided:
            rows.append([short, "-", "not provided"])
            continue
        missing = [column for column in table.columns if not known[name][column]]
        rows.append([short, f"{known[name][ROWS]:,}", ", ".join(missing) or "-"])
    return "\n".join(text_table([["table", "rows", "columns without a value"], *rows], left=(0, 2)))


def _orders_told(files: DuckDBFiles, tables: Sequence[RawTable]) -> str:
    incoming = {short: f"raw.{TABLES[short]}__incoming" for short in NEEDED_TABLES}
    ((orders, first, last),) = files.rows_of(
        f"select count(*), min(order_purchase_timestamp), max(order_purchase_timestamp) from {incoming['orders']}"
    )
    ((customers,),) = files.rows_of(f"select count(distinct customer_unique_id) from {incoming['customers']}")
    statuses = files.rows_of(
        f"select coalesce(order_status, 'unknown'), count(*) from {incoming['orders']} group by 1 order by 2 desc, 1"
    )
    ((total,),) = files.rows_of(
        "select sum(cast(price as decimal(18, 2)) + cast(freight_value as decimal(18, 2))) "
        f"from {incoming['order_items']}"
    )
    listed = ", ".join(f"{count:,} {status}" for status, count in statuses)
    return (
        f"{orders:,} orders of {customers:,} customers from {str(first)[:10]} to {str(last)[:10]}: {listed}.\n"
        f"Items and freight: {total:,}."
    )


def _invalid_statuses(project: Path) -> list[str]:
    declared = yaml.safe_load((project / "dbt_project.yml").read_text(encoding="utf-8"))
    return [str(status) for status in declared["vars"]["invalid_order_statuses"]]


def _project() -> Path:
    project = Path.cwd()
    if not (project / "dbt_project.yml").is_file() or not connector_names(project):
        raise UserError("This is not the folder of the project, which holds dbt_project.yml and connectors/: go there.")
    return project
