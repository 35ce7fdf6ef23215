"""The SQL of a connector, run over a shop's files: it fills the nine raw tables beside those in use.

What SQL reads is put before it as common table expressions, so that each file is a plain select that names its inputs
and the steps before it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import PurePath
from typing import Any

import duckdb
from dbt_common.exceptions import DbtRuntimeError

from olist_segments.connectors.definition import (
    DATA_QUALITY,
    REFUSALS,
    SHOP,
    SHORT_NAMES,
    Connector,
    Input,
)
from olist_segments.connectors.engine import FORMATS, InputFile, Inputs
from olist_segments.connectors.salt import ID_LENGTH
from olist_segments.loading.declared import RawColumn, RawTable
from olist_segments.loading.engine import FLOATS, make_incoming, no_rows
from olist_segments.loading.refusals import RefusedInput

SALT = "connector_salt"
# Beside the shop's files: what campaigns read, and the truth of a generated marketplace.
NOT_OF_THE_SHOP = {"suppressed_customers.csv", "planted_segments.csv"}
COUNT_COLUMNS = {
    "table_name": "string",
    "rule_name": "string",
    "breach": "string",
    "treatment": "string",
    "is_unexpected": "boolean",
    "affected_rows": "bigint",
    "checked_rows": "bigint",
}
"""What `data_quality.sql` gives: rows of the model data_quality, but for the share."""
NO_COUNTS = no_rows(COUNT_COLUMNS)
DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"


@dataclass(frozen=True)
class Told:
    """What the files tell of the shop; None where they don't."""

    currency: str | None = None
    time_zone: str | None = None


