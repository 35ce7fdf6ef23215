"""Forgetting people: what the project keeps of them is removed, so that no byte of it is left.

    the warehouse         every row of theirs, raw tables and labels of model versions included; its file is rewritten
    the published files   a new build without them, which readers are shown; what older builds are kept for is cleaned
    the campaign log      their row keeps the campaign and its arm, so that counts stay as they were, and nothing else
    forgotten.csv         a digest, by which they stay on no list should the nine files bring them back

The digest is written first: whoever repeats the command after a kill is let in by it and finishes the work. An id that
other people have as well (a review of two orders) stays.
"""

from __future__ import annotations

import argparse
import csv
import glob
import io
import json
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pandas as pd

from olist_segments.campaigns.inputs import (
    FORGOTTEN,
    FORGOTTEN_COLUMNS,
    LOG_COLUMNS,
    OF_ARM,
    OF_CAMPAIGN,
    campaign_folder,
    forgotten_digest,
    log_files,
    log_query,
    read_forgotten,
    read_suppressed,
)
from olist_segments.campaigns.log import held as held_log
from olist_segments.campaigns.log import unfinished_file
from olist_segments.campaigns.rules import check_log_is_whole, suppressed_source
from olist_segments.errors import UserError
from olist_segments.serving.atomic import replace_file, sync
from olist_segments.serving.audience import shown
from olist_segments.serving.folder import (
    DATABASE,
    MANIFEST,
    PARQUET,
    VERSIONS,
    held,
    kept_for_versions,
    new_build,
    read_manifest,
    serving_path,
)
from olist_segments.serving.publish import (
    LABELS,
    STORAGE_VERSION,
    checked,
    copy_table,
    first_line,
    keep_versions_only,
    write_parquet,
)
from olist_segments.serving.reader import attach_warehouse, open_warehouse, sql_text, warehouse_path
from olist_segments.serving.rewriting import rewrite

_CUSTOMERS_FILE = "olist_customers_dataset"
# What names a person, from the widest to the narrowest: each row of the next belongs to one of the one before.
_IDS = ("customer_unique_id", "customer_id", "order_id", "review_id")
_MAX_SHARE_GONE = 0.5
_NAMED = "customer_unique_id in (select customer_unique_id from gone_customer_unique_id)"
_AGAIN = "repeat the command, which then goes on where it stopped."

