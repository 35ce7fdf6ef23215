"""Publishing: what a whole build that passed made, as files that readers open without ever meeting dbt.

The warehouse itself says what may be published: dbt notes in `build_log.builds` that a command began, how it ended and
which tables are for readers. Only when the newest note is a whole `dbt build` without a failure are the tables those of
one build; the files in dbt's target folder can't tell, they may belong to another warehouse or another command.
"""

from __future__ import annotations

import argparse
import glob
import hashlib
import json
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from olist_segments.errors import UserError
from olist_segments.serving.folder import (
    DATABASE,
    MANIFEST,
    PARQUET,
    VERSIONS,
    held,
    kept_for_versions,
    model_versions,
    new_build,
    read_manifest,
    serving_path,
)
from olist_segments.serving.reader import attach_warehouse, sql_text, warehouse_path
from olist_segments.serving.rewriting import rewrite
from olist_segments.shop import Shop

# All columns: notes of an earlier release lack some.
_NEWEST_BUILD = "select * from warehouse.build_log.builds order by rowid desc limit 1"
_LOST_CUSTOMERS = """
    select coalesce(bool_or(lost_customer_count > 0 and rewritten_at is null), false) from warehouse.build_log.builds
"""
_NO_LONGER_PUBLISHED = """
    select count(*)
    from before.main.customers as before
    left join warehouse.main.customers as now on before.customer_unique_id = now.customer_unique_id
    where now.customer_unique_id is null
"""
_KNOWN_LABELS = """
    select labels.*
    from read_parquet({file}) as labels
    semi join warehouse.main.stg_olist__customers as known on labels.customer_unique_id = known.customer_unique_id
    order by labels.model_version, labels.customer_unique_id
"""
# Published so that a warehouse that starts empty can take its model versions back.
LABELS = "fit_segment_labels"
_VERSION_TABLES = ("fit_segment_candidates", "fit_segment_model", LABELS)
# Likewise, where the warehouse has them: one that an earlier release built last has not.
_LATER_VERSION_TABLES = (
    "fit_lifecycle_boundaries",
    "fit_segment_refits",
    "fit_forecast_candidates",
    "fit_forecast_model",
)
# Every DuckDB client from 1.0 on opens this format; that of DuckDB 2.0 is refused by all older ones, as BI tools have.
STORAGE_VERSION = "v1.0.0"
# More failed steps are counted, not named.
_SHOP = "select connector, currency, time_zone from served.main.shop"
_STEPS_NAMED = 5
_UNTOUCHED = "What was published before is untouched."


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `olist-segments publish`."""
    parser = commands.add_parser("publish", help="put the tables of a build that passed where readers find them")
    parser.set_defaults(run=lambda arguments: print(publish()))


def publish(folder: Path | None = None, warehouse: Path | None = None) -> str:
    """Publish the tables of `warehouse` to `folder`; a sentence that says so.

    Defaults: OLIST_WAREHOUSE and OLIST_SERVING_DIR. UserError, with the old files untouched, where the newest build is
    not a whole one that passed, the warehouse is missing or in use, or the folder can't be written; with the new ones
    published, where a warehouse that has lost customers can't be rewritten without what is left of them in its file.
    """
    folder = folder or serving_path()
    warehouse = warehouse or warehouse_path()
    with duckdb.connect() as connection:
        attach_warehouse(connection, warehouse)
        build = _newest_build(connection, warehouse)
        has_lost_customers = _has_lost_customers(connection, build)
        try:
            before = read_manifest(folder)
            no_longer = _no_longer_published(connection, folder)
            with held(folder), new_build(folder) as target:
                for kept in kept_for_versions(folder, target):
                    keep_versions_only(connection, kept, _KNOWN_LABELS)
                manifest = _write(connection, build, target)
        except (OSError, duckdb.OperationalError, duckdb.FatalException) as error:
            raise UserError(
                f"'{folder}' could not be written ({first_line(error)}): make room or set OLIST_SERVING_DIR to a "
                f"folder that can be written. {_UNTOUCHED}"
            ) from error
    sentence = (
        f"Published {len(manifest['tables'])} tables as of {manifest['data_as_of']} (model version "
        f"{manifest['model_version']}) to '{folder}': {DATABASE}, {PARQUET}/, {MANIFEST}."
    )
    if has_lost_customers:
        _rewrite(warehouse)
        sentence += f"\nRewrote '{warehouse}' without what was left in the file of customers whom it no longer holds."
    if no_longer:
        customers = "1 customer" if no_longer == 1 else f"{no_longer:,} customers"
        sentence += (
            f"\n{customers} of the build published before {'is' if no_longer == 1 else 'are'} gone from the data; that "
            "build stays on the disk for readers that have it open, and goes with the next publish."
        )
    if not model_versions(before) <= model_versions(manifest):
        sentence += (
            f"\nNote: '{folder}' held model versions that this warehouse does not know. They are kept in "
            f"'{folder}/.builds/{before['build']}'; give each input its own OLIST_SERVING_DIR."
        )
    return sentence


def _newest_build(connection: duckdb.DuckDBPyConnection, warehouse: Path) -> dict[str, Any]:
    """The note of the newest build; UserError unless it was a whole one that passed."""
    try:
        newest = connection.execute(_NEWEST_BUILD)
    except duckdb.CatalogException as error:
        raise UserError(f"'{warehouse}' holds no build: run dbt build first. {_UNTOUCHED}") from error
    names = [column[0] for column in newest.description or []]
    rows = newest.fetchall()
    if not rows:
        raise UserError(f"'{warehouse}' holds no build: run dbt build first. {_UNTOUCHED}")
    build = dict(zip(names, rows[0], strict=True))
    what = f"the last dbt {build['command']} of '{warehouse}' (started {build['started_at']:%Y-%m-%d %H:%M} UTC)"
    if build["finished_at"] is None:
        raise UserError(f"{what} did not come to its end: run dbt build again. {_UNTOUCHED}")
    if build["failure_count"]:
        raise UserError(
            f"{what} had {failures(build)}: fix what its log says went wrong and run dbt build again. {_UNTOUCHED}"
        )
    if not build["is_whole"]:
        raise UserError(
            f"{what} was not a whole dbt build with its tests: run dbt build without a selection. {_UNTOUCHED}"
        )
    return build


def failures(build: Mapping[str, Any]) -> str:
    """How many steps of a noted build failed, and the first of them by name where the notes tell them."""
    count = build["failure_count"]
    text = "1 failed step" if count == 1 else f"{count} failed steps"
    steps = build.get("failed_steps") or []
    if not steps:
        return text
    named = ", ".join(steps[:_STEPS_NAMED])
    return f"{text} ({named}{f' and {count - _STEPS_NAMED} more' if count > _STEPS_NAMED else ''})"


def _has_lost_customers(connection: duckdb.DuckDBPyConnection, build: dict[str, Any]) -> bool:
    """Whether the file of the warehouse may still hold customers whom its tables have lost."""
    return "rewritten_at" in build and bool(_rows(connection, _LOST_CUSTOMERS)[0][0])


def _no_longer_published(connection: duckdb.DuckDBPyConnection, folder: Path) -> int:
    """How many customers of what is published now the warehouse does not have; 0 where nothing can be read."""
    try:
        connection.execute(f"attach {sql_text(folder / DATABASE)} as before (read_only)")
    except duckdb.Error:
        return 0
    try:
        return int(_rows(connection, _NO_LONGER_PUBLISHED)[0][0])
    except duckdb.Error:
        return 0
    finally:
        connection.execute("detach before")


def keep_versions_only(connection: duckdb.DuckDBPyConnection, build: Path, labels_query: str) -> None:
    """Of a build kept for its model versions, leave those, with the labels that `labels_query` selects of {file}."""
    manifest = read_manifest(build)
    shutil.rmtree(build / PARQUET, ignore_errors=True)
    (build / DATABASE).unlink(missing_ok=True)
    manifest.pop("database", None)
    manifest["tables"] = {}
    labels = build / VERSIONS / f"{LABELS}.parquet"
    if labels.is_file():
        fresh = labels.with_name(f".{labels.name}.new")
        fresh.unlink(missing_ok=True)
        known = labels_query.format(file=sql_text(glob.escape(str(labels))))
        rows = connection.execute(f"copy ({known}) to {sql_text(fresh)} (format parquet, compression zstd)").fetchall()
        fresh.chmod(0o444)
        fresh.replace(labels)
        entry = {"rows": rows[0][0]} | checked(build, f"{VERSIONS}/{labels.name}")
        manifest["versions"] = manifest.get("versions", {}) | {LABELS: entry}
    fresh = build / f".{MANIFEST}.new"
    fresh.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    fresh.chmod(0o444)
    fresh.replace(build / MANIFEST)


def _rewrite(warehouse: Path) -> None:
    """Rewrite the warehouse file; UserError where that can't be done now."""
    try:
        rewrite(warehouse)
    except (OSError, duckdb.Error) as error:
        raise UserError(
            f"the tables are published, but '{warehouse}' could not be rewritten without what is left in the file of "
            f"customers whom it no longer holds ({first_line(error)}): see that nobody has it open and that there is "
            "room for a copy beside it, and publish again."
        ) from error