class Mapped:
    """One run of a connector over the files of a folder."""

    def __init__(self, inputs: Inputs, connector: Connector, folder: str, warn: Callable[[str], Any]) -> None:
        self._inputs = inputs
        self._files = inputs.files
        self._connector = connector
        self._folder = folder
        self._warn = warn
        # Name in SQL → what it is made of.
        self._relations: dict[str, str] = {}
        self._kept: list[str] = []
        self.found: dict[str, list[str]] = {}
        """Input → the paths of its files."""

    @contextmanager
    def read(self, salt: Callable[[], str]) -> Iterator[Mapped]:
        """The files read, the steps made and nothing refused; all of it is dropped at the end."""
        try:
            if self._connector.customer_ids == "hashed":
                self._inputs.keep_secret(SALT, "salt", salt())
                self._kept.append(SALT)
            left = [
                path for path in self._inputs.list_files(self._folder) if PurePath(path).name not in NOT_OF_THE_SHOP
            ]
            for name, declared in self._connector.inputs.items():
                self.found[name] = [path for path in left if _is_wanted(path, declared)]
                left = [path for path in left if path not in self.found[name]]
            self._check_found(self.found)
            for name, paths in self.found.items():
                self._relations[name] = self._read_input(name, self._connector.inputs[name], paths)
            for path in left:
                self._warn(f"{PurePath(path).name}: connector {self._connector.name} does not read this file.")
            for step in self._connector.steps:
                relation = f"connector_step_{step}"
                self._told(step, partial(self._inputs.keep, relation, self._query(step)))
                self._kept.append(relation)
                self._relations[step] = f"select * from {relation}"
            self._check_refusals()
            yield self
        finally:
            for relation in reversed(self._kept):
                # What ended the run is told, whatever becomes of the clearing up.
                with contextlib.suppress(Exception):
                    self._inputs.drop(relation)

    def told(self) -> Told:
        """What `shop.sql` says of currency and time zone; refused where the files hold several."""
        if not self._connector.has(SHOP):
            return Told()
        query = self._query(SHOP)
        given = self._told(SHOP, lambda: self._inputs.types_of(query))
        told: dict[str, str | None] = {}
        for column, what in (("currency", "currencies"), ("time_zone", "time zones")):
            if column not in given:
                continue
            listing = f"select distinct {column} from ({query}\n) as told where {column} is not null order by {column}"
            values = self._told(SHOP, partial(self._files.rows_of, listing))
            if len(values) > 1:
                listed = ", ".join(str(value) for (value,) in values[:5])
                raise RefusedInput(
                    f"Connector {self._connector.name}: the files in '{self._folder}' hold {len(values)} {what} "
                    f"({listed}): amounts and days that are not alike can't be added up; keep one, and build the "
                    "others apart."
                )
            told[column] = str(values[0][0]) if values else None
        return Told(**told)

    def load(self, table: RawTable) -> bool:
        """Make the incoming table of `table`; False, and a table without rows, where the connector has none."""
        short = SHORT_NAMES[table.name]
        if not self._connector.has(short):
            nothing = no_rows({self._files.name(name): "string" for name in table.columns})
            self._make(table, f"select *{self._inputs.rowid} from ({nothing}) as nothing")
            return False
        query = self._query(short)
        types = self._told(short, lambda: self._inputs.types_of(query))
        self._check_columns(short, table, types)
        selected = ", ".join(
            f"{self._text_of(short, column, types.get(column.name))} as {self._files.name(column.name)}"
            for column in table.columns.values()
        )
        texts = f"select {selected}{self._inputs.rowid} from ({query}\n) as provided"
        self._told(short, lambda: self._check_ids(short, table, texts))
        self._told(short, lambda: self._make(table, texts))
        return True

    def counts(self) -> str:
        """The query of what the connector counted of the shop's files, with the columns of COUNT_COLUMNS."""
        if not self._connector.has(DATA_QUALITY):
            return NO_COUNTS
        query = self._query(DATA_QUALITY)
        given = self._told(DATA_QUALITY, lambda: self._inputs.types_of(query))
        if set(given) != set(COUNT_COLUMNS):
            raise RefusedInput(
                f"{self._connector.place(DATA_QUALITY)} must give the columns {', '.join(COUNT_COLUMNS)}; it gives "
                f"{', '.join(given)}."
            )
        cast = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in COUNT_COLUMNS.items())
        return f"select {cast} from ({query}\n) as counted"

    def row_count(self) -> int:
        """Rows of all files together."""
        counts = (f"select count(*) as row_count from ({self._relations[name]}) as {name}" for name in self.found)
        ((rows,),) = self._files.rows_of(f"select sum(row_count) from ({' union all '.join(counts)}) as counts")
        return int(rows)

    def place(self, table: RawTable) -> str:
        """The SQL file of a table as a sentence names it."""
        return self._connector.place(SHORT_NAMES[table.name])

    def load_counts(self, table: RawTable) -> None:
        """Make the incoming table of `counts`."""
        self._told(DATA_QUALITY, lambda: self._make(table, self.counts()))

    def _make(self, table: RawTable, query: str) -> None:
        make_incoming(self._files.rows_of, table, query)

    def _check_found(self, found: dict[str, list[str]]) -> None:
        connector = self._connector
        for name, declared in connector.inputs.items():
            if declared.needed and not found[name]:
                raise RefusedInput(
                    f"Connector {connector.name}: no file named like {' or '.join(declared.files)} is in the folder "
                    f"'{self._folder}': put it there, or set OLIST_DATA_DIR to the folder that holds it."
                )
        if not any(found.values()):
            patterns = " or ".join(pattern for declared in connector.inputs.values() for pattern in declared.files)
            raise RefusedInput(
                f"Connector {connector.name}: no file named like {patterns} is in the folder '{self._folder}': put it "
                "there, or set OLIST_DATA_DIR to the folder that holds it."
            )

    def _read_input(self, name: str, declared: Input, paths: Sequence[str]) -> str:
        parts = []
        for number, path in enumerate(paths):
            file = InputFile(
                path,
                declared.delimiter,
                declared.encoding,
                () if declared.header else tuple(declared.all_columns),
                declared.table,
            )
            relation = f"connector_input_{name}_{number}"
            columns = self._columns_of(file, declared)
            self._kept.append(relation)
            self._inputs.read(file, columns, relation)
            listed = ", ".join(self._files.name(column) for column in columns)
            parts.append(
                f"select {listed}, {self._files.text(file.name)} as file_name, rowid + 1 as file_row from {relation}"
            )
        if not parts:
            texts = {self._files.name(column): "string" for column in declared.all_columns}
            parts = [no_rows(texts | {"file_name": "string", "file_row": "bigint"})]
        return " union all ".join(parts)

    def _columns_of(self, file: InputFile, declared: Input) -> dict[str, str | None]:
        """Name in SQL → the column of the file; None for an optional one that it has not."""
        header = self._inputs.columns_of(file)
        if file.columns:
            return {name: name for name in file.columns}
        in_small_letters: dict[str, str] = {}
        for column in header:
            in_small_letters.setdefault(column.strip().lower(), column)
        columns: dict[str, str | None] = {}
        for name, aliases in declared.all_columns.items():
            wanted = [*aliases, name]
            columns[name] = next((found for a in wanted if (found := in_small_letters.get(a.lower()))), None)
            if columns[name] is None and name in declared.columns:
                if len(header) == 1 and (mark := next((mark for mark in ";\t|," if mark in header[0]), None)):
                    marks = {";": "semicolons", "\t": "tabs", "|": "bars", ",": "commas"}[mark]
                    raise RefusedInput(
                        f"{file.name} separates its columns by {marks}: write that delimiter into "
                        f"connectors/{self._connector.name}/connector.yml, or export it again."
                    )
                raise RefusedInput(
                    f"{file.name} has no column {' or '.join(repr(alias) for alias in aliases or [name])} (its header "
                    f"reads: {', '.join(header)[:300]}): export it again with that column, or write the name that the "
                    f"file uses into connectors/{self._connector.name}/connector.yml."
                )
            if header.count(columns[name] or "") > 1:
                self._warn(f"{file.name}: the column '{columns[name]}' stands there twice; the first is read.")
        return columns

    def _query(self, sql_file: str) -> str:
        sql = self._connector.sql(sql_file)
        ctes = ", ".join(f"{name} as ({query})" for name, query in self._relations.items())
        return f"with {ctes} select * from (\n{sql}\n) as {sql_file}"

    def _told(self, sql_file: str, act: Callable[[], Any]) -> Any:
        """What `act` gives; where SQL fails, the file and what the engine says of it."""
        try:
            return act()
        except (DbtRuntimeError, duckdb.Error) as error:
            said = " ".join(str(error).replace("Runtime Error", "").split()).split(" LINE ")[0]
            raise RefusedInput(f"{self._connector.place(sql_file)}: {said[:400]}") from error

    def _check_refusals(self) -> None:
        if not self._connector.has(REFUSALS):
            return
        query = self._query(REFUSALS)
        rows = self._told(REFUSALS, lambda: self._files.rows_of(f"select sentence from ({query}\n) as refused limit 1"))
        for (sentence,) in rows:
            raise RefusedInput(f"Connector {self._connector.name}: {sentence}")

    def _check_columns(self, short: str, table: RawTable, types: dict[str, str]) -> None:
        place = self._connector.place(short)
        for name in types:
            if name not in table.columns:
                raise RefusedInput(
                    f"{place} gives a column '{name}', which {short} does not have: it has {', '.join(table.columns)}."
                )
        for name in table.needed_columns:
            if name not in types:
                raise RefusedInput(f"{place} gives no column '{name}', which is needed: add it.")
        for name, kind in types.items():
            if "TIME ZONE" in kind:
                raise RefusedInput(
                    f"{place}, column {name}: it has a time zone, and the input layer holds the shop's own time: cast "
                    "it to a timestamp of the clock on the wall there."
                )

    def _text_of(self, short: str, column: RawColumn, kind: str | None) -> str:
        """A column of a connector's SQL as the text that the nine files would hold."""
        if kind is None:
            return "cast(null as string)"
        name = self._files.name(column.name)
        text = f"nullif(trim(cast({name} as string)), '')"
        if column.data_type == "timestamp":
            if kind == "DATE" or kind.startswith("TIMESTAMP"):
                return f"substring(cast(cast({name} as timestamp) as string), 1, 19)"
            moment = f"replace(substring({text}, 1, 19), 'T', ' ')"
            is_date = self._files.matches(text, DATE)
            is_minute = self._files.matches(text, f"{DATE}[T ][0-9]{{2}}:[0-9]{{2}}")
            is_second = self._files.matches(text, f"{DATE}[T ][0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}([.][0-9]+)?")
            return (
                f"case when {is_date} then {text} || ' 00:00:00' when {is_minute} then {moment} || ':00' "
                f"when {is_second} then {moment} else {text} end"
            )
        if column.data_type.startswith("decimal") and kind in FLOATS:
            return f"cast(cast({name} as decimal(18, 2)) as string)"
        if column.data_type == "integer" and kind in FLOATS:
            return f"cast(cast({name} as decimal(18, 0)) as string)"
        if column.name == "customer_unique_id" and self._connector.customer_ids == "hashed":
            salted = f"(select salt from {SALT}) || '|' || lower({text})"
            return f"case when {text} is not null then substring({self._inputs.sha256(salted)}, 1, {ID_LENGTH}) end"
        return text

    def _check_ids(self, short: str, table: RawTable, texts: str) -> None:
        """Refuse what looks like an e-mail address where an id would be stored as it is, before it is."""
        for name in ("customer_id", "customer_unique_id"):
            if name in table.columns:
                is_address = self._files.matches(self._files.name(name), "[^@ ]+@[^@ ]+[.][^@ ]+")
                if self._files.rows_of(f"select 1 from ({texts}) as texts where {is_address} limit 1"):
                    raise RefusedInput(
                        f"{self._connector.place(short)}, column {name}: it holds e-mail addresses, which are not "
                        "stored: set customer_ids: hashed in connector.yml, and give each order's own id as "
                        "customer_id."
                    )


def _is_wanted(path: str, declared: Input) -> bool:
    name = PurePath(path).name.lower()
    # Beside an open workbook, and on the disks of a Mac, lie files of their names that hold no data.
    if name.startswith(("~$", "._")):
        return False
    return name.rpartition(".")[2] in FORMATS and any(fnmatchcase(name, pattern.lower()) for pattern in declared.files)
