"""The nine raw files are loaded as text, and refused whole when one of them is not what is declared.

Each file is read once, into a table beside the one in use; when all nine have passed their checks the tables change
places, so a refused input leaves the last good one untouched. What an engine does in its own way stands in
`duckdb_files` and `spark_files`. Tables that a connector fills go the same way: see `olist_segments.connectors`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from olist_segments.loading.declared import RawColumn, RawTable
from olist_segments.loading.engine import RawFile, RawFiles
from olist_segments.loading.refusals import RefusedInput

FORMATS: tuple[Literal["csv"], Literal["parquet"]] = ("csv", "parquet")
Warn = Callable[[str], Any]
ROWS = "*"
"""Among the counts of a table's columns, that of its rows."""


def load_raw_files(
    engine: RawFiles,
    tables: Sequence[RawTable],
    folder: str,
    invalid_statuses: Sequence[str],
    warn: Warn,
) -> dict[str, dict[str, int]]:
    """Load the files of `tables` from `folder` into their incoming tables; RefusedInput for the first fault.

    Columns that are not declared are told to `warn`, and not read. Orders of `invalid_statuses` are no purchases.
    Returns for each table what `check_values` does. To be called within `incoming_tables`.
    """
    known = {}
    for table in tables:
        file = find_file(engine, folder, table.name)
        load_file(engine, file, table, warn)
        check_row_count(engine, file, table)
        known[table.name] = check_values(engine, table, file.name, place_in_file(engine, file))
        if not known[table.name][ROWS]:
            raise RefusedInput(f"{file.name} has a header but no rows: export it again with its data.")
    check_there_is_a_purchase(engine, tables, folder, invalid_statuses)
    return known


@contextmanager
def incoming_tables(engine: RawFiles, tables: Sequence[RawTable]) -> Iterator[None]:
    """Tables whose incoming ones are made meanwhile: put in use at the end, or dropped after a fault."""
    engine.rows_of(f"create schema if not exists {tables[0].schema_name}")
    engine.begin()
    try:
        yield
        engine.put_in_use(tables)
    except BaseException:
        for table in tables:
            # What ended the run is told, whatever becomes of the clearing up.
            with contextlib.suppress(Exception):
                engine.rows_of(f"drop table if exists {table.incoming}")
        raise
    finally:
        with contextlib.suppress(Exception):
            engine.end()


def find_file(engine: RawFiles, folder: str, table_name: str) -> RawFile:
    """The file of a table; refused where there is none, or one in both formats."""
    found = [RawFile(path, table_name, end) for end in FORMATS for path in engine.find(f"{folder}/{table_name}.{end}")]
    if not found:
        raise RefusedInput(
            f"Neither {table_name}.csv nor {table_name}.parquet is in the folder '{folder}': put the file there, or "
            "set OLIST_DATA_DIR to the folder that holds all nine."
        )
    if len(found) > 1:
        raise RefusedInput(
            f"Both {table_name}.csv and {table_name}.parquet are in the folder '{folder}': keep the one that should "
            "be read and move the other away."
        )
    return found[0]


def load_file(engine: RawFiles, file: RawFile, table: RawTable, warn: Warn) -> None:
    """Load one file into its incoming table, once its columns have been checked."""
    if file.format == "csv":
        header = columns_of_header(file, engine.first_line(file))
        check_columns(file, table, header, warn)
        engine.load_csv(file, table, header)
    else:
        types = engine.parquet_types(file)
        check_columns(file, table, list(types), warn)
        engine.load_parquet(file, table, types)


def columns_of_header(file: RawFile, first_line: str) -> list[str]:
    """The column names in the first line of a CSV file; refused where it can't be a header."""
    header = header_text(file.name, first_line)
    if "," not in header and (";" in header or "\t" in header):
        marks = "semicolons" if ";" in header else "tabs"
        raise RefusedInput(
            f"{file.name} separates its columns by {marks} (its header reads: {header[:100]}): export it again with "
            "commas."
        )
    return [name.strip().strip('"') for name in header.split(",")]


def header_text(name: str, first_line: str) -> str:
    """The first line of the file `name` without its marks; refused where it can't be a header."""
    header = first_line.lstrip("\ufeff").rstrip("\r")
    if "\0" in header:
        raise RefusedInput(f"{name} is not UTF-8 text but looks like UTF-16: export it again as UTF-8.")
    if not header.strip():
        raise RefusedInput(f"{name} has no header in its first line: export it again, as UTF-8 with its header line.")
    return header


def check_columns(file: RawFile, table: RawTable, found: Sequence[str], warn: Warn) -> None:
    """Refuse columns that lack a declared one or name one twice; others are read over with a warning."""
    for name, column in table.columns.items():
        if name not in found and not column.meta.optional:
            raise RefusedInput(
                f"{file.name} has no column '{name}' (its header reads: {', '.join(found)[:300]}): add the column "
                "under exactly this name."
            )
        if found.count(name) > 1:
            raise RefusedInput(f"{file.name} has two columns named '{name}': remove or rename one of them.")
    for name in found:
        if name not in table.columns:
            warn(f"{file.name}: the column '{name}' is not part of the export and is not read.")


