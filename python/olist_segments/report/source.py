"""What the report asks of the tables, and how the answers come back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from importlib.resources import files
from typing import Any

import duckdb

Row = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What a query gave: its name, its SQL, the tables it reads, its columns and its rows."""

    name: str
    sql: str
    tables: tuple[str, ...]
    columns: tuple[str, ...]
    rows: list[Row]


def ask(connection: duckdb.DuckDBPyConnection, name: str) -> Answer:
    """The answer to the query in queries/`name`.sql; amounts are floats, dates stay dates."""
    sql = files("olist_segments.report").joinpath("queries", f"{name}.sql").read_text(encoding="utf-8").strip()
    relation = connection.sql(sql)
    columns = tuple(relation.columns)
    rows = [{column: _value(value) for column, value in zip(columns, row, strict=True)} for row in relation.fetchall()]
    return Answer(name, sql, tuple(sorted(connection.get_table_names(sql))), columns, rows)


def _value(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, float) and value != value:
        return None
    if isinstance(value, datetime):
        return value.date()
    return value


def newest(rows: list[Row], column: str = "as_of_date") -> date | None:
    """The newest date of a column; None where there is none."""
    return max((row[column] for row in rows if row[column] is not None), default=None)
