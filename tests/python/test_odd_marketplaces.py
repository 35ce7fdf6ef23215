"""Marketplaces that are legal and odd pass a whole build with all its tests, and every command reads the result."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from faults import (
    ALL,
    CATEGORIES,
    CUSTOMERS,
    FILES,
    GEOLOCATION,
    ITEMS,
    ORDERS,
    PAYMENTS,
    PRODUCTS,
    REVIEWS,
    SELLERS,
    Project,
    Run,
    assert_totals_tie,
)
from nights import SETTINGS
from olist_segments.cli import main

# What a build does with ids and names must not depend on what stands in them.
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'); drop table orders; --",
    "=cmd|' /C calc'!A0",
    "@SUM(1;2)",
    "+1;2,3\n-4",
    "{{ 7 * 7 }}{% raw %}",
    "\u202eabc\u0000def".replace("\u0000", "\u001b[2J"),
    "${7*7}`id`",
)

Text = Callable[[int], str]


def marketplace(
    count: int, person: Text, moment: Text, price: Text = lambda i: "50.00", mark: str = ""
) -> dict[str, str]:
    """The nine files of `count` delivered orders of one item each; with `mark` every id and text ends in it."""
    rows: dict[str, list[list[object]]] = {name: [] for name in (ORDERS, CUSTOMERS, ITEMS, PAYMENTS, REVIEWS)}
    later = "2018-12-0{} 10:00:00"
    for i in range(count):
        order, customer = f"o{i}{mark}", f"c{i}{mark}"
        moments = [moment(i), moment(i), moment(i), later.format(1), later.format(9)]
        rows[ORDERS].append([order, customer, "delivered", *moments])
        rows[CUSTOMERS].append([customer, person(i), "01003", f"sao paulo{mark}", "SP"])
        rows[ITEMS].append([order, 1, f"g1{mark}", f"s1{mark}", moment(i), price(i), "5.00"])
        rows[PAYMENTS].append([order, 1, f"boleto{mark}", 1, price(i)])
        rows[REVIEWS].append([f"r{i}{mark}", order, 5 - i % 5, mark, mark, later.format(2), later.format(3)])
    rows[PRODUCTS] = [[f"g1{mark}", f"perfumaria{mark}", 40, 287, 1, 225, 16, 10, 14]]
    rows[SELLERS] = [[f"s1{mark}", "13023", f"campinas{mark}", "SP"]]
    rows[CATEGORIES] = [[f"perfumaria{mark}", f"perfumery{mark}"]]
    files = dict(FILES)
    for name, table in rows.items():
        stream = io.StringIO(newline="")
        csv.writer(stream, lineterminator="\n").writerows(table)
        files[name] = FILES[name].splitlines()[0] + "\n" + stream.getvalue()
    return files


def spread(i: int) -> str:
    return f"2018-{1 + i % 8:02d}-{1 + i % 28:02d} {i % 24:02d}:00:00"


def january(i: int) -> str:
    return "2018-01-10 10:00:00"


def build(project: Project, files: dict[str, str], is_the_full_export: bool = False) -> Run:
    """A whole build with all data tests; it names the full export only where the files are taken for it."""
    project.write_all(files)
    run = project.run(*ALL, command="build", settings=SETTINGS, options=["--exclude-resource-type", "unit_test"])
    assert run.success, run.sentences
    assert "Traceback" not in run.log
    assert any("Kaggle" in str(warning) for warning in run.warnings) is is_the_full_export
    assert_totals_tie(project)
    ((customers, scored),) = project.query(
        "select (select count(*) from customer_features), (select count(*) from customer_segments)"
    )
    assert customers == scored > 0
    return run


def reason_for_segments(project: Project) -> str:
    return str(project.query("select reason from segment_versions where is_in_force")[0][0])


def outputs(project: Project, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> tuple[str, str, str]:
    """What the commands print, the report and a campaign list; none ends in a stack trace."""
    project.point_commands_here()
    capsys.readouterr()
    (key,) = project.query("select segment_key from segment_profiles order by customer_count desc, segment_key")[0]
    assert main(["summary"]) == 0
    assert main(["contract"]) in (0, 3)
    assert main(["report", "--out", str(tmp_path / "report.html")]) == 0
    assert main(["audience", key, "--out", str(tmp_path / "list.csv")]) == 0
    printed = capsys.readouterr()
    assert "Traceback" not in printed.out + printed.err
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    return printed.out, report, (tmp_path / "list.csv").read_bytes().decode("utf-8-sig")


@pytest.mark.slow
def test_one_order_only(project: Project, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    build(project, marketplace(1, lambda i: "p", january))

    reason = reason_for_segments(project)
    assert reason == "one segment of everybody: 1 customers are fewer than 200, too few to cluster"
    assert reason in outputs(project, capsys, tmp_path)[0]


@pytest.mark.slow
def test_all_customers_alike(project: Project, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    files = marketplace(250, lambda i: f"p{i}", january)
    files[REVIEWS] = FILES[REVIEWS].splitlines()[0] + "\nr,o0,5,,,2018-12-02 00:00:00,2018-12-03 10:00:00\n"

    build(project, files)

    reason = reason_for_segments(project)
    assert reason == "one segment of everybody: no feature varies among the 250 customers"
    assert reason in outputs(project, capsys, tmp_path)[0]


def with_gaps(files: dict[str, str], mark: str) -> dict[str, str]:
    """Of each file that grows with the orders another row lacks each value; the others get a row of a key alone."""
    lacking = {
        ORDERS: [2, 3, 4, 5, 6, 7],
        CUSTOMERS: [2, 3, 4],
        ITEMS: [2, 3, 4],
        PAYMENTS: [2, 3],
        REVIEWS: [2, 3, 4, 5, 6],
    }
    others = {f"g1{mark}": "g2", f"s1{mark}": "s2"}
    gaping = dict(files)
    for name, columns in lacking.items():
        header, *rows = csv.reader(io.StringIO(files[name], newline=""))
        for row, column in zip(rows, columns, strict=False):
            row[column] = ""
        if name == ITEMS:
            rows[:40] = [[others.get(value, value) for value in row] for row in rows[:40]]
        stream = io.StringIO(newline="")
        csv.writer(stream, lineterminator="\n").writerows([header, *rows])
        gaping[name] = stream.getvalue()
    gaping[PRODUCTS] += "g2,,,,,,,,\n"
    gaping[SELLERS] += "s2,,,\n"
    gaping[GEOLOCATION] += "01004,,,,\n"
    gaping[CATEGORIES] += "novidades,\n"
    return gaping


@pytest.mark.slow
def test_hostile_text_missing_values_and_a_customer_of_ten_thousand_orders_at_the_highest_price(
    project: Project, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Text from data never becomes markup, SQL, a formula or a template."""
    mark = "".join(HOSTILE)
    persons = [f"{HOSTILE[i % len(HOSTILE)]}{i}" for i in range(260)]

    def price(i: int) -> str:
        return "10000000.00" if i >= 270 else f"{20 + i % 90}.00"

    def person(i: int) -> str:
        return "busy" if i >= 270 else persons[i % 260]

    run = build(project, with_gaps(marketplace(10_270, person, spread, price, mark), mark))

    assert project.query(
        "select total_spend, lifetime_purchase_count from customers where customer_unique_id = 'busy'"
    ) == [(10_000 * (10_000_000 + 5), 10_000)]

    counted = dict(
        project.query("select table_name || ' ' || rule_name, affected_rows from data_quality where affected_rows > 0")
    )
    rules = {name.split(" ")[1] for name in counted}
    assert {rule for rule in rules if rule.startswith("missing_")} == {
        *("missing_order_status", "missing_purchase_time", "missing_promised_date", "missing_zip_code_prefix"),
        *("missing_city", "missing_state", "missing_product_id", "missing_seller_id", "missing_shipping_limit"),
        *("missing_payment_type", "missing_installments", "missing_review_score", "missing_survey_date"),
        *("missing_answer_time", "missing_coordinates", "missing_english_name"),
    }
    assert all(count == 1 for name, count in counted.items() if " missing_" in name)
    undated = "select order_status, purchase_date, is_valid_purchase from orders where starts_with(order_id, 'o1<')"
    assert project.query(undated) == [("delivered", None, False)]

    assert not any(person in run.log_file for person in persons), "the log names no person"
    found = {row[0] for row in project.query("select customer_unique_id from customer_segments")}
    assert found == {*persons, "busy"}
    printed, report, campaign = outputs(project, capsys, tmp_path)
    assert "\u001b" not in printed
    for text in HOSTILE[:2]:
        assert text not in report
    rows = list(csv.DictReader(io.StringIO(campaign, newline="")))
    assert rows
    for row in rows:
        assert not any(
            part.lstrip()[:1] in tuple("=+-@") for cell in row.values() for part in cell.splitlines() if part.strip()
        )