_TABLES_WITH_IDS = """
    select columns.schema_name, columns.table_name, list(columns.column_name order by columns.column_index)
    from duckdb_columns() as columns
    inner join duckdb_tables() as tables
        on columns.table_oid = tables.table_oid and columns.database_name = tables.database_name
    where columns.database_name = 'warehouse' and columns.column_name in ({ids})
    group by columns.schema_name, columns.table_name
    order by columns.schema_name, columns.table_name
"""
# An id goes with its owner where no row gives it to anybody else; `child` is what a row of `parent` has.
_OWNED = """
    create or replace temp table gone_{child} as
    select {child}
    from ({links})
    where {child} is not null and is_gone is not null
    group by {child}
    having bool_and(is_gone)
"""
_BUILD_NOTE = """
    update warehouse.build_log.builds
    set lost_customer_count = coalesce(lost_customer_count, 0) + $count, rewritten_at = null
    where rowid = (select max(rowid) from warehouse.build_log.builds)
"""
_HAS_DATES_BUILT = "from duckdb_tables() where database_name = 'warehouse' and table_name = 'dates_built'"
_HAS_BUILD_NOTE = """
    select column_name from duckdb_columns()
    where
        database_name = 'warehouse' and table_name = 'builds'
        and column_name in ('lost_customer_count', 'rewritten_at')
"""
_OTHERS_LABELS = """
    select * from read_parquet({file})
    where not coalesce(customer_unique_id in (select customer_unique_id from gone_customer_unique_id), false)
    order by model_version, customer_unique_id
"""


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `olist-segments forget`."""
    parser = commands.add_parser("forget", help="remove people from the warehouse, the published files and the log")
    parser.add_argument("customers", nargs="*", metavar="CUSTOMER_UNIQUE_ID", help="who is to be forgotten")
    parser.add_argument("--gone", action="store_true", help="those of the campaign log whom the tables no longer hold")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    if arguments.gone == bool(arguments.customers):
        raise UserError("name the customers to forget by customer_unique_id, or give --gone, one of the two.")
    print(forget_gone() if arguments.gone else forget(arguments.customers))


def forget(customers: Sequence[str]) -> str:
    """Forget `customers`, by customer_unique_id; sentences that say what was removed where.

    UserError, with nothing changed, where one of them is known nowhere, where the log is another folder's, or where
    something is in use.
    """
    people = sorted(set(customers))
    folder = campaign_folder()
    for path in (warehouse_path(), serving_path() / DATABASE):
        if path.is_file():
            with open_warehouse(path) as connection:
                check_log_is_whole(connection, path)
    _refuse_unknown(people, folder)
    with held_log(folder):
        return "\n".join(_forget(people, folder))


def forget_gone() -> str:
    """Forget those customers of the campaign log whom neither the warehouse nor the published tables hold.

    UserError where they are more than half of the log: the tables would be those of another shop.
    """
    folder = campaign_folder()
    with duckdb.connect() as connection:
        logged = {
            key for (key,) in connection.sql(f"select distinct customer_unique_id from ({_log(folder)})").fetchall()
        }
    logged.discard(None)
    known: set[str] = set()
    sources = [path for path in (warehouse_path(), serving_path() / DATABASE) if path.is_file()]
    if not sources:
        raise UserError(
            f"there are no tables to compare the campaign log with, neither published in '{serving_path()}' nor in a "
            f"warehouse at '{warehouse_path()}': run dbt build first, or set OLIST_SERVING_DIR or OLIST_WAREHOUSE."
        )
    for path in sources:
        with open_warehouse(path) as connection:
            try:
                known |= {key for (key,) in connection.sql("select customer_unique_id from customers").fetchall()}
            except duckdb.CatalogException as error:
                raise UserError(f"'{path}' holds no customers yet: run dbt build to its end.") from error
    gone = sorted(logged - known)
    if not gone:
        return f"Nobody whom the campaign log in '{folder}' names is gone from the tables: nothing was changed."
    if len(gone) > _MAX_SHARE_GONE * len(logged):
        raise UserError(
            f"the tables hold {len(logged) - len(gone):,} of {len(logged):,} customers of the campaign log in "
            f"'{folder}', so they are another shop's: set OLIST_WAREHOUSE, OLIST_SERVING_DIR and OLIST_CAMPAIGN_DIR to "
            "those of one shop, or name the customers to forget."
        )
    with held_log(folder):
        return "\n".join(_forget(gone, folder))


def _forget(people: list[str], folder: Path) -> list[str]:
    """Do it, in the order in which a run that is killed can be repeated; what to say."""
    warehouse, published = warehouse_path(), serving_path()
    held_in_files = _still_in_files(people)
    told = [f"Forgot {_count(len(people), 'customer')}."]
    with duckdb.connect() as connection:
        _name_people(connection, people)
        if warehouse.is_file():
            # Locked before anything is written, so that nothing is half done because a build is running.
            attach_warehouse(connection, warehouse, read_only=False)
        _remember(folder, people)
        told.append(_from_warehouse(connection, warehouse, len(people)))
    told.append(_from_published(published, people))
    told.append(_from_log(folder, people))
    told.append(f"'{folder / FORGOTTEN}' holds a digest of each, by which they stay on no list.")
    told.extend(held_in_files)
    told.append("Lists that were written before still name them: delete these yourself.")
    return told


def _refuse_unknown(people: Sequence[str], folder: Path) -> None:
    """UserError unless each of them is in the warehouse, the published files or the log, or was forgotten before."""
    known = {person for person in people if forgotten_digest(person) in read_forgotten(folder)}
    with duckdb.connect() as connection:
        _name_people(connection, people)
        queries = [f"select customer_unique_id from ({_log(folder)}) where {_NAMED}"]
        for path in (warehouse_path(), serving_path() / DATABASE):
            if not path.is_file():
                continue
            attach_warehouse(connection, path)
            found = [
                f"select customer_unique_id from {table} where {_NAMED}" for table, _ in _tables(connection, _IDS[:1])
            ]
            rows = connection.sql(" union ".join(found or ["select null::varchar"])).fetchall()
            known |= {key for (key,) in rows}
            connection.execute("detach warehouse")
        for labels in sorted((serving_path() / ".builds").glob(f"*/{VERSIONS}/{LABELS}.parquet")):
            queries.append(f"select customer_unique_id from read_parquet({_literal(labels)}) where {_NAMED}")
        known |= {key for (key,) in connection.sql(" union ".join(queries)).fetchall()}
    unknown = [person for person in people if person not in known]
    if unknown:
        others = f" (nor are {len(unknown) - 1:,} others)" if len(unknown) > 1 else ""
        raise UserError(
            f"'{shown(unknown[0])[:80]}'{others} is no customer of the warehouse, of the published files or of the "
            "campaign log, and nothing was changed: look up customer_unique_id, not the customer_id of an order."
        )


def _remember(folder: Path, people: Sequence[str]) -> None:
    """Add the digests of `people` to the file of those who were forgotten."""
    today = datetime.now(UTC).date()
    forgotten = {forgotten_digest(person): today for person in people} | read_forgotten(folder)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(FORGOTTEN_COLUMNS)
    writer.writerows(sorted(forgotten.items()))
    replace_file(folder / FORGOTTEN, stream.getvalue().encode())
    sync(folder)


def _from_warehouse(connection: duckdb.DuckDBPyConnection, warehouse: Path, count: int) -> str:
    """Remove them from the warehouse that is attached for writing, and write its file anew."""
    if not warehouse.is_file():
        return f"There is no warehouse at '{warehouse}'."
    try:
        _name_ids(connection)
        rows: dict[str, int] = {}
        connection.execute("begin")
        for table, columns in _tables(connection, _IDS):
            deleted = connection.execute(f"delete from {table} where {_names_them(columns)}").fetchall()[0][0]
            if deleted:
                rows[table.rpartition(".")[2].strip('"')] = deleted
        if rows and connection.execute(_HAS_DATES_BUILT).fetchall():
            # The next build has to write every date again, whatever the files hold.
            connection.execute("delete from warehouse.build_log.dates_built")
        if len(connection.execute(_HAS_BUILD_NOTE).fetchall()) == 2:
            # Should this process be killed before it has rewritten the file, the next publish does it.
            connection.execute(_BUILD_NOTE, {"count": count})
        connection.execute("commit")
        connection.execute("detach warehouse")
        rewrite(warehouse)
    except (OSError, duckdb.Error) as error:
        raise UserError(
            f"'{warehouse}' could not be rewritten without them ({first_line(error)}): see that nobody has it open "
            f"and that there is room for a copy beside it, and {_AGAIN}"
        ) from error
    labels = rows.get(LABELS, 0)
    return (
        f"Warehouse '{warehouse}': {_count(sum(rows.values()), 'row')} of {_count(len(rows), 'table')} removed, "
        f"{_count(labels, 'label')} of model versions among them, and the file written anew."
    )


def _from_published(folder: Path, people: Sequence[str]) -> str:
    """Show readers a build without them, and clean the builds that are kept for their model versions."""
    if not (folder / ".builds").is_dir():
        return f"Nothing is published in '{folder}'."
    try:
        with duckdb.connect() as connection, held(folder):
            _name_people(connection, people)
            shown_build = (folder / "current").resolve()
            cleaned = sum(_clean_kept(connection, build) for build in kept_for_versions(folder, shown_build))
            rows, tables, labels = _show_without(connection, folder)
    except (OSError, duckdb.Error) as error:
        raise UserError(
            f"'{folder}' could not be written ({first_line(error)}): make room or see that it can be written, and "
            f"{_AGAIN}"
        ) from error
    told = (
        f"Published files in '{folder}': {_count(rows, 'row')} of {_count(tables, 'table')} and "
        f"{_count(labels, 'label')} of model versions removed"
    )
    return f"{told}, {_count(cleaned, 'older build')} cleaned." if cleaned else f"{told}."


def _show_without(connection: duckdb.DuckDBPyConnection, folder: Path) -> tuple[int, int, int]:
    """Write the build that readers are shown without them, if it has any; rows, tables and labels removed."""
    before = (folder / "current").resolve()
    manifest = read_manifest(before)
    if not (before / DATABASE).is_file():
        return 0, 0, 0
    attach_warehouse(connection, before / DATABASE)
    _name_ids(connection)
    conditions = {table: f"not coalesce({_names_them(columns)}, false)" for table, columns in _tables(connection, _IDS)}
    counts = {
        table: connection.sql(f"select count(*) from {table} where not ({condition})").fetchall()[0][0]
        for table, condition in conditions.items()
    }
    labels = before / VERSIONS / f"{LABELS}.parquet"
    kept_labels = f"({_OTHERS_LABELS.format(file=_literal(labels))})"
    label_count = 0
    if labels.is_file():
        total = connection.sql(f"select count(*) from read_parquet({_literal(labels)})").fetchall()[0][0]
        label_count = total - connection.sql(f"select count(*) from {kept_labels}").fetchall()[0][0]
    removed = (sum(counts.values()), sum(count > 0 for count in counts.values()), label_count)
    if removed[0] or label_count:
        with new_build(folder) as target:
            (target / PARQUET).mkdir()
            (target / VERSIONS).mkdir()
            database = sql_text(target / DATABASE)
            connection.execute(f"attach {database} as served (storage_version {sql_text(STORAGE_VERSION)})")
            for table in manifest["tables"]:
                copy_table(connection, table, conditions.get(_quoted("main", table), "true"))
                file = f"{PARQUET}/{table}.parquet"
                manifest["tables"][table] = write_parquet(connection, f'served.main."{table}"', target, file)
            connection.execute("detach served")
            for table, entry in manifest.get("versions", {}).items():
                if table == LABELS:
                    manifest["versions"][table] = write_parquet(connection, kept_labels, target, entry["file"])
                else:
                    shutil.copyfile(before / entry["file"], target / entry["file"])
            manifest |= {"build": target.name, "database": checked(target, DATABASE)}
            (target / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        # Readers who have the build that was replaced open keep what they opened, and nobody else finds it.
        shutil.rmtree(before)
    connection.execute("detach warehouse")
    return removed


def _clean_kept(connection: duckdb.DuckDBPyConnection, build: Path) -> bool:
    """Leave of a build that nobody is shown its model versions without them; whether it held more than that."""
    labels = build / VERSIONS / f"{LABELS}.parquet"
    query = f"select count(*) from read_parquet({_literal(labels)}) where {_NAMED}"
    is_named = labels.is_file() and connection.sql(query).fetchall()[0][0] > 0
    if not is_named and not (build / DATABASE).exists() and not (build / PARQUET).exists():
        return False
    keep_versions_only(connection, build, _OTHERS_LABELS)
    return True


def _from_log(folder: Path, people: Sequence[str]) -> str:
    """Leave of their rows in the campaign log what counts of campaigns and arms need."""
    rows, campaigns = 0, 0
    try:
        with duckdb.connect() as connection:
            _name_people(connection, people)
            log_query(connection, folder)
            for file in log_files(folder):
                query = f"select count(*) from read_parquet({_literal(file)}) where {_NAMED}"
                count = connection.sql(query).fetchall()[0][0]
                if count:
                    _blank(connection, file)
                    rows, campaigns = rows + count, campaigns + 1
        sync(folder)
    except (OSError, duckdb.Error) as error:
        raise UserError(
            f"the campaign log in '{folder}' could not be written ({first_line(error)}): make room or see that it can "
            f"be written, and {_AGAIN}"
        ) from error
    if not rows:
        return f"Campaign log in '{folder}': it names none of them."
    return (
        f"Campaign log in '{folder}': {_count(rows, 'row')} of {_count(campaigns, 'campaign')} "
        f"{'keeps' if rows == 1 else 'keep'} the campaign and its arm, and nothing else."
    )


def _blank(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    """Put a copy of a file of the log in its place, their rows without all that is theirs."""
    kept = {*OF_CAMPAIGN, *OF_ARM}
    columns = ", ".join(
        name if name in kept else f"case when not coalesce({_NAMED}, false) then {name} end::{kind} as {name}"
        for name, kind in LOG_COLUMNS.items()
    )
    unfinished = unfinished_file(file)
    try:
        connection.execute(
            f"copy (select {columns} from read_parquet({_literal(file)})) to {sql_text(unfinished.absolute())} "
            "(format parquet)"
        )
        shutil.copymode(file, unfinished)
        sync(unfinished)
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)


def _still_in_files(people: Sequence[str]) -> list[str]:
    """Whether the nine files would bring them back, and whether the file of suppressed customers names them."""
    source = next((path for path in (warehouse_path(), serving_path() / DATABASE) if path.is_file()), None)
    suppressed = None
    if source:
        with open_warehouse(source) as connection:
            suppressed = suppressed_source(connection, source)
    if suppressed is None:
        return ["Nobody knows where the nine files are: should they hold them, remove them there as well."]
    told = []
    for file in (suppressed.with_name(f"{_CUSTOMERS_FILE}.{ending}") for ending in ("csv", "parquet")):
        if file.is_file():
            told.append(_in_customers_file(file, people))
    named = sum(person in read_suppressed(suppressed) for person in people)
    if named:
        told.append(f"'{suppressed}' names {_count(named, 'of them', 'of them')}: remove the lines.")
    return told


def _in_customers_file(file: Path, people: Sequence[str]) -> str:
    """Whether a file of customers holds them."""
    read = "read_parquet({})" if file.suffix == ".parquet" else "read_csv({}, header = true, all_varchar = true)"
    try:
        with duckdb.connect() as connection:
            _name_people(connection, people)
            count = connection.sql(
                f"select count(distinct customer_unique_id) from {read.format(_literal(file))} where {_NAMED}"
            ).fetchall()[0][0]
    except duckdb.Error:
        return f"'{file}' can't be read: should it hold them, remove them there as well."
    if not count:
        return f"'{file}' does not hold them."
    return (
        f"'{file}' still holds {_count(count, 'of them', 'of them')}: remove them from the nine files, or the next "
        "build brings them back, on no list."
    )


def _log(folder: Path) -> str:
    """SQL that reads the campaign log, which is checked first."""
    with duckdb.connect() as connection:
        return log_query(connection, folder)


def _name_people(connection: duckdb.DuckDBPyConnection, people: Sequence[str]) -> None:
    """Make the temporary table of the people to forget."""
    connection.register("asked_for", pd.DataFrame({"customer_unique_id": list(people)}, dtype="str"))
    connection.execute(
        "create or replace temp table gone_customer_unique_id as "
        "select customer_unique_id::varchar as customer_unique_id from asked_for"
    )
    connection.unregister("asked_for")


def _name_ids(connection: duckdb.DuckDBPyConnection) -> None:
    """Make temporary tables of the records, orders and reviews that only they have in the attached database."""
    tables = _tables(connection, _IDS)
    for place, child in enumerate(_IDS[1:], 1):
        links = [
            f"select {child}, {parent} in (select {parent} from gone_{parent}) as is_gone from {table}"
            for table, columns in tables
            for parent in [next((name for name in reversed(_IDS[:place]) if name in columns), None)]
            if parent and child in columns
        ]
        empty = f"select null::varchar as {child}, false as is_gone where false"
        connection.execute(_OWNED.format(child=child, links=" union all ".join([empty, *links])))


def _names_them(columns: Sequence[str]) -> str:
    """The condition of a row to be theirs, in a table with these columns."""
    return " or ".join(
        f"coalesce({name} in (select {name} from gone_{name}), false)" for name in _IDS if name in columns
    )


def _tables(connection: duckdb.DuckDBPyConnection, ids: Sequence[str]) -> list[tuple[str, list[str]]]:
    """The tables of the attached database that have one of the columns `ids`, each with those of them that it has."""
    found = connection.execute(_TABLES_WITH_IDS.format(ids=", ".join(sql_text(name) for name in ids))).fetchall()
    return [(_quoted(schema, table), columns) for schema, table, columns in found]


def _quoted(schema: str, table: str) -> str:
    return ".".join('"' + part.replace('"', '""') + '"' for part in ("warehouse", schema, table))


def _literal(file: Path) -> str:
    """The path of a file as SQL, of which no part is a pattern."""
    return sql_text(glob.escape(str(file.absolute())))


def _count(number: int, noun: str, several: str | None = None) -> str:
    return f"{number:,} {noun if number == 1 else several or f'{noun}s'}"
