"""The raw tables of any shop: read from the nine files, or mapped by a connector, and what was told of the shop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from olist_segments.connectors.definition import NEEDED_TABLES, TABLES, Connector, told_or
from olist_segments.connectors.engine import Inputs
from olist_segments.connectors.mapping import NO_COUNTS, Mapped, Told
from olist_segments.loading.declared import RawTable
from olist_segments.loading.engine import RawFiles, make_incoming
from olist_segments.loading.load import (
    ROWS,
    Warn,
    check_there_is_a_purchase,
    check_values,
    incoming_tables,
    load_raw_files,
)
from olist_segments.loading.refusals import RefusedInput

SHOP, COLUMNS, COUNTS = "shop", "input_columns", "input_counts"
"""The tables of the source `input`, in the schema of the nine."""
Known = Mapping[str, Mapping[str, int]]
"""Raw table → column → how many values it has, and ROWS → how many rows."""


@dataclass(frozen=True)
class Loaded:
    """What a connector gave."""

    known: Known
    provided: frozenset[str]
    told: Told


def load_shop(
    inputs: Inputs,
    connector: Connector,
    tables: Sequence[RawTable],
    folder: str,
    salt: Callable[[], str],
    invalid_statuses: Sequence[str],
    warn: Warn,
) -> None:
    """Load the nine raw tables and those of the source `input`; RefusedInput, and then every table is as before."""
    engine = inputs.files
    beside = [_beside(tables, name) for name in (SHOP, COLUMNS, COUNTS)]
    if connector.reads_the_nine_files:
        with incoming_tables(engine, [*tables, *beside]):
            known = load_raw_files(engine, tables, folder, invalid_statuses, warn)
            _tell_shop(engine, connector, tables, Loaded(known, frozenset(known), Told()))
            make_incoming(engine.rows_of, _beside(tables, COUNTS), NO_COUNTS)
        return
    with incoming_tables(engine, [*tables, *beside]), Mapped(inputs, connector, folder, warn).read(salt) as mapped:
        loaded = load_mapped(engine, connector, tables, mapped)
        check_there_is_a_purchase(engine, tables, folder, invalid_statuses)
        _tell_shop(engine, connector, tables, loaded)
        mapped.load_counts(_beside(tables, COUNTS))


def load_mapped(engine: RawFiles, connector: Connector, tables: Sequence[RawTable], mapped: Mapped) -> Loaded:
    """Make the incoming tables of a connector's SQL, checked by the rules of the nine files."""
    told = mapped.told()
    known: dict[str, dict[str, int]] = {}
    provided = set()
    needed = {TABLES[short] for short in NEEDED_TABLES}
    for table in tables:
        if mapped.load(table):
            provided.add(table.name)
        place = mapped.place(table)
        known[table.name] = check_values(
            engine, table, place, _place_of_key(engine, table), has_patterns=connector.country == "BR"
        )
        if table.name in needed and not known[table.name][ROWS]:
            counts = engine.rows_of(
                f"select rule_name, affected_rows from ({mapped.counts()}) as counts order by 2 desc"
            )
            left_out = ", ".join(f"{str(rule).replace('_', ' ')}: {rows}" for rule, rows in counts if rows)
            why = f"they are left out ({left_out})" if left_out else "look at its conditions, and at the files"
            raise RefusedInput(f"{place} gives no rows of the {mapped.row_count()} that the files hold: {why}.")
    return Loaded(known, frozenset(provided), told)


def told_of(connector: Connector, told: Told) -> Told:
    """Currency and time zone of a shop: of the environment, else of its files, else of its connector."""
    return Told(
        told_or(told.currency or connector.currency, "OLIST_CURRENCY", "[A-Z]{3}", "EUR"),
        told_or(told.time_zone or connector.time_zone, "OLIST_TIME_ZONE", "[A-Za-z0-9_+/-]+", "Europe/Berlin"),
    )


def _place_of_key(engine: RawFiles, table: RawTable) -> Callable[[int], str]:
    key = next(iter(table.columns))

    def place(position: int) -> str:
        ((value,),) = engine.rows_of(
            f"select substring({engine.name(key)}, 1, 60) from {table.incoming} where rowid = {position}"
        )
        return f"row {position + 1} ({key} {value})" if value else f"row {position + 1}"

    return place


def _tell_shop(engine: RawFiles, connector: Connector, tables: Sequence[RawTable], loaded: Loaded) -> None:
    told = told_of(connector, loaded.told)
    facts = {
        "connector": connector.name,
        "currency": told.currency,
        "time_zone": told.time_zone,
        "country": connector.country,
    }
    values = ", ".join(
        f"cast({'null' if value is None else engine.text(value)} as string) as {name}" for name, value in facts.items()
    )
    make_incoming(engine.rows_of, _beside(tables, SHOP), f"select {values}")
    rows = " union all ".join(
        f"select {engine.text(table.name)} as table_name, {engine.text(column)} as column_name, "
        f"{str(table.name in loaded.provided).lower()} as is_provided, "
        f"cast({loaded.known[table.name][column]} as bigint) as known_count"
        for table in tables
        for column in table.columns
    )
    make_incoming(engine.rows_of, _beside(tables, COLUMNS), rows)


def _beside(tables: Sequence[RawTable], name: str) -> RawTable:
    return RawTable.model_validate({"schema": tables[0].schema_name, "name": name, "columns": {}})
