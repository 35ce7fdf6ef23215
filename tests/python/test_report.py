"""The report: true sentences, figures from the tables alone, hostile and little data, the same bytes."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_forecasts import MODELS, REASON, TENTHS, make_up
from olist_segments.cli import main
from olist_segments.errors import UserError
from olist_segments.report import charts, forecasts, palette, words
from olist_segments.report.page import load_layout, queries
from olist_segments.report.source import ask
from olist_segments.report.verdict import Facts, sentences
from olist_segments.serving.tables import choose_source, open_tables
from olist_segments.shop import Shop
from reports import HOSTILE, Page, Tables
from warehouses import Warehouse

# What a vision without red, green or blue cones makes of linear RGB (Machado, Oliveira and Fernandes 2009).
COLOUR_BLINDNESS = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}


@pytest.fixture
def tables(built: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tables:
    return Tables.read_alone(built, tmp_path, monkeypatch)


def segment(name: str, customers: int, people: float, revenue: float) -> dict[str, object]:
    return {
        "segment_key": name.lower(),
        "segment_name": name,
        "customer_count": customers,
        "customer_share": people,
        "share_of_reviewed": people / 2,
        "revenue_share": revenue,
    }


def comparison(
    rfm: str = "no difference", naive: str = "no difference", months: int = 13
) -> dict[str, dict[str, object]]:
    """The rows that the verdict reads: what kinds by stages are against the rules and the rule of thumb."""
    ours = {"date_count": months, "comparison_status": rfm, "naive_comparison_status": naive}
    return {"clusters_by_stage": ours, "naive": {"comparison_status": "no difference"}}


def facts(**changes: object) -> Facts:
    values: dict[str, object] = {
        "as_of_date": date(2018, 8, 31),
        "segments": [segment("Spenders", 2000, 0.2, 0.44), segment("Others", 8000, 0.8, 0.56)],
        "scores": {"spenders": 4.5, "others": 3.9},
        "customer_score": 4.1,
        "came_back_share": 0.031,
        "comparison": comparison(),
    }
    return Facts(**(values | changes))  # type: ignore[arg-type]


# The verdict.


def test_verdict_says_the_numbers() -> None:
    first, second, third = sentences(facts())
    assert first == (
        "On 31 August 2018 the marketplace has 10,000 customers of two kinds. The most valuable, Spenders, "
        "has 20% of the customers and 44% of the revenue."
    )
    assert second == (
        "No kind of customer gives its orders less than 3 of 5 stars on average; the lowest score comes from Others, "
        "3.9, compared with 4.1 for all customers."
    )
    assert third == (
        "Of all customers 3.1% have come back on another day. Over 13 months, kind and stage predicted who orders "
        "again with no clear difference from simple RFM rules or a rule of thumb (returning customers first, then the "
        "most recent). Use kind and stage to choose how to treat customers, not to predict who returns."
    )


@pytest.mark.parametrize(
    ("changes", "words_in"),
    [
        (
            {"scores": {"spenders": 2.9, "others": 4.5}},
            "20% of the customers (10% of those with a review), with 44% of the revenue",
        ),
        ({"scores": {"spenders": 2.9, "others": 4.5}}, "One kind, Spenders, gives less than 3 of 5 stars"),
        ({"scores": {"spenders": 2.9, "others": 1}}, "Two kinds, Spenders and Others, give less than 3 of 5 stars"),
        ({"scores": {"spenders": 3.0, "others": 4.0}}, "No kind of customer gives its orders less than 3"),
        ({"scores": {}}, "No review is known"),
        ({"customer_score": None, "scores": {}}, "No review is known"),
        ({"comparison": {}}, "history is too short to tell"),
        ({"comparison": {"naive": {"comparison_status": "no difference"}}}, "too little to cluster to tell"),
        (
            {"comparison": comparison("better than rfm", "better than naive")},
            "treat customers and whom to write to first.",
        ),
        ({"comparison": comparison("better than rfm", "better than naive")}, "better than simple RFM rules and a rule"),
        (
            {"comparison": comparison("better than rfm", "worse than naive")},
            "again better than simple RFM rules and worse than a rule of thumb (returning customers first, then the "
            "most recent). Use kind and stage to choose how to treat customers, and the rule of thumb for whom",
        ),
        ({"comparison": comparison("worse than rfm", "better than naive")}, "not to predict who returns."),
        ({"comparison": comparison("better than rfm", "no difference")}, "not to predict who returns."),
        (
            {"comparison": comparison() | {"naive": {"comparison_status": "better than rfm"}}},
            "recent); the rule of thumb did so better than the RFM rules. Use kind and stage to choose how to "
            "treat customers, and the rule of thumb for whom to write to first.",
        ),
        (
            {"comparison": comparison("better than rfm") | {"naive": {"comparison_status": "better than rfm"}}},
            "treat customers, and either of the two for whom to write to first.",
        ),
        ({"comparison": comparison(months=1)}, "Over 1 month, kind and stage"),
        ({"came_back_share": 0.0}, "Of all customers 0% have come back"),
        ({"segments": [segment("Everybody", 1, 1.0, 1.0)]}, "has 1 customer, all of one kind, Everybody."),
    ],
)
def test_verdict_is_true_of_other_numbers(changes: dict[str, object], words_in: str) -> None:
    assert words_in in " ".join(sentences(facts(**changes)))


@given(
    shares=st.lists(st.integers(1, 100_000), min_size=1, max_size=10),
    scores=st.lists(st.one_of(st.none(), st.floats(1, 5)), min_size=10, max_size=10),
    came_back=st.floats(0, 1),
    months=st.integers(1, 40),
    statuses=st.tuples(st.sampled_from(["better than", "worse than", "no difference"]), st.booleans()),
)
def test_verdict_is_three_sentences_whatever_the_numbers(
    shares: list[int], scores: list[float | None], came_back: float, months: int, statuses: tuple[str, bool]
) -> None:
    people = sum(shares)
    segments = [segment(f"S{place}", size, size / people, size / people) for place, size in enumerate(shares)]
    known = {f"s{place}": score for place, score in enumerate(scores[: len(shares)]) if score is not None}
    found = sentences(
        facts(
            segments=segments,
            scores=known,
            customer_score=4.0 if known else None,
            came_back_share=came_back,
            comparison=comparison(statuses[0], statuses[0], months) if statuses[1] else {},
        )
    )
    assert len(found) == 3
    for sentence in found:
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert not re.search(r"None|nan|\{|\}|  |\b1 (customers|months|kinds)\b", sentence)
    low = [row for row in segments if known.get(str(row["segment_key"]), 5) < 3]
    if len(segments) > 1 and known:
        assert ("before any campaign" in found[1]) is bool(low)


@dataclass(frozen=True)
class Untouched:
    """The page of the tables as they were built, and the folder that it was drawn from."""

    tables: Tables
    html: str


@pytest.fixture(scope="module")
def untouched(built: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Untouched:
    """Drawn once for all tests that change nothing."""
    tables = Tables(built, tmp_path_factory.mktemp("untouched"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OLIST_SERVING_DIR", str(tables.serving))
        patch.setenv("OLIST_WAREHOUSE", str(tables.serving / "no-warehouse.duckdb"))
        return Untouched(tables, tables.page())


# The page and its numbers.


def test_page_tells_the_tables_and_nothing_else(tables: Tables, untouched: Untouched) -> None:
    before = Page(untouched.html).text()
    customers, share = tables.query("select sum(customer_count), max(revenue_share) from segment_profiles")[0]
    assert f"the marketplace has {customers:,} customers" in before
    assert words.share(float(share)) in before  # type: ignore[arg-type]

    tables.change(
        "update segment_profiles set customer_count = customer_count * 7, total_spend = total_spend * 3",
        "update segment_outcomes set ordered_again_share = ordered_again_share / 3, ordered_again_high = 0.9",
        "update delivery_satisfaction set avg_review_score = avg_review_score * 0.5",
        "update maintenance_contract set explanation = 'The contract says so: nothing else.'",
        "update segment_candidates set reason = 'because of a test' where is_chosen",
        "update segmentation_comparison_overall set comparison_status = 'better than rfm', "
        "naive_comparison_status = 'better than naive'",
    )
    after = Page(tables.page()).text()
    assert f"the marketplace has {customers:,} customers" not in after
    assert f"the marketplace has {customers * 7:,} customers" in after  # type: ignore[operator]
    for row in tables.query("select customer_count, total_spend from segment_profiles"):
        assert words.count(row[0]) in after  # type: ignore[arg-type]
        assert Shop().money(float(row[1])) in after  # type: ignore[arg-type]
    for (share_again,) in tables.query(
        "select ordered_again_share from segment_outcomes "
        "where as_of_date = (select max(as_of_date) from segment_outcomes)"
    ):
        assert words.share2(share_again) in after  # type: ignore[arg-type]
    assert "The contract says so: nothing else" in after
    assert "because of a test" in after
    assert "and whom to write to first" in after


def test_every_figure_has_words_a_table_a_source_and_a_query(untouched: Untouched) -> None:
    html = untouched.html
    figures = re.findall(r"<figure id=.*?</figure>", html, flags=re.S)
    assert len(figures) == html.count("<figure ") >= 15
    for figure in figures:
        page = Page(figure)
        assert page.text("h3")
        for drawing in page.attributes("svg"):
            assert drawing["role"] == "img"
            assert len(drawing["aria-label"]) > 40
        query = next(words_in for tag, words_in in page.words if tag == "code" and "select" in words_in.lower())
        with open_tables(untouched.tables.path) as connection:
            rows = connection.sql(query).fetchall()
            sources = connection.get_table_names(query)
        assert figure.count("<tr>") == len(rows) + 1
        for source in sources:
            assert f"<code>{source}</code>" in figure
        assert re.search(r"Date: \d+ \w+ 20\d\d", page.text("p"))


def test_every_query_reads_published_tables(tables: Tables, tmp_path: Path) -> None:
    written = {file.name.removesuffix(".sql") for file in files("olist_segments.report").joinpath("queries").iterdir()}
    asked = queries(load_layout())
    assert written == set(asked)
    before = shutil.copy(tables.path, tmp_path / "before.duckdb")
    with open_tables(tables.path) as connection:
        connection.execute(f"attach '{before}' as before (read_only)")
        for name in asked:
            assert ask(connection, name).tables


def test_page_is_one_file_below_3_mb_that_asks_nothing_of_the_network(untouched: Untouched) -> None:
    html = untouched.html
    assert len(html.encode()) < 3_000_000
    page = Page(html)
    assert not re.search(r"url\((?!#)|@import|\bfetch\(|XMLHttpRequest", html)
    for tag, attributes in page.elements:
        for name in ("src", "href", "xlink:href", "action"):
            assert attributes.get(name, "#").startswith(("#", "data:")), (tag, attributes)
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
    policy = next(found["content"] for found in page.attributes("meta") if "http-equiv" in found)
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        content = re.search(rf"<{tag}>(.*?)</{tag}>", html, flags=re.S)
        assert content is not None
        digest = base64.b64encode(hashlib.sha256(content.group(1).encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_page_is_a_document(untouched: Untouched) -> None:
    page = Page(untouched.html)
    tags = [tag for tag, _ in page.elements]
    assert [tags.count(tag) for tag in ("h1", "main", "nav", "header", "footer")] == [1, 1, 1, 1, 1]
    identifiers = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    links = [found["href"][1:] for found in page.attributes("a")]
    assert set(links) <= set(identifiers)
    assert len(links) == len(page.attributes("section")) + 1
    for _, attributes in page.elements:
        assert set(attributes.get("aria-labelledby", "").split()) <= set(identifiers)
    order = [found["id"] for found in page.attributes("section")]
    assert order == [
        "segments", "traits", "playbook", "moves", "next", "forecast", "delivery", "map", "cohorts", "choice", "upkeep",
        "quality",
    ]  # fmt: skip


@pytest.mark.slow
def test_same_tables_give_the_same_bytes(untouched: Untouched, tmp_path: Path) -> None:
    file = tmp_path / "again.html"
    environment = {"OLIST_SERVING_DIR": str(untouched.tables.serving), "PYTHONHASHSEED": "1"}
    command = [sys.executable, "-m", "olist_segments.cli", "report", "--out", str(file)]
    subprocess.run(command, env=os.environ | environment, check=True)
    assert file.read_text(encoding="utf-8") == untouched.html


# Hostile and little data.


def test_hostile_text_is_text(tables: Tables) -> None:
    text = HOSTILE.replace("'", "''")
    tables.change(
        f"update segment_profiles set segment_name = '{text}' || segment_key, meaning = '{text}', kpi = '{text}', "
        f"recommended_action = '{text}', channel = '{text}', stop_rule = '{text}', top_categories = '{text}'",
        f"update segment_profiles_monthly set segment_name = '{text}' || segment_key",
        f"update segment_traits set segment_name = '{text}' || segment_key, trait = '{text}' || trait",
        f"update segment_geography set segment_name = '{text}' || segment_key, state_name = '{text}'",
        f"update segment_outcomes set segment_name = '{text}' || segment_key",
        f"update segment_stability set segment_name = '{text}' || segment_key, stability_status = '{text}'",
        f"update segment_candidates set reason = '{text}', algorithm = '{text}' || algorithm, setting = '{text}'",
        f"update segment_versions set reason = '{text}', algorithm = '{text}'",
        f"update delivery_satisfaction set delivery_band = '{text}' || band_number",
        f"update segment_migrations_monthly set reason = '{text}' where reason = 'review_arrived'",
        f"update segment_lifecycle_profiles set segment_name = '{text}' || segment_key, stage_name = '{text}', "
        f"recommended_action = '{text}'",
        f"update lifecycle_stages set stage_name = '{text}' || stage_key",
        f"update lifecycle_moves_monthly set from_stage_name = '{text}' || from_stage_key, reason = '{text}' "
        "where reason = 'time_passed'",
        f"update maintenance_contract set explanation = '{text}', is_broken_today = true",
        f"update brazil_states set state_name = '{text}'",
        f"update data_quality set breach = '{text}', treatment = '{text}'",
        f"update segment_forecasts set segment_name = '{text}' || segment_key, stage_name = '{text}'",
        f"update forecast_versions set model = '{text}', reason = '{text}', is_abstaining = true",
        f"update forecast_candidates set model = '{text}', model_role = '{text}' where is_chosen",
        f"update forecast_calibration set model = '{text}' where model = 'logistic'",
        f"update feature_drift_monthly set feature = '{text}' || feature",
    )
    html = tables.page()
    page = Page(html)
    assert len(page.attributes("script")) == len(page.attributes("style")) == 1
    assert "alert(1)" not in page.text("script")
    assert page.text().count("<script>alert(1)</script>") > 50
    assert "{{ 7*7 }}" in page.text()
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or not re.fullmatch(r"[\w:-]+", name)]


def little(tables: Tables, segments: int) -> None:
    """Leave the so many most valuable segments, as if they were all."""
    kept = "select segment_key from segment_profiles order by revenue_share desc limit " + str(segments)
    for table in (
        "segment_traits",
        "segment_geography",
        "segment_profiles_monthly",
        "segment_stability",
        "segments",
        "segment_lifecycle_profiles",
        "segment_profiles",
    ):
        tables.change(f"delete from {table} where segment_key not in ({kept})")


def more(tables: Tables, segments: int) -> None:
    """Double segments under other keys until there are so many."""
    present = [key for (key,) in tables.query("select segment_key from segment_profiles order by segment_key")]
    for number in range(segments - len(present)):
        source, key = present[number % len(present)], f"copy_{number}"
        for table in (
            "segment_profiles",
            "segment_lifecycle_profiles",
            "segment_traits",
            "segment_geography",
            "segment_profiles_monthly",
            "segment_stability",
            "segments",
            "segment_outcomes",
        ):
            tables.change(
                f"insert into {table} select * replace ('{key}' as segment_key, 'Copy {number}' as segment_name) "
                f"from {table} where segment_key = '{source}'"
            )


@pytest.mark.parametrize(
    "segments", [pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow), 10]
)
def test_any_number_of_segments_is_shown(tables: Tables, segments: int) -> None:
    present = tables.query("select count(*) from segment_profiles")[0][0]
    assert isinstance(present, int)
    (little if segments < present else more)(tables, segments)
    html = tables.page()
    cards = re.findall(r'<article class="card ([\w-]+)"', html)
    assert len(cards) == len(set(cards)) == segments
    for (name,) in tables.query("select segment_name from segment_profiles"):
        assert str(name) in Page(html).text("h3")
    stages = html.count('<dl class="stages">\n<div>')
    assert stages == segments
    assert html.count('<span class="reach">') == tables.query("select count(*) from segment_lifecycle_profiles")[0][0]
    provable = "select count(is_doubling_detectable) from segment_lifecycle_profiles"
    assert html.count('<span class="proof">') == tables.query(provable)[0][0]


def test_first_figure_has_every_kind_at_every_stage(untouched: Untouched) -> None:
    figure = re.findall(r"<figure id=.*?</figure>", untouched.html, flags=re.S)[0]
    assert figure.startswith('<figure id="figure-kinds-by-stage"')
    rows = untouched.tables.query(
        "select segment_name, stage_name, customer_count, customer_share, revenue_share from segment_lifecycle_profiles"
    )
    assert len(rows) > 10
    for drawing in re.findall(r"<svg.*?</svg>", figure, flags=re.S):
        said = [found["data-tip"] for _, found in Page(drawing).elements if "data-tip" in found]
        names = {str(name) for name, *_ in rows}
        assert len(said) == 5 * (len(names) + 1)
        for name, stage, customers, people, revenue in rows:
            (tip,) = [tip for tip in said if tip.startswith(f"{name}, {stage}: ")]
            for written in (words.count(customers), words.share1(people), words.share1(revenue)):  # type: ignore[arg-type]
                assert written in tip
                assert written in Page(drawing).text()
    stage, share = untouched.tables.query(
        "select stage_name, sum(revenue_share) from segment_lifecycle_profiles group by 1 order by 2 desc limit 1"
    )[0]
    said_first = f"{words.share(share)} of all revenue so far came from customers who are {str(stage).lower()} today"  # type: ignore[arg-type]
    assert Page(figure).text("h3").startswith(said_first)


def test_stages_are_told_with_their_days(tables: Tables, untouched: Untouched) -> None:
    stages = tables.query("select from_days, until_days from lifecycle_boundaries order by stage_number")
    text = Page(untouched.html).text()
    assert f"new or active (up to {stages[0][1]} days), cooling ({stages[2][0]}–{stages[2][1]} days)" in text
    assert f"lapsed (from {stages[4][0]} days)" in text
    assert "The kinds are bands" in text or "The kinds are types" in text
    assert "These days are those of the customers who came back" in text
    assert "never the calendar" in text
    tables.change("update lifecycle_boundaries set boundary_source = 'default', return_share = null")
    assert "These days are those of the customers who came back" not in Page(tables.page()).text()
    tables.change(
        "update lifecycle_boundaries set boundary_source = 'return curve', return_share = stage_number * 0.1 "
        "where until_days is not null",
        "update segment_model set feature = 'recency_days' where feature = 'total_spend'",
    )
    text = Page(tables.page()).text()
    assert f"40% within {stages[3][1]} days." in text
    assert "never the calendar" not in text
    assert "or because time passes" in text


def test_stages_of_the_outcomes_are_sums_of_kinds_and_stages(untouched: Untouched) -> None:
    with open_tables(untouched.tables.path) as connection:
        rows = ask(connection, "outcomes").rows
    stages = {row["segment_key"]: row for row in rows if row["segmentation"] == "stages"}
    pairs = [row for row in rows if row["segmentation"] == "clusters_by_stage"]
    assert set(stages) == {str(row["segment_key"]).rpartition(":")[2] for row in pairs}
    for key, stage in stages.items():
        parts = [row for row in pairs if str(row["segment_key"]).endswith(f":{key}")]
        for column in ("customer_count", "ordered_again_count"):
            assert stage[column] == sum(part[column] for part in parts)
        assert 0 <= stage["ordered_again_low"] <= stage["ordered_again_share"] <= stage["ordered_again_high"] <= 1
    # The interval is the one that the tables have.
    everybody = next(row for row in rows if row["segmentation"] == "everybody")
    assert sum(stage["customer_count"] for stage in stages.values()) == everybody["customer_count"]


def test_several_orders_of_one_day_are_no_return(untouched: Untouched) -> None:
    days, orders = untouched.tables.query(
        "select avg((purchase_day_count > 1)::int), avg((order_count > 1)::int) from customer_segments"
    )[0]
    assert days < orders  # type: ignore[operator]
    text = Page(untouched.html).text()
    assert f"{words.share(days)} have come back: they bought on another day too" in text  # type: ignore[arg-type]
    assert f"{words.share(orders)} have placed more than one order" in text  # type: ignore[arg-type]


# Forecasts.


def forecast_section(html: str) -> str:
    found = re.search(r'<section id="forecast".*?</section>', html, flags=re.S)
    assert found is not None
    return found.group(0)


def test_forecasts_are_told_with_how_modest_they_are(tables: Tables) -> None:
    make_up(tables.path)
    html = forecast_section(tables.page())
    page = Page(html)
    text = page.text()
    ((orders, revenue, customers),) = tables.query(
        "select sum(expected_orders), sum(expected_revenue)::double, sum(customer_count) from segment_forecasts"
    )
    expected = f"{words.count(orders)} orders and {Shop().money(revenue)} are to be expected"  # type: ignore[arg-type]
    assert f"{expected} within 90 days from the {customers:,} customers" in page.text("h3")
    assert "The forecasts are by logistic regression, fitted on 31 August 2018." in text
    assert "judged on 2 past dates, from 30 April 2018 to 31 May 2018" in text
    assert "right one first 61 times in 100; a coin would do so 50 times, the best rule of thumb 59 times" in text
    assert "That ranking is modest." in text
    assert "ordered 2.3 times as often as everybody (2.40% against 0.84%), and yet 98% of that tenth did not" in text
    assert "not to tell who will order" in text
    assert "forecasts abstain" not in text
    assert 'class="statement"' not in html
    assert "In 9 of 10 tenths the share expected is within the interval of what came" in text
    assert "On none of 2 past dates were the orders expected far off" in text
    assert "2 of 2 models met every bound; logistic regression was chosen" in text
    assert all(words.three(auc) in text for _, auc in MODELS.values())
    for group in tables.query("select expected_revenue::double, order_probability from segment_forecasts"):
        assert Shop().money(group[0]) in text  # type: ignore[arg-type]
        assert words.share2(group[1]) in text  # type: ignore[arg-type]
    for drawing in re.findall(r'<svg[^>]*aria-label="Dots of the share.*?</svg>', html, flags=re.S):
        tips = [found["data-tip"] for _, found in Page(drawing).elements if "data-tip" in found]
        assert [tip.split(":")[0] for tip in tips] == [f"Tenth {number}" for number in range(1, len(TENTHS) + 1)]


def test_forecasts_that_abstain_say_so_in_large_letters(tables: Tables) -> None:
    make_up(tables.path, is_abstaining=True)
    page = tables.page()
    assert "The forecasts abstain: no model could be trusted, so every customer has the past rate" in Page(page).text()
    html = forecast_section(page)
    (statement,) = re.findall(r'<p class="statement" role="note">(.*?)</p>', html)
    assert statement == (
        "The forecasts abstain: no model could be trusted here. Every customer has the past rate of a group, not a "
        "forecast of their own. The groups are those of a rule of thumb, “came back or not, and days since the last "
        f"purchase”. Reason: {REASON}."
    )
    text = Page(html).text()
    assert "None of 2 models could be trusted" in text
    assert "The forecasts are by" not in text
    assert "the best rule of thumb 59 times" not in text


def test_a_forecast_of_a_year_is_called_unchecked_unless_it_was_compared(tables: Tables) -> None:
    make_up(tables.path)
    year = "interval 365 day"
    tables.change(
        "update customer_forecasts_monthly set expected_orders_365_days = null "
        f"where as_of_date + {year} <= (select max(as_of_date) from as_of_dates)"
    )
    assert "an extrapolation which no history has checked" in Page(tables.page()).text()
    ((date, customers),) = tables.query(
        "select as_of_date::varchar, count(*) from customer_forecasts_monthly "
        "where as_of_date = '2017-08-31' group by 1"
    )
    ((came,),) = tables.query(
        "select count(distinct (customer_unique_id, purchase_date)) from purchases "
        f"inner join customer_forecasts_monthly as known using (customer_unique_id) where known.as_of_date = '{date}' "
        f"and purchase_date > known.as_of_date and purchase_date <= known.as_of_date + {year}"
    )
    tables.change(f"update customer_forecasts_monthly set expected_orders_365_days = 0.1 where as_of_date = '{date}'")
    ratio = words.decimals(customers * 0.1 / came)  # type: ignore[operator]
    text = Page(tables.page()).text()
    assert f"could be compared with what came on 1 date: they expected {ratio} times the orders" in text
    assert "no history has checked" not in text
    tables.change("update segment_forecasts set expected_orders_365_days = null, expected_revenue_365_days = null")
    assert "Nothing is said of 365 days" in Page(tables.page()).text()


def test_where_nothing_is_known_there_is_no_forecast(tables: Tables) -> None:
    make_up(tables.path, is_abstaining=True)
    tables.change(
        "update segment_forecasts set order_probability = null, expected_orders = null, expected_revenue = null, "
        "expected_orders_365_days = null, expected_revenue_365_days = null",
        *(
            f"delete from {table}"
            for table in ("forecast_candidates", "forecast_calibration", "forecast_drift_monthly")
        ),
    )
    html = tables.page()
    section = Page(forecast_section(html)).text()
    assert "There is no forecast. No date of the past has been followed long enough to learn from." in section
    assert "nobody can say how well the probabilities are calibrated" in section
    assert not re.search(r">(None|nan|NaN)<|\bNaN\b", html)


def test_tables_of_a_release_without_forecasts_make_the_page_without_them(tables: Tables) -> None:
    forecasts_of_the_page = load_layout()["parts"][0]["sections"]
    (section,) = [found for found in forecasts_of_the_page if found["anchor"] == "forecast"]
    tables.change(*(f"drop table {table}" for table in (*section["needs"], "customer_forecasts_monthly")))
    html = tables.page()
    assert 'id="forecast"' not in html
    assert 'href="#forecast"' not in html
    assert 'id="next"' in html


@pytest.mark.parametrize(
    ("auc", "called"),
    [
        (0.5, "hardly better than chance"),
        (0.58, "modest"),
        (0.7, "fair"),
        (0.8, "good"),
        (None, "nobody knows how well"),
    ],
)
def test_a_ranking_is_called_what_it_is(auc: float | None, called: str) -> None:
    fact = {
        "ranking_auc": auc,
        "date_count": 1,
        "first_date": date(2018, 1, 31),
        "last_date": date(2018, 1, 31),
        "rule_auc": None,
        "is_abstaining": False,
        "top_tenth_share": None,
        "everybody_share": None,
        "top_tenth_lift": None,
    }
    newest = {"as_of_date": date(2018, 1, 31), "order_ratio": 1.1, "drift_status": "in line"}
    (told,) = forecasts._ranking(fact, [newest])
    assert called in told
    assert ("not to tell who will order" in told) is (auc in (0.58, 0.7))
    assert ("not to choose customers" in told) is (auc == 0.5)
    assert ("to plan a budget" in told) is (auc in (0.5, 0.58, 0.7))
    (off,) = forecasts._ranking(fact, [newest | {"order_ratio": 1.6, "drift_status": "off"}])
    assert "to plan a budget" not in off
    if auc is not None:
        assert "1.10 orders were expected for each that came." in told
        assert "1.60 orders were expected for each that came: plan no budget by it." in off


def test_a_heading_names_the_period_where_it_is_no_quarter() -> None:
    assert forecasts.heading({"outcome_days": 90}) == forecasts.heading(None) == "What the next quarter brings"
    assert forecasts.heading({"outcome_days": 30}) == "What the next 30 days bring"


# What is taken away from the tables, and what the page then says; taken away together, to draw few pages.
EMPTYINGS: dict[str, list[tuple[str, str]]] = {
    "nothing but segments": [
        ("delete from maintenance_contract", "There is no maintenance contract in force."),
        ("delete from segment_ageing", "History is too short to tell how the segmentation ages"),
        ("delete from maintenance_backtest", "too short to check any promise"),
        ("delete from feature_drift_monthly", "No drift was measured."),
        ("delete from segment_share_drift_monthly", "No drift was measured."),
        (
            "update segment_stability set jaccard = null, jaccard_low = null, jaccard_high = null",
            "there was too little to cluster",
        ),
        ("delete from segment_migrations_monthly where is_move", "No customer has moved from one kind to another"),
        ("delete from lifecycle_moves_monthly where is_move", "No customer has moved from one stage to another"),
        ("delete from lifecycle_moves_monthly where is_move", "No customer has come back yet."),
        (
            "delete from segment_outcomes; delete from outcomes_of_everybody",
            "no date has been followed long enough yet",
        ),
        (
            "delete from segmentation_comparison; delete from segmentation_comparison_overall",
            "history is too short to tell whether kind and stage predict",
        ),
        ("update acquisition_cohorts set is_whole_month = false", "History is too short for cohorts."),
        ("update data_quality set affected_rows = 0", "about the raw files is broken"),
        (
            "update segment_profiles set meaning = null, recommended_action = null, channel = null, kpi = null, "
            "stop_rule = null, top_states = null, top_categories = null, avg_review_score = null",
            "None in the playbook yet.",
        ),
        ("delete from segment_candidates where not is_chosen", "1 of 1 candidate met every bound"),
        ("update segment_candidates set structure_gap = null", "1 of 1 candidate met every bound"),
        (
            "update delivery_satisfaction set avg_review_score = null, one_star_share = null, five_star_share = null",
            "No review is known yet",
        ),
        (
            "update segment_traits set segment_mean = null, customer_mean = null, z_score = 0 "
            "where feature = 'avg_review_score'",
            "No review is known, so nothing can be said about satisfaction.",
        ),
    ],
    "little history and bad news": [
        (
            "delete from segment_profiles_monthly where as_of_date < (select max(as_of_date) from as_of_dates)",
            "The shares of the kinds have not changed",
        ),
        ("delete from as_of_dates where not is_newest", "The shares of the kinds have not changed"),
        ("delete from segment_migrations_monthly", "No customer has moved"),
        (
            "update segmentation_comparison set ranking_auc = null, comparison_status = 'unknown'",
            "No month can be judged yet",
        ),
        (
            "update segment_candidates set is_eligible = false, reason = 'nothing was good enough'",
            "No candidate met every bound of the rule that chooses the segmentation",
        ),
        (
            "update maintenance_contract set is_broken_today = true, explanation = 'Refit early: a test wants it.'",
            "The maintenance contract asks for a refit. Refit early: a test wants it.",
        ),
        ("update segment_traits set z_score = 0", "No kind differs from the average"),
    ],
}


@pytest.mark.parametrize("case", EMPTYINGS)
def test_what_is_missing_is_said(tables: Tables, untouched: Untouched, case: str) -> None:
    before = Page(untouched.html).text()
    tables.change(*(statement for statement, _ in EMPTYINGS[case]))
    html = tables.page()
    after = Page(html).text()
    for _, said in EMPTYINGS[case]:
        assert said not in before
        assert said in after
    assert not re.search(r">(None|nan|NaN)<|\bNaN\b", html)


def test_tables_without_segments_are_refused(tables: Tables) -> None:
    tables.change("delete from segment_profiles")
    with pytest.raises(UserError, match="holds no segments yet"):
        tables.page()


def test_tables_of_an_older_build_are_refused(tables: Tables) -> None:
    tables.change("drop table acquisition_cohorts")
    with pytest.raises(UserError, match=r"acquisition_cohorts.*run dbt build"):
        tables.page()


# Where it reads and writes.


def test_published_tables_come_first_and_the_warehouse_when_asked(
    built: Warehouse, tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLIST_WAREHOUSE", str(built.path))
    assert choose_source(None) == tables.path
    assert choose_source("warehouse") == built.path
    tables.path.unlink()
    assert choose_source(None) == built.path
    with pytest.raises(UserError, match="nothing is published"):
        choose_source("published")
    monkeypatch.setenv("OLIST_WAREHOUSE", str(tables.path))
    with pytest.raises(UserError, match=r"neither published in .* nor in a warehouse"):
        choose_source(None)


@pytest.mark.slow
def test_warehouse_and_published_tables_give_the_same_figures(
    built: Warehouse, tables: Tables, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    of_published = tables.page()
    monkeypatch.setenv("OLIST_WAREHOUSE", str(built.path))
    # Where something is published, the warehouse would be compared with it.
    monkeypatch.setenv("OLIST_SERVING_DIR", str(tmp_path / "nothing-published"))
    file = tmp_path / "warehouse.html"
    assert main(["report", "--out", str(file), "--source", "warehouse"]) == 0
    assert file.read_text().replace(built.path.name, tables.path.name) == of_published


def test_command_says_what_it_wrote(tables: Tables, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "out.html"
    assert main(["report", "--out", str(file)]) == 0
    assert re.fullmatch(
        rf"Wrote '{re.escape(str(file))}' \(\d\.\d MB\), as of 20\d\d-\d\d-\d\d, "
        rf"from '{re.escape(str(tables.path))}'\.\n",
        capsys.readouterr().out,
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.html", "serving"]


def test_a_page_that_cannot_be_written_leaves_the_old_one(
    tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "report.html"
    file.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert main(["report", "--out", str(file)]) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert file.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "serving"]


@pytest.mark.parametrize("place", ["missing/report.html", "serving"])
def test_a_place_that_is_none_is_refused_in_one_sentence(
    tables: Tables, tmp_path: Path, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "--out", str(tmp_path / place)]) == 2
    assert "could not be written" in capsys.readouterr().err


def test_installed_package_holds_queries_and_templates() -> None:
    package = files("olist_segments.report")
    assert package.joinpath("templates", "report.html.j2").is_file()
    project = Path(__file__).resolve().parents[2]
    assert '"olist_segments.report" = ["queries/*.sql", "templates/*"]' in (project / "pyproject.toml").read_text()


# Colours and words.


@pytest.mark.parametrize("is_dark", [False, True])
def test_text_is_legible_on_every_ground(is_dark: bool) -> None:
    colours = palette.variables(is_dark)
    pairs = [(ink, ground) for ink in ("ink", "muted", "accent", "alarm") for ground in ("page", "panel")]
    pairs += [("ink", "alarm-soft"), ("alarm", "alarm-soft"), ("ink", "accent-soft")]
    pairs += [(name, name.removeprefix("on-")) for name in colours if name.startswith("on-")]
    assert len(pairs) > 20
    for ink, ground in pairs:
        assert palette.contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)


@pytest.mark.parametrize("is_dark", [False, True])
def test_marks_stand_out_from_the_page(is_dark: bool) -> None:
    colours = palette.variables(is_dark)
    for name in [*(name for name in colours if name.startswith("segment-")), "mark", "accent", "alarm"]:
        assert palette.contrast(colours[name], colours["page"]) >= 3, name


@pytest.mark.parametrize("colours", [palette.SEGMENTS_LIGHT, palette.SEGMENTS_DARK])
@pytest.mark.parametrize("vision", COLOUR_BLINDNESS)
def test_first_six_segments_are_told_apart_without_full_colour_vision(colours: tuple[str, ...], vision: str) -> None:
    for first, second in combinations(colours[:6], 2):
        seen = [as_seen(colour, np.array(COLOUR_BLINDNESS[vision])) for colour in (first, second)]
        assert np.linalg.norm(seen[0] - seen[1]) > 0.08, (first, second)


def as_seen(colour: str, vision: np.ndarray) -> np.ndarray:
    """Oklab coordinates (Ottosson 2020) of a colour as seen."""
    channels = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    cones = np.array([[0.41222, 0.53633, 0.05145], [0.2119, 0.6807, 0.1074], [0.0883, 0.28172, 0.62998]])
    lab = np.array([[0.21045, 0.79362, -0.00407], [1.978, -2.42859, 0.45059], [0.0259, 0.78277, -0.80868]])
    return lab @ np.cbrt(cones @ np.clip(vision @ linear, 0, 1))


def test_a_segment_keeps_its_colour_when_others_come() -> None:
    before = palette.assign(["a", "b"], ["a", "b"])
    after = palette.assign(["a", "b", "c"], ["c", "b"])
    assert after["b"] == before["b"]
    assert len(set(after.values())) == 3


def test_segments_of_today_have_colours_before_those_of_the_past() -> None:
    keys = [f"old{number}" for number in range(9)] + ["new1", "new2"]
    colours = palette.assign(keys, ["new1", "new2"])
    assert colours["new1"] == "var(--segment-1)"
    assert colours["old8"] == "var(--mark)"


def test_labels_of_a_chart_are_short_and_never_the_same() -> None:
    names = ["a" * 200, "a" * 199 + "b", "one two three four five six", "short"]
    labels = charts.wrapped(names, 10)
    assert len(set(labels.values())) == len(names)
    assert labels["short"] == "short"
    assert all(label.count("\n") <= 2 and len(label) < 36 for label in labels.values())


@given(st.floats(1e-6, 1e9), st.integers(2, 10))
def test_ticks_are_round_and_within_the_axis(highest: float, about: int) -> None:
    ticks = charts._ticks(highest, about)
    assert ticks[0] == 0
    assert ticks[-1] <= highest * (1 + 1e-6)
    assert 1 <= len(ticks) <= about + 2


@pytest.mark.parametrize(
    ("write", "value", "written"),
    [
        (words.share, 0.44, "44%"),
        (words.share, 0.0307, "3.1%"),
        (words.share, 0.0001, "under 0.1%"),
        (words.share, 0.0996, "10%"),
        (words.share, 0.0, "0%"),
        (words.share, 0.998, "99.8%"),
        (words.share, 0.99999, "over 99.9%"),
        (words.share, 1.0, "100%"),
        (words.share, None, "–"),
        (Shop().money, 7_004_440.92, "BRL 7.0 million"),
        (Shop().money, 999_700, "BRL 1.0 million"),
        (Shop().money, 969_627.23, "BRL 969,627"),
        (Shop().money, 2.5e9, "BRL 2.5 billion"),
        (words.decimals, -0.001, "0.00"),
        (words.decimals, -1.234, "−1.23"),
        (words.signed, 0.04, "0.0"),
        (words.signed, 1.06, "+1.1"),
        (words.signed, -0.3, "−0.3"),
        (words.day, date(2018, 8, 1), "1 August 2018"),
        (words.a_number, 2, "two"),
        (words.a_number, 11, "11"),
        (words.listed, ["a"], "a"),
        (words.listed, ["a", "b", "c"], "a, b and c"),
        (words.plain, True, "yes"),
    ],
)
def test_numbers_are_written_for_people(write: Callable[[object], str], value: object, written: str) -> None:
    assert write(value) == written
