"""Another spelling of good input gives the same tables, and a refused input leaves the last good ones alone.

What is refused or counted is walked through in test_fault_catalogue.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from faults import CATEGORIES, FILES, ORDERS, PRODUCTS, REVIEWS, SELLERS, Project, RunnerOf
from marks import slow_after


def test_refused_input_leaves_the_last_good_tables_alone(project: Project) -> None:
    assert project.run().success
    good = project.tables()
    # The first file has changed and is fine; the last one read is not.
    project.replace(ORDERS, "shipped", "delivered")
    project.replace(CATEGORIES, "perfumaria,", ",")

    run = project.run()

    assert not run.success
    assert len(run.sentences) == 1
    assert project.tables() == good


STAGED = ["path:models/staging"]


@pytest.fixture(scope="module")
def staged_from_csv(runner_of: RunnerOf, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[Any, ...]]]:
    """The staging tables that the nine plain files give."""
    plain = Project(runner_of, tmp_path_factory.mktemp("plain"))
    plain.write_all(FILES)
    run = plain.run(*STAGED)
    assert run.success, run.sentences
    assert run.warnings == []
    tables = plain.tables(("main",))
    assert len(tables) == 11
    assert tables["main.stg_olist__order_reviews"][0][-1] == 'Chegou, mas\n\no "lacre" estava aberto'
    return tables


def with_bom(p: Project) -> None:
    for name, text in FILES.items():
        p.write(name, "\ufeff" + text)


def with_crlf(p: Project) -> None:
    """Line ends as on Windows, but for those inside a comment, which are the customer's."""
    for name, text in FILES.items():
        comment = "mas\n\no"
        p.write(name, text.replace(comment, "@").replace("\n", "\r\n").replace("@", comment))


def with_columns_turned_round(p: Project) -> None:
    for name, text in FILES.items():
        if name != REVIEWS:
            p.write(name, "".join(",".join(line.split(",")[::-1]) + "\n" for line in text.splitlines()))


def without_last_line_end(p: Project) -> None:
    for name, text in FILES.items():
        p.write(name, text.rstrip("\n"))


def with_every_value_quoted(p: Project) -> None:
    for name, text in FILES.items():
        if name != REVIEWS:
            p.write(name, "".join('"' + line.replace(",", '","') + '"\n' for line in text.splitlines()))


def as_parquet(p: Project) -> None:
    for name in FILES:
        p.to_parquet(name)


def as_parquet_from_pandas(p: Project) -> None:
    """Whole numbers with gaps become floats there."""
    p.to_parquet(
        PRODUCTS,
        "select * replace (product_weight_g::double as product_weight_g, "
        "product_photos_qty::double as product_photos_qty) from file",
    )


def in_a_folder_with_a_quote(p: Project) -> None:
    p.folder = p.folder.rename(p.folder.with_name("maria's data"))


@pytest.mark.parametrize(
    "change",
    slow_after(
        1,
        [
            with_crlf,
            with_columns_turned_round,
            as_parquet,
            with_bom,
            without_last_line_end,
            with_every_value_quoted,
            as_parquet_from_pandas,
            in_a_folder_with_a_quote,
        ],
    ),
)
def test_another_spelling_of_the_same_data_gives_the_same_tables(
    project: Project, staged_from_csv: dict[str, list[tuple[Any, ...]]], change: Callable[[Project], None]
) -> None:
    change(project)

    run = project.run(*STAGED)

    assert run.success, run.sentences
    assert project.tables(("main",)) == staged_from_csv


def test_added_column_is_read_over_with_a_warning(project: Project) -> None:
    project.write(SELLERS, FILES[SELLERS].replace("seller_state\n", "seller_state,note\n").replace("SP\n", "SP,x\n"))

    run = project.run()

    assert run.success, run.sentences
    assert len(run.warnings) == 1
    assert "olist_sellers_dataset.csv: the column 'note' is not part of the export and is not read." in run.warnings[0]
    assert project.tables()["raw.olist_sellers_dataset"] == [("s1", "13023", "santa barbara d'oeste", "SP")]
