"""The report and the summary about campaigns: what the tables say, and nothing where there are none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from campaigns_told import FINDING, FINISHED, RUNNING, TABLES, make_up
from olist_segments.report import charts
from olist_segments.serving.summary import summary
from reports import HOSTILE, Page, Tables
from warehouses import Warehouse


@pytest.fixture
def tables(built: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tables:
    return Tables.read_alone(built, tmp_path, monkeypatch)


def section(html: str) -> str:
    found = re.search(r'<section id="campaigns".*?</section>', html, flags=re.S)
    assert found is not None
    return found.group(0)


def test_campaigns_are_told_with_their_intervals_and_warnings(tables: Tables) -> None:
    make_up(tables.path)
    html = tables.page()
    page = Page(section(html))
    told = page.text()
    assert f"{RUNNING} has been running since 31 July 2018, with 3,000 customers, 600 of them held out." in told
    assert "It will be complete on 29 October 2018; orders are known until 31 August 2018." in told
    assert "decide nothing by them" in told
    assert f"{FINISHED}, 31 March 2018 to 29 June 2018: {FINDING}" in told
    assert (
        "the best rule is to give each kind and stage the arm that did best there (2 groups get one). It brings "
        "BRL 5.30 per customer more than writing to nobody (95% interval 1.20 to 9.40), BRL 15,900 in all." in told
    )
    assert told.count(": the best rule is") == 1
    assert "One of 2 finished arms earned what the campaign was launched for; 1 is still running" in told
    # The promised outcome is the first choice.
    labels = [found["data-label"] for found in page.attributes("div") if "data-label" in found]
    assert labels[:3] == ["Share who ordered", "Revenue per customer", "Stars of reviews"]
    assert "None of 27 groups looked at stands out" in told
    assert "Whoever looks at 27 groups finds about 1 that stand out by chance alone. 12 have an interval" in told
    assert "Arms were even: nothing differs by more than 0.03 standard deviations" in told
    drawn = " ".join(found["aria-label"] for found in page.attributes("svg"))
    assert f"{FINISHED}, voucher: +3.00 points." in drawn
    assert f"{FINISHED}, voucher: +4.80 BRL." in drawn
    assert '<a href="#campaigns">What campaigns earned</a>' in html
    for table in ("campaign_results", "campaign_balance", "policy_value"):
        assert f"<code>{table}</code>" in section(html)


@pytest.mark.slow
def test_a_group_stands_out_where_it_does_so_after_allowing_for_many_looks(tables: Tables) -> None:
    make_up(tables.path)
    tables.change(
        "update campaign_results set adjusted_p_value = 0.01 "
        "where campaign = 'winter-vouchers' and arm = 'voucher' and segment_key = 'loyal_repeaters' and stage_key = ''"
    )
    html = section(tables.page())
    assert "Of 27 groups looked at, one stands out" in Page(html).text()
    assert html.count("+7.50 points *<") == 2


def test_a_rule_without_proof_is_told_as_one(tables: Tables) -> None:
    make_up(tables.path)
    tables.change("update policy_value set gain_low = -1 where policy <> 'nobody'")
    told = Page(section(tables.page())).text()
    assert "no rule is proved to be better than writing to nobody." in told
    assert ": the best rule is" not in told


@pytest.mark.slow
def test_running_campaigns_alone_have_no_verdict(tables: Tables) -> None:
    make_up(tables.path)
    for table in ("campaigns", "campaign_results", "campaign_balance", "policy_value"):
        tables.change(f"delete from {table} where campaign = '{FINISHED}'")
    told = Page(section(tables.page())).text()
    assert "1 arm of campaigns is still running" in told
    assert ": the best rule" not in told


def test_what_an_action_earned_last_time_stands_in_the_card_of_its_stage(tables: Tables) -> None:
    make_up(tables.path)
    page = tables.page()
    cards = re.findall(r"<article.*?</article>", page, flags=re.S)
    words = (
        "Last time (winter-vouchers, voucher, from 31 March 2018, 412 customers): "
        "no proof either way: between BRL -300 and BRL 4,500"
    )
    assert [words in Page(card).text() for card in cards].count(True) == 1
    (card,) = [card for card in cards if words in Page(card).text()]
    assert "Satisfied big spenders" in card
    assert page.count("Last time (") == 1


@pytest.mark.parametrize("state", ["empty", "earlier release"])
def test_nothing_is_said_where_there_are_no_campaigns(tables: Tables, state: str) -> None:
    make_up(tables.path)
    tables.change(*(f"{'delete from' if state == 'empty' else 'drop table'} {table}" for table in TABLES))
    html = tables.page()
    assert 'id="campaigns"' not in html
    assert "#campaigns" not in html
    assert "What campaigns earned" not in html
    assert "Last time" not in html
    assert "Campaigns:" not in summary()


def test_too_few_customers_are_told_and_draw_no_interval(tables: Tables) -> None:
    make_up(tables.path)
    interval = "difference_low = null, difference_high = null, p_value = null, adjusted_p_value = null"
    tables.change(
        f"update campaign_results set {interval}, verdict = 'too few', verdict_sentence = 'too few customers to tell'",
        "update policy_value set gain_per_customer = null, gain_low = null, gain_high = null",
        "update campaign_balance set standardised_difference = null, is_balanced = null",
    )
    told = Page(section(tables.page())).text()
    assert "No campaign has kinds or stages with enough customers on both sides to compare." in told
    assert "No campaign has enough customers to say whom to write to next time." in told
    assert "too few customers to tell" in told


def test_hostile_names_are_text(tables: Tables) -> None:
    make_up(tables.path)
    text = HOSTILE.replace("'", "''")
    tables.change(
        *(f"update {table} set campaign = campaign || '{text}'" for table in TABLES),
        f"update campaigns set finding = '{text}'",
        f"update campaign_results set arm = '{text}', segment_name = '{text}', verdict_sentence = '{text}'",
        f"update campaign_balance set arm = '{text}', feature = '{text}'",
        f"update policy_value set policy = '{text}' where policy = 'everybody voucher'",
        f"update campaign_playbook set arm = '{text}', verdict_sentence = '{text}' where arm is not null",
    )
    page = Page(tables.page())
    assert len(page.attributes("script")) == len(page.attributes("style")) == 1
    assert "alert(1)" not in page.text("script")
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")]


def test_the_summary_has_one_line_about_campaigns(tables: Tables) -> None:
    make_up(tables.path)
    lines = [line for line in summary().splitlines() if line.startswith("Campaigns:")]
    assert lines == [f"Campaigns: running: {RUNNING} until 2018-10-29; the last to end, {FINISHED}: {FINDING}."]
    tables.change(f"delete from campaigns where campaign = '{FINISHED}'")
    assert f"Campaigns: running: {RUNNING} until 2018-10-29." in summary()


@pytest.mark.parametrize(("low", "high"), [(-1, 5), (0, 0.3), (-40, 0), (-0.004, 0.002)])
def test_ticks_around_zero_are_round_and_within_the_axis(low: float, high: float) -> None:
    ticks = charts.ticks_around_zero(low, high, 7)
    assert 0 in ticks
    assert low <= min(ticks) <= max(ticks) <= high
    assert 3 <= len(ticks) <= 12
