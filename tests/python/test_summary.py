"""The segments on the screen: every kind, every stage, in the width of a terminal."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
from made_up_forecasts import REASON, make_up
from olist_segments.serving.summary import summary
from olist_segments.structures import SENTENCES
from warehouses import Warehouse


@pytest.fixture
def tables(built: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the published tables that a test may change, which the command reads."""
    shutil.copy(built.serving / "segments.duckdb", tmp_path)
    (tmp_path / "segments.duckdb").chmod(0o644)
    monkeypatch.setenv("OLIST_SERVING_DIR", str(tmp_path))
    return tmp_path / "segments.duckdb"


def blocks(text: str) -> list[list[list[str]]]:
    """The tables of the text: lines, each split where two spaces are."""
    return [
        [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in block.splitlines()]
        for block in text.split("\n\n")
    ]


def test_every_kind_has_a_line_and_every_stage_a_column(tables: Path) -> None:
    text = summary()
    kinds, stages = blocks(text)[1:3]
    with duckdb.connect(str(tables), read_only=True) as connection:
        profiles = connection.sql(
            "select segment_name, customer_count, avg_purchase_day_count from segment_profiles "
            "order by revenue_share desc, segment_key"
        ).fetchall()
        members = dict(
            connection.sql(
                "select segment_name || '/' || lower(stage_name), customer_count from segment_lifecycle_profiles"
            ).fetchall()
        )
        days = connection.sql(
            "select lower(stage_name), from_days, until_days from lifecycle_boundaries "
            "inner join lifecycle_stages using (stage_key) order by lifecycle_stages.stage_number"
        ).fetchall()
    place = kinds[0].index("days")
    assert [(line[0], line[1], line[place]) for line in kinds[1:]] == [
        (name, f"{customers:,}", f"{each:.2f}") for name, customers, each in profiles
    ]
    names = stages[0][1:]
    assert names == [name for name, _, _ in days]
    assert stages[1][1:] == [f"{low}+" if high is None else f"{low}-{high}" for _, low, high in days]
    assert [line[0] for line in stages[2:]] == [name for name, _, _ in profiles]
    for line in stages[2:]:
        for name, told in zip(names, line[1:], strict=True):
            customers = members.get(f"{line[0]}/{name}")
            assert told == ("-" if customers is None else f"{customers:,}")


def test_the_tables_fit_in_a_hundred_columns(tables: Path) -> None:
    with duckdb.connect(str(tables)) as connection:
        for table in ("segment_profiles", "segment_lifecycle_profiles"):
            connection.execute(f"update {table} set segment_name = 'Dissatisfied by late delivery'")
        connection.execute("update segment_profiles set customer_count = customer_count * 1000")
    text = summary()
    assert max(len(line) for block in text.split("\n\n")[1:3] for line in block.splitlines()) <= 100


def test_dissatisfied_segments_are_told_among_all_and_among_the_reviewed(tables: Path) -> None:
    line = "Dissatisfied customers: 12.3% of all customers, 23.4% of those with a review."
    with duckdb.connect(str(tables)) as connection:
        connection.execute("update segment_profiles set customer_share = 0.1234, share_of_reviewed = 0.2345")
        told = "select count(*) from segment_profiles where is_dissatisfied"
        assert connection.sql(told).fetchall() == [(1,)]
    text = summary()
    assert line in text
    assert text.count("of those with a review") == 1
    with duckdb.connect(str(tables)) as connection:
        connection.execute("alter table segment_profiles drop column share_of_reviewed")
    assert "with a review" not in summary()


def test_what_the_segments_are_is_told_where_it_is_known(tables: Path) -> None:
    for structure, sentence in SENTENCES.items():
        with duckdb.connect(str(tables)) as connection:
            connection.execute(f"update segment_candidates set structure = '{structure}'")
        assert sentence in summary()
    with duckdb.connect(str(tables)) as connection:
        connection.execute("alter table segment_candidates drop column structure")
    assert "The kinds are" not in summary()


def test_tables_of_a_release_without_stages_have_their_kinds_alone(tables: Path) -> None:
    with duckdb.connect(str(tables)) as connection:
        connection.execute("drop table segment_lifecycle_profiles")
        connection.execute("drop table lifecycle_boundaries")
    text = summary()
    assert "Dissatisfied customers" in text
    assert "customers by stage" not in text


def test_what_is_expected_is_told_with_its_model(tables: Path) -> None:
    make_up(tables)
    with duckdb.connect(str(tables), read_only=True) as connection:
        orders, revenue = connection.sql(
            "select sum(expected_orders), sum(expected_revenue)::double from customer_forecasts"
        ).fetchall()[0]
    (line,) = [line for line in summary().splitlines() if line.startswith("The next 90 days")]
    assert line == (
        f"The next 90 days: {orders:,.0f} orders and BRL {revenue:,.0f} are expected (logistic regression, which ranks "
        "to 0.61; 0.5 is chance). After 2018-05-31, 1.04 orders were expected for each that came."
    )


def test_forecasts_that_abstain_say_so(tables: Path) -> None:
    make_up(tables, is_abstaining=True)
    (line,) = [line for line in summary().splitlines() if line.startswith("The next 90 days")]
    assert "No model could be trusted, so every customer has the past rate of a group" in line
    assert f"({REASON})." in line
    with duckdb.connect(str(tables)) as connection:
        connection.execute("update segment_forecasts set expected_orders = null, expected_revenue = null")
        connection.execute("delete from forecast_drift_monthly")
    assert "The outcome period: no forecast, as no date of the past has been followed long enough." in summary()


@pytest.mark.parametrize("table", ["segment_forecasts", "forecast_versions"])
def test_tables_of_a_release_without_forecasts_tell_nothing_of_them(tables: Path, table: str) -> None:
    with duckdb.connect(str(tables)) as connection:
        connection.execute(f"drop table {table}")
    text = summary()
    assert "Dissatisfied customers" in text
    assert "expected" not in text