def _write(connection: duckdb.DuckDBPyConnection, build: dict[str, Any], target: Path) -> dict[str, Any]:
    """Write all files of `build` into the empty folder `target`; the manifest, which is written last."""
    database = target / DATABASE
    tables = {}
    versions = {}
    connection.execute(f"attach {sql_text(database)} as served (storage_version {sql_text(STORAGE_VERSION)})")
    (target / PARQUET).mkdir()
    (target / VERSIONS).mkdir()
    for table in build["served_tables"]:
        copy_table(connection, table)
        tables[table] = write_parquet(connection, f"served.main.{_name(table)}", target, f"{PARQUET}/{table}.parquet")
    for table in (*_VERSION_TABLES, *_present(connection, _LATER_VERSION_TABLES)):
        source = f"warehouse.main.{_name(table)}"
        versions[table] = write_parquet(connection, source, target, f"{VERSIONS}/{table}.parquet")
    in_force = _rows(connection, "select model_version from served.main.segment_versions where is_in_force")
    as_of = _rows(connection, "select as_of_date from served.main.as_of_dates where is_newest")
    fits = _rows(connection, "select model_version, fitted_at from served.main.segment_versions order by model_version")
    # A warehouse of an earlier release knows no shop but Olist.
    olist = Shop()
    shop = _rows(connection, _SHOP)[0] if "shop" in tables else (olist.connector, olist.currency, olist.time_zone)
    connection.execute("detach served")

    manifest = {
        "build": target.name,
        "built_at": _moment(build["finished_at"]),
        "dbt_invocation_id": build["invocation_id"],
        "data_as_of": as_of[0][0].isoformat(),
        "data_folder": build.get("data_folder"),
        "shop": dict(zip(("connector", "currency", "time_zone"), shop, strict=True)),
        "model_version": in_force[0][0],
        "model_versions": [{"model_version": number, "fitted_at": _moment(moment)} for number, moment in fits],
        "database": checked(target, DATABASE),
        "tables": tables,
        "versions": versions,
    }
    (target / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return manifest


def _present(connection: duckdb.DuckDBPyConnection, tables: tuple[str, ...]) -> list[str]:
    """Those of the tables that the warehouse has."""
    found = _rows(
        connection,
        "select table_name from duckdb_tables() where database_name = 'warehouse' and schema_name = 'main'",
    )
    return [table for table in tables if (table,) in found]


def copy_table(connection: duckdb.DuckDBPyConnection, table: str, condition: str = "true") -> None:
    """Copy the rows of a table that meet `condition`, in the order that its model stored them in, with its comments."""
    served = f"served.main.{_name(table)}"
    connection.execute(f"create table {served} as from warehouse.main.{_name(table)} where {condition}")
    of_table = f"where database_name = 'warehouse' and schema_name = 'main' and table_name = {sql_text(table)}"
    for (comment,) in _rows(connection, f"select comment from duckdb_tables() {of_table} and comment is not null"):
        connection.execute(f"comment on table {served} is {sql_text(comment)}")
    described = f"select column_name, comment from duckdb_columns() {of_table} and comment is not null"
    for column, comment in _rows(connection, described):
        connection.execute(f"comment on column {served}.{_name(column)} is {sql_text(comment)}")


def write_parquet(
    connection: duckdb.DuckDBPyConnection, relation: str, target: Path, file: str
) -> dict[str, str | int]:
    """One table as Parquet; its entry in the manifest."""
    connection.execute(f"copy (from {relation}) to {sql_text(target / file)} (format parquet, compression zstd)")
    return {"rows": _rows(connection, f"select count(*) from {relation}")[0][0]} | checked(target, file)


def checked(target: Path, file: str) -> dict[str, str | int]:
    """What the manifest says of a file, by which readers can tell that they have the right one."""
    path = target / file
    with path.open("rb") as content:
        checksum = hashlib.file_digest(content, "sha256").hexdigest()
    return {"file": file, "bytes": path.stat().st_size, "sha256": checksum}


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _moment(utc: datetime) -> str:
    return f"{utc.isoformat(timespec='microseconds')}Z"


def first_line(error: Exception) -> str:
    """The first line of what an error says, to stand in a sentence."""
    return str(error).strip().splitlines()[0].rstrip(".")