def check_row_count(engine: RawFiles, file: RawFile, table: RawTable) -> None:
    """Refuse a file of which more or fewer rows were loaded than an independent count finds."""
    ((loaded,),) = engine.rows_of(f"select count(*) from {table.incoming}")
    counted = engine.count_rows(file, loaded)
    if counted != loaded:
        raise RefusedInput(
            f"{file.name} holds {counted} rows and {loaded} were read: export it again, as CSV with every value in "
            "double quotes, or as Parquet."
        )


def place_in_file(engine: RawFiles, file: RawFile) -> Callable[[int], str]:
    """Where a row of a file, counted from 0, is to be looked for."""
    return lambda position: engine.place_of_row(file, position) if file.format == "csv" else f"row {position + 1}"


def check_values(
    engine: RawFiles, table: RawTable, source: str, place: Callable[[int], str], *, has_patterns: bool = True
) -> dict[str, int]:
    """Refuse the first value of an incoming table that its declared type and limits do not allow. One scan.

    `source` and `place` say where a row comes from. Returns how many values each column has, and under ROWS the rows.
    """
    columns = list(table.columns.values())
    checked = [(column, is_bad) for column in columns if (is_bad := bad_value(engine, column, has_patterns))]
    firsts = "".join(f", min(rowid) filter (where {is_bad})" for _, is_bad in checked)
    counts = "".join(f", count({engine.name(column.name)})" for column in columns)
    ((row_count, *found),) = engine.rows_of(f"select count(*){counts}{firsts} from {table.incoming}")
    known = {ROWS: int(row_count)} | {
        column.name: int(count) for column, count in zip(columns, found[: len(columns)], strict=True)
    }
    bad = [(at, column) for at, (column, _) in zip(found[len(columns) :], checked, strict=True) if at is not None]
    if not bad:
        return known
    position, column = min(bad, key=lambda place: place[0])
    ((value,),) = engine.rows_of(
        f"select substring({engine.name(column.name)}, 1, 60) from {table.incoming} where rowid = {position}"
    )
    fault = (
        "the value is missing: fill it in, or remove the row."
        if value is None
        else "'{}' is not {}.".format(value.replace("\n", " "), column.expected)
    )
    raise RefusedInput(f"{source}, {place(position)}, column {column.name}: {fault}")


def bad_value(engine: RawFiles, column: RawColumn, has_patterns: bool = True) -> str:
    """The SQL condition that is true where a text breaks its declaration; empty where there is nothing to check."""
    text, meta = engine.name(column.name), column.meta
    number = f"try_cast({text} as double)"
    bad = []
    if meta.required:
        bad.append(f"{text} is null")
    if column.data_type == "timestamp":
        bad += [
            f"{text} not like '____-__-__ __:__:__'",
            f"({text} is not null and try_cast({text} as timestamp) is null)",
            f"{text} < '1990'",
            f"{text} >= '2100'",
        ]
    elif column.data_type == "integer":
        bad.append(f"not {engine.matches(text, '-?[0-9]{1,9}')}")
    elif column.data_type == "double":
        bad.append(f"({text} is not null and {number} is null)")
    elif column.data_type != "text":
        bad.append(f"not {engine.matches(text, '-?[0-9]{1,12}([.][0-9]{1,2}0*)?')}")
    elif meta.pattern and has_patterns:
        bad.append(f"not {engine.matches(text, meta.pattern)}")
    if meta.min is not None:
        bad.append(f"{number} < {meta.min}")
    if meta.max is not None:
        bad.append(f"{number} > {meta.max}")
    return " or ".join(bad)


def check_there_is_a_purchase(
    engine: RawFiles, tables: Sequence[RawTable], folder: str, invalid_statuses: Sequence[str]
) -> None:
    """Refuse files that are each as declared and hold together nobody who bought anything."""
    incoming = {table.name: table.incoming for table in tables}
    statuses = ", ".join(engine.text(status) for status in invalid_statuses) or "null"
    purchases = engine.rows_of(f"""
        select order_id
        from {incoming["olist_orders_dataset"]}
        where
            not coalesce(coalesce(order_status, 'unknown') in ({statuses}), false)
            and order_purchase_timestamp is not null
            and order_id in (select order_id from {incoming["olist_order_items_dataset"]})
            and customer_id in (select customer_id from {incoming["olist_customers_dataset"]})
        limit 1
    """)
    if not purchases:
        raise RefusedInput(
            f"No order in the folder '{folder}' is a purchase, one with a date, an item, a customer and a status other "
            f"than {' or '.join(invalid_statuses) or 'none'}: there is nobody to segment; look at how the files were "
            "exported."
        )
