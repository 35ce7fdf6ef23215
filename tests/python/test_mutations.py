"""Random edits of a tiny marketplace: refused with one sentence, or built with totals that tie to the edited files.

`OLIST_MUTATIONS` sets how many are tried (24 by default); the same ones every time.
"""

from __future__ import annotations

import csv
import io
import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from faults import CUSTOMERS, FILES, GEOLOCATION, ITEMS, ORDERS, PRODUCTS, SELLERS, Project, RunnerOf, assert_totals_tie
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from marketplaces import OF_ORDERS, Tables, read_tables, write_tables
from warehouses import SAMPLE

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("OLIST_MUTATIONS", "24"))
UP_TO_FEATURES = ["path:models/staging", "+customer_features", "customers"]
SENTENCE = re.compile(
    r"(olist_\w+_dataset|product_category_name_translation)\.csv"
    r"(, line \d+(, column \w+)?: | has | separates | is not UTF-8 | mixes | can't be read \(permission )"
    r"|No order in the folder "
)
# What people, spreadsheets and attackers leave in a cell.
CELLS = (
    *(
        "",
        " ",
        "NULL",
        "NaN",
        "inf",
        "-1",
        "0",
        "1",
        "5",
        "6",
        "five",
        "12,50",
        "1e9",
        "0.001",
        "1000000",
        "99999999999",
    ),
    *("2017-02-30 00:00:00", "2018-06-15 12:00:00", "2040-01-01 00:00:00", "01/02/2018", "canceled", "delivered", "SP"),
    *("'", '"', "';--", "a,b", "two\nlines", "=1+1", "<b>", "é", "\u202e", "01310"),
)
BYTES = (b'"', b",", b";", b"\n", b"\r", b"\x00", b"\xff", b"9", b"-", b"\xef\xbb\xbf")


@dataclass(frozen=True)
class Edit:
    """One change: `where` and `column` are taken modulo what the file has."""

    kind: str
    file: str
    where: int
    column: int
    cell: str
    byte: bytes


positions = st.integers(0, 10**6)
edits = st.lists(
    st.builds(
        Edit,
        kind=st.sampled_from(["cell", "cell", "cell", "other row's cell", "delete", "copy", "bytes"]),
        file=st.sampled_from(sorted(FILES)),
        where=positions,
        column=positions,
        cell=st.sampled_from(CELLS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
        byte=st.sampled_from(BYTES),
    ),
    min_size=1,
    max_size=5,
)


def first_orders(tables: Tables, count: int) -> Tables:
    """So many orders with all that belongs to them."""
    cut = dict(tables)
    orders = cut[ORDERS] = tables[ORDERS].head(count)
    for name in OF_ORDERS:
        cut[name] = tables[name][tables[name]["order_id"].isin(orders["order_id"])]
    cut[CUSTOMERS] = tables[CUSTOMERS][tables[CUSTOMERS]["customer_id"].isin(orders["customer_id"])]
    cut[PRODUCTS] = tables[PRODUCTS][tables[PRODUCTS]["product_id"].isin(cut[ITEMS]["product_id"])]
    cut[SELLERS] = tables[SELLERS][tables[SELLERS]["seller_id"].isin(cut[ITEMS]["seller_id"])]
    cut[GEOLOCATION] = tables[GEOLOCATION].head(count)
    return cut


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The nine CSV files of sixty orders."""
    tables = {name: table for name, table in read_tables(SAMPLE).items() if name in FILES}
    folder = write_tables(first_orders(tables, 60), tmp_path_factory.mktemp("tiny") / "data", "csv")
    return {name: (folder / f"{name}.csv").read_bytes() for name in FILES}


@pytest.fixture(scope="module")
def outcomes() -> Iterator[Counter[str]]:
    counted: Counter[str] = Counter()
    yield counted
    print(f"\nmutations: {dict(counted)}")


def edited(content: bytes, edit: Edit) -> bytes:
    if edit.kind == "bytes":
        place = edit.where % len(content)
        return content[:place] + edit.byte + content[place + edit.column % 3 :]
    rows = list(csv.reader(io.StringIO(content.decode("utf-8", "surrogateescape"), newline="")))
    # The header is one row among many.
    row = rows[edit.where % len(rows)]
    if row and edit.kind == "cell":
        row[edit.column % len(row)] = edit.cell
    elif row and edit.kind == "other row's cell":
        other = rows[(edit.where + edit.column) % len(rows)]
        column = edit.column % len(row)
        row[column] = other[min(column, len(other) - 1)] if other else ""
    elif edit.kind == "delete" and len(rows) > 2:
        rows.remove(row)
    elif edit.kind == "copy":
        rows.append(list(row))
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue().encode("utf-8", "surrogateescape")


@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(changes=edits)
def test_random_edits_are_refused_or_tie(
    runner_of: RunnerOf, tiny: dict[str, bytes], outcomes: Counter[str], changes: list[Edit]
) -> None:
    files = dict(tiny)
    for edit in changes:
        files[edit.file] = edited(files[edit.file], edit)
    with tempfile.TemporaryDirectory() as home:
        p = Project(runner_of, Path(home))
        for name, content in files.items():
            p.write(name, content)

        run = p.run(*UP_TO_FEATURES)

        assert "Traceback" not in run.log
        if run.success:
            outcomes["built"] += 1
            assert_totals_tie(p)
        else:
            outcomes["refused"] += 1
            assert len(run.sentences) == 1, run.log
            assert SENTENCE.match(run.sentences[0]), run.sentences[0]
            assert "\n" not in run.sentences[0]
            assert p.tables() == {}