def test_deliveries_and_answers_that_are_mistyped_are_as_unknown_as_those_that_are_missing(project: Project) -> None:
    """Neither the date that features are known at nor any feature of anybody follows a mistyped year."""
    files = marketplace(40, lambda i: f"p{i % 30}", spread)
    delivery, answer = "2018-12-01 10:00:00", "2018-12-03 10:00:00"
    tables = []
    for moments in (("", ""), ("2081-12-01 10:00:00", "2016-12-01 10:00:00")):
        project.write_all(files)
        for moment in moments:
            project.replace(ORDERS, delivery, moment)
            project.replace(REVIEWS, answer, moment)
        run = project.run("+customer_features", "+data_quality")
        assert run.success, run.sentences
        tables.append(project.query("from customer_features_monthly order by all"))
        tables.append(project.query("select * exclude (review_count) from orders order by all"))
    assert tables[:2] == tables[2:]
    counted = project.query(
        "select rule_name, sum(affected_rows) from data_quality where rule_name in ('delivered_before_purchase', "
        "'delivered_long_after_purchase', 'review_answered_before_purchase', 'review_answered_long_after_purchase') "
        "group by 1"
    )
    assert len(counted) == 4
    assert {count for _, count in counted} == {1}


def test_months_in_which_nobody_is_known_are_told_in_one_sentence(project: Project) -> None:
    # The one customer bought a year after the months of history, whose orders are of no customer.
    files = marketplace(161, lambda i: "p", lambda i: spread(i) if i else "2019-09-10 10:00:00")
    files[CUSTOMERS] = "".join(files[CUSTOMERS].splitlines(keepends=True)[:2])
    project.write_all(files)

    run = project.run("+fit_segment_candidates")

    assert not run.success
    assert "Traceback" not in run.log
    assert run.sentences[-1].endswith(
        "nobody bought anything in the months that history runs over (table order_months): there is nobody to segment; "
        "look at the dates and the customers of the orders."
    )
