"""What people read of a shop that is not Olist: its currency, and no word of what it does not have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from campaigns_told import make_up
from olist_segments.report import figures
from olist_segments.report.figure import Tables as FigureTables
from olist_segments.report.page import _came_back, _left_out, load_layout
from olist_segments.serving.contract import read_contract, render
from olist_segments.serving.summary import summary
from olist_segments.serving.tables import open_tables
from olist_segments.shop import Shop, read_shop
from other_shops import ALL_FLAGS, make_plain, tell
from reports import Page, Tables
from warehouses import Warehouse

# What is never said of a shop without; "promised agreement" is the contract's.
FORBIDDEN = re.compile(
    r"review|\bstars?\b|★|satisf|happy|deliver|\blate\b|parcel|freight|payment|categor|\bstates?\b|Brazil|marketplace|"
    r"seller|promised (day|date)|BRL|olist",
    re.IGNORECASE,
)


@pytest.fixture
def tables(built: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tables:
    return Tables.read_alone(built, tmp_path, monkeypatch)


def said(html: str) -> str:
    """Every word that a reader of the page sees or hears; names of tables and queries are not words."""
    page = Page(html)
    words = [words for tag, words in page.words if tag not in ("style", "script", "code")]
    words += [found.get(name, "") for _, found in page.elements for name in ("aria-label", "data-tip", "data-label")]
    return "\n".join(words)


def test_a_shop_without_them_is_told_no_word_of_reviews_deliveries_and_regions(tables: Tables) -> None:
    before = said(tables.page())
    make_plain(tables.path)
    make_up(tables.path)
    tables.change(
        "update campaign_results set value = null, holdout_value = null, difference = null, difference_low = null, "
        "difference_high = null where outcome = 'review_score'",
        "update campaign_balance set mean = null, holdout_mean = null, standardised_difference = null "
        "where feature = 'avg_review_score'",
        "update campaign_playbook set verdict_sentence = 'earned between GBP 1 and GBP 2' where arm is not null",
        "update campaigns set segment_names = 'Big baskets'",
    )
    html = tables.page()
    words = said(html)
    assert [line for line in words.splitlines() if FORBIDDEN.search(line)] == []
    # The list finds them where they are.
    found = [match.group().lower() for match in FORBIDDEN.finditer(before)]
    assert len(found) > 100
    assert {"review", "stars", "satisf", "deliver", "late", "parcel", "states", "brl", "marketplace"} <= set(found)
    assert not re.search(r"<section id=\"(delivery|map)\"|href=\"#(delivery|map)\"", html)
    assert "GBP" in words
    assert "the shop has" in words
    assert "whose time zone nobody told" in words
    assert "fixed limits on recency and frequency, and by fifths of spend" in words
    assert "fixed limits on recency, frequency and spend" in before
    assert "The kind says how often they buy and for how much; only they" in words
    assert "becomes another kind after a purchase." in words
    for text in (summary(), *(render(read_contract(), form) for form in ("text", "md"))):
        # They end with the path of the tables, which is the test's.
        told = text.replace(str(tables.path), "")
        assert not FORBIDDEN.search(told), told
        assert "GBP" in told


def test_amounts_stand_bare_where_nobody_told_the_currency(tables: Tables) -> None:
    make_plain(tables.path, None)
    words = said(tables.page())
    assert "amounts without a currency, which nobody told" in words
    assert not re.search(r"None (?!of|in)|None$|BRL|\(\)|, ,", words, flags=re.M)
    assert re.search(r"^spend so far$", words, flags=re.M)
    assert "None" not in summary()
    assert "spend each" in summary()
    assert "of spend" in render(read_contract(), "text")
    assert "who stand for |" in render(read_contract(), "md")


@pytest.mark.slow
def test_regions_that_are_no_states_of_brazil_are_bars(tables: Tables) -> None:
    flags = [flag for flag in ALL_FLAGS if flag != "has_states_of_brazil"]
    tell(tables.path, "invoices", "GBP", "Europe/London", *flags)
    tables.change(
        "update segment_geography set state = 'Country ' || state, state_name = state, region = 'unknown'",
        "insert into segment_geography select * replace ('unknown' as state, 1 as customer_count) "
        "from segment_geography limit 1",
    )
    html = tables.page()
    assert 'id="figure-states"' not in html
    assert 'id="figure-states-by-segment"' not in html
    (figure,) = re.findall(r'<figure id="figure-regions".*?</figure>', html, flags=re.S)
    told = said(figure)
    regions = tables.query("select state, sum(customer_count) from segment_geography group by 1 order by 2 desc, 1")
    named = [name for name, _ in regions if name != "unknown"]
    assert len(named) > 17
    for name in named[:15]:
        assert f"{name}: " in told
    assert f"{len(named) - 15} other regions: " in told
    assert "not known: " in told
    assert re.match(r"Country SP has \d+% of the customers, the first three regions \d+%", Page(figure).text("h3"))
    assert f"{len(named)} regions, as the shop’s files name them." in said(html)
    assert not re.search(r"Brazil|\bstates\b", said(html))


def test_bars_of_regions_are_as_many_as_there_are() -> None:
    def finding(count: int) -> str:
        rows = [
            {"region": f"R{number:02}", "as_of_date": None, "customer_count": 10, "customer_share": 1 / count}
            for number in range(count)
        ]
        answers = {"regions": type("Answer", (), {"rows": rows})}
        found = figures.regions(FigureTables(answers, {}, None))  # type: ignore[arg-type]
        assert found is not None
        return found.alternative

    assert finding(1).count("%") == 1
    assert finding(16).count("%") == 16
    assert "2 other regions" in finding(17)
    assert finding(17).count("%") == 16


def test_the_header_tells_currency_and_time_zone(tables: Tables) -> None:
    tell(tables.path, "invoices", "GBP", "Europe/London", *ALL_FLAGS)
    words = said(tables.page())
    assert "Data of the connector invoices · amounts in GBP · days of Europe/London" in words
    tables.change("drop table shop")
    with open_tables(tables.path) as connection:
        assert read_shop(connection) == Shop()
    assert "Data of the connector olist · amounts in BRL · days of America/Sao_Paulo" in said(tables.page())


def test_flags_of_the_layout_are_those_of_the_table() -> None:
    layout = load_layout()
    sections = [section for part in layout["parts"] for section in part["sections"]]
    flags = {flag for spec in (*sections, *layout["figures"].values()) for flag in spec.get("shop", ())}
    flags |= {flag for spec in layout["figures"].values() for column in spec["columns"] for flag in column[3:]}
    assert flags
    assert {flag.removeprefix("not_") for flag in flags} <= {*ALL_FLAGS, "is_known"}


@pytest.mark.parametrize(
    ("came", "several", "told"),
    [
        (650, 650, "Of 1,000 customers, 65% have come back: they bought on another day too."),
        (650, 652, "Of 1,000 customers, 65% have come back: they bought on another day too."),
        (30, 33, "day too. 3.3% have placed more than one order, but some placed all of them on one day"),
    ],
)
def test_coming_back_is_told_by_its_numbers(came: int, several: int, told: str) -> None:
    row = {
        "customer_count": 1000,
        "came_back_count": came,
        "came_back_share": came / 1000,
        "several_orders_count": several,
        "several_orders_share": several / 1000,
    }
    assert told in _came_back(row)
    assert ("one day, which is one visit" in _came_back(row)) is (several == 33)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "Of 10 orders, 2 are not purchases: canceled, refunded or without items."),
        ({"invalid_statuses": None}, "Of 10 orders, 2 are not purchases: without items."),
        (
            {"invalid_order_count": 1, "empty_order_count": 0},
            "Of 10 orders, 1 is not a purchase: canceled or refunded.",
        ),
        (
            {"invalid_order_count": 0, "empty_order_count": 0, "invalid_statuses": None},
            "10 orders, and every one is a purchase.",
        ),
    ],
)
def test_what_is_no_purchase_is_told_by_its_status(changes: dict[str, object], told: str) -> None:
    row = {
        "order_count": 10,
        "invalid_order_count": 2,
        "invalid_statuses": ["canceled", "refunded"],
        "empty_order_count": 1,
        "outside_purchase_count": 0,
        "first_month": None,
    }
    assert _left_out(row | changes) == told


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [(0, 6, "up to 6 days"), (0, 1, "up to 1 day"), (7, 7, "7 days"), (7, 30, "7–30 days"), (31, None, "from 31 days")],
)
def test_boundaries_of_stages_may_be_days(low: int, high: int | None, told: str) -> None:
    assert figures.boundaries({"from_days": low, "until_days": high}) == told


def test_amounts_have_the_code_in_front() -> None:
    pounds, unknown = Shop(currency="GBP"), Shop(currency=None)
    assert [pounds.amount(12.3), pounds.money(7_004_440), pounds.amount(None)] == ["GBP 12.30", "GBP 7.0 million", "–"]
    assert [unknown.amount(12.3), unknown.money(350.4), unknown.in_currency] == ["12.30", "350", ""]
    assert Shop(has_reviews=False).has("not_has_reviews", "has_freight")
    assert not Shop(has_reviews=False).has("has_freight", "has_reviews")


@pytest.mark.slow
def test_kinds_with_the_clock_are_not_said_to_be_without(tables: Tables) -> None:
    before = said(tables.page())
    assert "what the interval would be if the kinds depended on the calendar" in before
    tables.change(
        "update segment_model set feature = 'recency_days' where feature = 'avg_review_score'",
        "update maintenance_contract set refit_interval_days_with_recency = null",
        "delete from segment_ageing where variant = 'with recency'",
    )
    after = said(tables.page())
    assert "how often they buy, for how much, and how long ago they last bought." in after
    for words in ("with recency as well", "without the clock", "depended on the calendar", "the calendar alone"):
        assert words not in after.lower()
