"""What dbt's Python models read and write, the same on DuckDB and on Spark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

_SPARK_TYPES = {"b": "boolean", "i": "bigint", "u": "bigint", "f": "double", "M": "timestamp"}


def read_by_date(relation: Any, order_by: str, columns: Sequence[str]) -> pd.DataFrame:
    """What `read` gives in an order that begins with as_of_date, collected from Spark a date at a time.

    Spark holds what it collects twice over in a memory of its own, of which a history of dates would take gigabytes.
    """
    if not _is_of_spark(relation):
        return read(relation, order_by, columns)
    dates = [row["as_of_date"] for row in relation.select("as_of_date").distinct().orderBy("as_of_date").collect()]
    parts = [read(relation.filter(relation["as_of_date"] == date), order_by, columns) for date in dates]
    return pd.concat(parts, ignore_index=True) if parts else read(relation, order_by, columns)


def read(relation: Any, order_by: str | None = None, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """The rows of what `dbt.ref` gives, in the order of the columns `order_by` ("a, b"; they hold no null).

    Only `columns`, where they are given, which need not have those of the order.
    Dates are datetime64 on both engines; Spark collects them all, so what is read must be bounded.
    """
    frame: pd.DataFrame
    is_spark = _is_of_spark(relation)
    by = order_by.split(", ") if order_by else []
    if columns is not None:
        # Whole rows would be sorted otherwise.
        relation = relation.select(*columns, *(name for name in by if name not in columns))
    if order_by:
        relation = relation.orderBy(by) if is_spark else relation.order(order_by)
    if columns is not None:
        relation = relation.select(*columns)
    if not is_spark:
        frame = relation.df()
        return frame
    frame = relation.toPandas()
    for name, kind in relation.dtypes:
        if kind == "date":
            frame[name] = pd.to_datetime(frame[name])
    return frame


def _is_of_spark(relation: Any) -> bool:
    return hasattr(relation, "toPandas")


def is_empty_build() -> bool:
    """Whether dbt was asked for tables without rows (`--empty`): then what Python reads has none either."""
    from dbt.flags import get_flags

    return bool(getattr(get_flags(), "EMPTY", False))  # type: ignore[no-untyped-call]


def read_existing(dbt: Any, session: Any, one_per: str | None = None) -> pd.DataFrame | None:
    """The rows that the incremental model `dbt` has written so far; None before the first build.

    With `one_per`, a column, a row of each of its values stands for all: the least of every other column.
    """
    if not dbt.is_incremental:
        return None
    existing = session.sql(f"select * from {dbt.this}")
    if one_per is None:
        return read(existing)
    shown = (name if name == one_per else f"min({name}) as {name}" for name in existing.columns)
    return read(session.sql(f"select {', '.join(shown)} from {dbt.this} group by {one_per}"))


def read_previous(dbt: Any, session: Any) -> pd.DataFrame | None:
    """The rows that the model `dbt`, a table made anew by every build, has from the build before.

    None where there is no such table, and with `--full-refresh`.
    """
    from dbt.flags import get_flags

    if getattr(get_flags(), "FULL_REFRESH", False):  # type: ignore[no-untyped-call]
        return None
    return read_neighbour(dbt, session, dbt.this.identifier)


def of_dates(dates: Sequence[pd.Timestamp]) -> str:
    """The SQL condition that as_of_date is one of `dates`."""
    named = ", ".join(f"date '{date:%Y-%m-%d}'" for date in dates)
    return f"as_of_date in ({named})"


def read_neighbour(dbt: Any, session: Any, table: str, schema: str | None = None) -> pd.DataFrame | None:
    """The rows of `table` beside the model `dbt`, or in `schema`, as they stand; None where there is no such table."""
    name = f"{schema or dbt.this.schema}.{table}"
    if _is_spark_session(session):
        exists = session.catalog.tableExists(name)
    else:
        exists = session.sql(
            f"select 1 from information_schema.tables where table_schema || '.' || table_name = '{name}'"
        ).fetchall()
    return read(session.sql(f"select * from {name}")) if exists else None


def written(dbt: Any, session: Any, rows: pd.DataFrame, replaces: str | None = None) -> Any:
    """What the model `dbt` returns to have `rows` written.

    With `replaces`, a column, rows written earlier whose value of it is among `rows` give way. DuckDB deletes those by
    itself; on Spark, which overwrites the table as a whole, the other rows are written again. Columns that are in the
    table keep their type there, so that a table without rows, or a column without values, changes none.
    """
    if not _is_spark_session(session):
        return rows
    existing = session.table(str(dbt.this)) if dbt.is_incremental else None
    if replaces and existing is not None:
        before = read(existing)
        rows = pd.concat([before[~before[replaces].isin(rows[replaces])], rows]) if len(rows) else before
    types = {} if existing is None else dict(existing.dtypes)
    schema = ", ".join(f"{name} {types.get(name) or _spark_type(rows[name])}" for name in rows.columns)
    # PySpark sends texts in one piece, and pandas may hold them in several.
    texts = {name: object for name in rows.columns if isinstance(rows[name].dtype, pd.StringDtype)}
    return session.createDataFrame(rows.astype(texts), schema=schema)


def _spark_type(column: pd.Series[Any]) -> str:
    return _SPARK_TYPES.get(column.infer_objects().dtype.kind, "string")


def _is_spark_session(session: Any) -> bool:
    return hasattr(session, "createDataFrame")
