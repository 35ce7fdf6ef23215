"""The tables of campaigns against what pandas, scipy and plain loops make of the same log, and refusals of the log."""

from __future__ import annotations

import datetime as dt
import math
import shutil
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import campaign_logs
import duckdb
import numpy as np
import pandas as pd
import pytest
from campaign_logs import DIGITS, digest, forget, log_rows, people_of, write_log
from marks import slow_after
from olist_segments.campaigns.inputs import forgotten_digest
from scipy import stats
from warehouses import FEW_CANDIDATES, SAMPLE, Warehouse

TODAY = dt.date(2018, 8, 31)
SPRING, SUMMER = dt.date(2018, 5, 31), dt.date(2018, 7, 31)
ROOM = ("build", "--select", "path:models/campaigns", "build_warnings")
FEATURES = (
    *("recency_days", "purchase_day_count", "total_spend", "avg_review_score", "late_delivery_share"),
    "order_probability",
)
GROUPS: dict[str, list[str]] = {
    "all": [],
    "kind": ["segment_key"],
    "stage": ["stage_key"],
    "kind_and_stage": ["segment_key", "stage_key"],
}
# Share who order, BRL each, and the score of their reviews.
PLANTED = {"holdout": (0.2, 100, 3), "voucher": (0.4, 100, 5), "letter": (0.2, 100, 3), "call": (0.08, 100, 1)}
ARMS = dict.fromkeys(PLANTED, 0.25)
FEW = 30


@dataclass(frozen=True)
class Campaigning:
    """A warehouse with campaigns, the log they were written to, and people of whom something was done.

    Frames are Any: what is done to them here is more than the stubs of pandas can follow.
    """

    warehouse: Warehouse
    data: Path
    log: Any
    lost: set[str]
    suppressed: list[str]
    output: str

    def table(self, name: str) -> Any:
        return self.warehouse.query(f"from {name}")


@pytest.fixture(scope="module")
def campaigning(built: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Campaigning:
    warehouse = Warehouse(tmp_path_factory.mktemp("campaigning"))
    shutil.copy(built.path, warehouse.path)
    everybody = people_of(built.path, SPRING)
    kind = everybody["segment_key"].value_counts().index[0]
    spring = log_rows(everybody, "spring", SPRING, ARMS)
    running = people_of(built.path, SUMMER, f"segments.segment_key = '{kind}'")
    few = everybody.iloc[100:140]
    elsewhere = {*running["customer_unique_id"], *few["customer_unique_id"]}
    is_alone = ~spring["customer_unique_id"].isin(elsewhere) & (spring["arm"] == "voucher")
    lost = set(spring.loc[is_alone, "customer_unique_id"].head(2))
    faded = log_rows(everybody, "faded", SPRING, {"holdout": 0.3, "voucher": 0.7}, outcome="revenue_per_customer")
    forgotten = set(faded.loc[~faded["customer_unique_id"].isin(lost), "customer_unique_id"].iloc[5:25])
    parts = [
        spring,
        log_rows(running, "summer", SUMMER, {"holdout": 0.5, "letter": 0.5}, priority=2),
        log_rows(few, "tiny", SPRING, {"holdout": 0.5, "letter": 0.5}, hour=9),
        forget(faded, forgotten),
        forget(log_rows(few, "all-forgotten", SPRING, {"holdout": 0.5, "letter": 0.5}), set(few["customer_unique_id"])),
    ]
    for rows in parts:
        write_log(warehouse.campaigns, rows)
    plant(warehouse, spring)

    data = tmp_path_factory.mktemp("data")
    for file in SAMPLE.iterdir():
        (data / file.name).symlink_to(file)
    customers = data / "olist_customers_dataset.parquet"
    customers.unlink()
    duckdb.execute(
        f"copy (select * from '{SAMPLE / customers.name}' where not list_contains(?, customer_unique_id)) to "
        f"'{customers}' (format parquet)",
        [sorted(lost)],
    )
    suppressed = sorted(set(everybody["customer_unique_id"].iloc[:3]) - lost)
    lines = [f"{suppressed[0]},asked to,2018-07-01", f'{suppressed[1]},"moved, abroad",', "nobody,unknown here,"]
    (data / "suppressed_customers.csv").write_text("\n".join(["customer_unique_id,reason,since", *lines]) + "\n")
    back = [suppressed[0], "somebody else"]
    (warehouse.campaigns / "forgotten.csv").write_text(
        "\n".join(["forgotten_digest,forgotten_on", *(f"{forgotten_digest(person)},2018-08-01" for person in back)])
    )
    output = warehouse.dbt(*ROOM, data=data, variables=FEW_CANDIDATES)
    log = pd.concat(parts, ignore_index=True)
    gone = log["customer_unique_id"].isin(lost)
    log.loc[gone] = forget(log[gone], lost)
    return Campaigning(warehouse, data, log, lost, suppressed[:2], output)


def plant(warehouse: Warehouse, rows: Any) -> None:
    """Orders and reviews of the planted shares, put in the place of all that came after the launch."""
    random = np.random.default_rng(7)
    orders: list[tuple[object, ...]] = []
    reviews: list[tuple[object, ...]] = []
    for arm, customer in zip(rows["arm"], rows["customer_unique_id"], strict=True):
        share, spend, score = PLANTED[arm]
        if random.random() >= share:
            continue
        for number in range(1 + (random.random() < 0.2)):
            order = f"planted-{len(orders)}"
            day = SPRING + dt.timedelta(days=int(random.integers(1, 91)))
            orders.append((order, customer, day, round(float(random.gamma(4, spend / 4)), 2)))
            if number == 0 and random.random() < 0.8:
                answered = dt.datetime.combine(day + dt.timedelta(days=int(random.integers(0, 10))), dt.time(12))
                reviews.append((f"review-{order}", order, int(np.clip(score + random.integers(-1, 2), 1, 5)), answered))
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.register("orders_in", pd.DataFrame(orders))
        connection.register("reviews_in", pd.DataFrame(reviews))
        connection.execute("delete from purchases where purchase_date > ?", [SPRING])
        connection.execute(
            "insert into purchases (order_id, customer_unique_id, purchase_date, order_total) select * from orders_in"
        )
        connection.execute("insert into reviews (review_id, order_id, review_score, answered_at) from reviews_in")


def expected_members(campaigning: Campaigning) -> Any:
    """The known rows of the log with what each did, by loops over orders."""
    by_customer, by_order = defaultdict[str, list[Any]](list), defaultdict[str, list[Any]](list)
    for order in campaigning.table("purchases").to_dict("records"):
        by_customer[order["customer_unique_id"]].append(order)
    for review in campaigning.table("reviews").to_dict("records"):
        by_order[review["order_id"]].append(review)
    found = []
    for row in campaigning.log.dropna(subset="customer_unique_id").to_dict("records"):
        until = min(row["as_of_date"] + dt.timedelta(days=int(row["outcome_days"])), TODAY)
        count, revenue, scores = 0, 0, []
        for order in by_customer[row["customer_unique_id"]]:
            if row["as_of_date"] < order["purchase_date"].date() <= until:
                count += 1
                revenue += round(order["order_total"] * 100)
                for review in by_order[order["order_id"]]:
                    if not pd.isna(review["review_score"]) and review["answered_at"].date() <= until:
                        scores.append(review["review_score"])
        score = sum(scores) / len(scores) if scores else math.nan
        found.append(
            row | {"until": until, "orders": count, "revenue": revenue / 100, "reviews": len(scores), "score": score}
        )
    return pd.DataFrame(found)


@pytest.fixture(scope="module")
def digests(campaigning: Campaigning) -> dict[str, str]:
    """Of all tables of the warehouse, which no test changes."""
    return campaigning.warehouse.table_digests()


@pytest.fixture(scope="module")
def members(campaigning: Campaigning) -> Any:
    return expected_members(campaigning)


def test_the_room_is_built_and_its_tests_pass(campaigning: Campaigning) -> None:
    assert "ERROR=0 SKIP=0" in campaigning.output
    counts = campaigning.table("campaigns").set_index("campaign")
    assert list(counts.index) == ["all-forgotten", "faded", "spring", "summer", "tiny"]
    logged = campaigning.log.groupby("campaign")
    assert counts["customer_count"].to_dict() == logged.size().to_dict()
    assert (
        counts["forgotten_count"].to_dict()
        == logged["customer_unique_id"].apply(lambda ids: ids.isna().sum()).to_dict()
    )
    assert counts["forgotten_count"].to_dict() == {
        "all-forgotten": 40,
        "faded": 22,
        "spring": 2,
        "summer": 0,
        "tiny": 0,
    }
    assert counts["is_complete"].to_dict() == dict.fromkeys(counts.index, True) | {"summer": False}
    assert set(counts.loc[["spring", "tiny"], "outcome_until"].dt.date) == {dt.date(2018, 8, 29)}
    assert counts.loc["summer", "observed_until"].date() == TODAY
    assert counts.loc["all-forgotten", "finding"] == "nobody of it is known any more"
    assert counts.loc["tiny", "finding"] == "letter: too few customers to tell"
    assert counts.loc["summer", "finding"].startswith("letter: so far between ")
    voucher = counts.loc["spring", "finding"].split("; ")[-1]
    assert voucher.startswith("voucher: earned between ")
    assert voucher.endswith(" customers who order")


def test_members_did_what_orders_and_reviews_say(campaigning: Campaigning, members: Any) -> None:
    built = campaigning.table("campaign_members")
    known = built[~built["is_forgotten"]].sort_values(["campaign", "customer_unique_id"], ignore_index=True)
    wanted = members.sort_values(["campaign", "customer_unique_id"], ignore_index=True)
    assert len(wanted) > 4_000
    for name in ("customer_unique_id", "arm", "stratum", "segment_key", "stage_name"):
        assert known[name].tolist() == wanted[name].tolist()
    assert [int(number) for number in known["draw_number"]] == [int(number) for number in wanted["draw_number"]]
    for name, other in (
        ("order_count", "orders"),
        ("revenue", "revenue"),
        ("review_count", "reviews"),
        ("review_score", "score"),
    ):
        np.testing.assert_allclose(known[name].astype(float), wanted[other].astype(float), rtol=1e-12)
    assert known["has_ordered"].tolist() == (wanted["orders"] > 0).tolist()
    for name in FEATURES:
        np.testing.assert_allclose(known[name].astype(float), wanted[name].astype(float))
    summer = set(campaigning.log.loc[campaigning.log["campaign"] == "summer", "customer_unique_id"])
    # Whoever is in the running one of higher priority was taken over from those that ran then.
    taken = known["customer_unique_id"].isin(summer) & (known["campaign"] != "summer")
    assert known["taken_over_by"].notna().tolist() == taken.tolist()
    assert taken.sum() > 100
    of_the_gone = built[built["is_forgotten"]]
    assert of_the_gone["arm"].value_counts().to_dict() == (
        campaigning.log.loc[campaigning.log["customer_unique_id"].isna(), "arm"].value_counts().to_dict()
    )
    kept = {
        "campaign",
        "arm",
        "arm_number",
        "is_holdout",
        "as_of_date",
        "observed_until",
        "is_complete",
        "is_forgotten",
    }
    assert of_the_gone.drop(columns=list(kept)).isna().all().all()


def newcombe(ordered: int, count: int, ordered_0: int, count_0: int) -> tuple[float, float, float]:
    """The interval of a difference of shares, and the p-value of the score test."""
    share, share_0 = ordered / count, ordered_0 / count_0
    here = stats.binomtest(ordered, count).proportion_ci(method="wilson")
    there = stats.binomtest(ordered_0, count_0).proportion_ci(method="wilson")
    p_value = 1.0
    if 0 < ordered + ordered_0 < count + count_0:
        table = [[ordered, count - ordered], [ordered_0, count_0 - ordered_0]]
        p_value = stats.chi2_contingency(table, correction=False).pvalue
    return (
        share - share_0 - math.hypot(share - here.low, there.high - share_0),
        share - share_0 + math.hypot(here.high - share, share_0 - there.low),
        p_value,
    )


def welch(values: Any, values_0: Any) -> tuple[float, float, float]:
    if values.nunique() == values_0.nunique() == 1:
        difference = values.iloc[0] - values_0.iloc[0]
        return difference, difference, float(difference == 0)
    test = stats.ttest_ind(values, values_0, equal_var=False)
    interval = test.confidence_interval(0.95)
    return interval.low, interval.high, test.pvalue


def score_limits_of_spend(values: Any, values_0: Any) -> tuple[float, float, float]:
    """A mean m of n customers may be any theta with |m - theta| <= 1.96 sqrt((theta * size - theta^2) / n)."""
    both = pd.concat([values, values_0])
    if both.sum() == 0:
        return math.nan, math.nan, math.nan
    size, z = (both**2).sum() / both.sum(), stats.norm.isf(0.025)

    def limits(mean: float, count: int) -> list[float]:
        return sorted(np.roots([1 + z**2 / count, -(2 * mean + z**2 * size / count), mean**2]).real)

    mean, mean_0, pooled = values.mean(), values_0.mean(), both.mean()
    (low, high), (low_0, high_0) = limits(mean, len(values)), limits(mean_0, len(values_0))
    error = math.sqrt((pooled * size - pooled**2) * (1 / len(values) + 1 / len(values_0)))
    difference = mean - mean_0
    return (
        difference - math.hypot(mean - low, high_0 - mean_0),
        difference + math.hypot(high - mean, mean_0 - low_0),
        2 * stats.norm.sf(abs(difference) / error),
    )


def test_results_are_those_of_scipy(campaigning: Campaigning, members: Any) -> None:
    members = members.assign(ordered=(members["orders"] > 0).astype(float))
    columns = {"ordered_share": "ordered", "revenue_per_customer": "revenue", "review_score": "score"}
    wanted: dict[tuple[str, ...], tuple[float, ...]] = {}
    for campaign, of_campaign in members.groupby("campaign"):
        for grouping, keys in GROUPS.items():
            grouped = of_campaign.groupby(keys) if keys else [((), of_campaign)]
            for key, group in grouped:
                named = dict(zip(keys, key, strict=True))
                for arm in sorted(set(group["arm"]) - {"holdout"}):
                    for outcome, column in columns.items():
                        values = group.loc[group["arm"] == arm, column].astype(float).dropna()
                        values_0 = group.loc[group["arm"] == "holdout", column].astype(float).dropna()
                        low, high, p_value = math.nan, math.nan, math.nan
                        if min(len(values), len(values_0)) >= FEW and outcome == "ordered_share":
                            low, high, p_value = newcombe(
                                int(values.sum()), len(values), int(values_0.sum()), len(values_0)
                            )
                        elif min(len(values), len(values_0)) >= FEW:
                            compare = score_limits_of_spend if column == "revenue" else welch
                            low, high, p_value = compare(values, values_0)
                        place = (
                            campaign,
                            arm,
                            outcome,
                            grouping,
                            named.get("segment_key", ""),
                            named.get("stage_key", ""),
                        )
                        figures = (len(values), len(values_0), values.mean(), values_0.mean(), low, high, p_value)
                        wanted[place] = figures
    results = campaigning.table("campaign_results")
    key = ["campaign", "arm", "outcome", "grouping", "segment_key", "stage_key"]
    names = [
        *("customer_count", "holdout_customer_count", "value", "holdout_value", "difference_low", "difference_high"),
        "p_value",
    ]
    found = results.set_index(key)[names].sort_index()
    compared = pd.DataFrame(wanted, index=names).T.rename_axis(key).sort_index()
    assert found.index.tolist() == compared.index.tolist()
    assert len(found) > 300
    np.testing.assert_allclose(found.astype(float), compared.astype(float), rtol=1e-7, atol=1e-9)

    for _, family in results.groupby(["campaign", "outcome", "grouping"]):
        tested = family.dropna(subset="p_value")
        if len(tested):
            adjusted = stats.false_discovery_control(tested["p_value"].astype(float))
            np.testing.assert_allclose(tested["adjusted_p_value"].astype(float), adjusted)
    totals = results[results["outcome"] != "review_score"]
    for column, part in (
        ("earned_total", "difference"),
        ("earned_low", "difference_low"),
        ("earned_high", "difference_high"),
    ):
        np.testing.assert_allclose(
            totals[column].astype(float), totals[part].astype(float) * totals["customer_count"], rtol=1e-12
        )
    assert results.loc[results["outcome"] == "review_score", "earned_total"].isna().all()


def test_what_was_planted_is_found_and_nothing_else(campaigning: Campaigning) -> None:
    results = campaigning.table("campaign_results")
    spring = results[(results["campaign"] == "spring") & (results["grouping"] == "all")].set_index(["outcome", "arm"])
    for outcome in ("ordered_share", "revenue_per_customer", "review_score"):
        assert spring.loc[(outcome, "voucher"), "verdict"] == "earned"
        assert spring.loc[(outcome, "call"), "verdict"] == "harmed"
        assert spring.loc[(outcome, "letter"), "verdict"] == "no proof"
        low, high = spring.loc[(outcome, "voucher"), ["difference_low", "difference_high"]]
        planted = PLANTED["voucher"], PLANTED["holdout"]
        if outcome == "ordered_share":
            assert low < planted[0][0] - planted[1][0] < high
    sentences = spring["verdict_sentence"]
    assert sentences[("revenue_per_customer", "voucher")].startswith("earned between BRL ")
    assert sentences[("revenue_per_customer", "call")].startswith("harmed: cost between BRL ")
    assert sentences[("ordered_share", "letter")].startswith("no proof either way: between -")
    assert sentences[("review_score", "voucher")].endswith(" points of the mean review score")
    assert set(results.loc[results["campaign"] == "summer", "verdict"]) == {"running"}
    assert set(results.loc[results["campaign"] == "tiny", "verdict"]) == {"too few"}
    groups = results[(results["campaign"] == "spring") & (results["grouping"] != "all")]
    doubtful = groups["verdict"].isin(["earned", "harmed"]) & (groups["adjusted_p_value"] > 0.05)
    assert groups["verdict_sentence"].str.contains("may be chance").tolist() == doubtful.tolist()


def test_balance_is_the_difference_in_standard_deviations(campaigning: Campaigning, members: Any) -> None:
    balance = campaigning.table("campaign_balance").set_index(["campaign", "arm", "feature"])
    assert len(balance) == 6 * (3 + 1 + 1 + 1)
    for (campaign, arm, feature), row in balance.iterrows():
        sides = []
        for name in (arm, "holdout"):
            is_in = (members["campaign"] == campaign) & (members["arm"] == name)
            sides.append(members.loc[is_in, feature].astype(float).dropna())
        assert (row["customer_count"], row["holdout_customer_count"]) == (len(sides[0]), len(sides[1]))
        means, variances = [side.mean() for side in sides], [side.var() for side in sides]
        assert (row["mean"], row["holdout_mean"]) == pytest.approx(means, rel=1e-9)
        if sum(variances) > 0:
            wanted = (means[0] - means[1]) / math.sqrt(sum(variances) / 2)
            assert row["standardised_difference"] == pytest.approx(wanted, rel=1e-6, abs=1e-9)
            assert row["is_balanced"] == (abs(wanted) < 0.1)
        else:
            assert pd.isna(row["standardised_difference"])
    largest = balance["standardised_difference"].abs().groupby("campaign").max()
    campaigns = campaigning.table("campaigns").set_index("campaign")["largest_imbalance"].dropna()
    np.testing.assert_allclose(campaigns, largest[campaigns.index])


def test_policies_are_worth_what_a_plain_loop_says(campaigning: Campaigning, members: Any) -> None:
    found = campaigning.table("policy_value")
    for campaign in ("spring", "faded", "summer"):
        wanted = policies(members[members["campaign"] == campaign])
        here = found[found["campaign"] == campaign].set_index(["policy", "segment_key", "stage_key"]).sort_index()
        assert here.index.tolist() == sorted(wanted)
        for place, (arm, count, value, error, gain, gain_error) in wanted.items():
            row = here.loc[place]
            assert (row["arm"], row["customer_count"]) == (arm, count), place
            z = stats.norm.ppf(0.975)
            figures = (value, value - z * error, value + z * error, gain, gain - z * gain_error, gain + z * gain_error)
            names = ["value_per_customer", "value_low", "value_high", "gain_per_customer", "gain_low", "gain_high"]
            np.testing.assert_allclose(row[names].astype(float), figures, rtol=1e-6, atol=1e-6)
            np.testing.assert_allclose(float(row["gain_total"]), gain * count, rtol=1e-6, atol=1e-3)
    best = found[(found["policy"] == "best arm by kind and stage") & (found["campaign"] == "spring")]
    # The voucher is the best of the planted arms, wherever there are people enough to see it.
    chosen = best[(best["segment_key"] != "") & best["value_per_customer"].notna()]
    assert set(chosen["arm"]) == {"voucher"}
    voucher = found[(found["policy"] == "everybody voucher") & (found["campaign"] == "spring")]
    assert voucher["gain_low"].item() > 0


def policies(members: Any) -> dict[tuple[str, str, str], tuple[Any, ...]]:
    """Arm, customers, value and its error, gain and its error of each policy."""
    campaign = members["campaign"].iloc[0]
    arms = ["holdout", *sorted(set(members["arm"]) - {"holdout"})]
    is_choosing = [digest("policy half", campaign, person) < DIGITS // 2 for person in members["customer_unique_id"]]
    members = members.assign(is_choosing=is_choosing)
    cells: dict[tuple[str, str], Any] = {}
    small = []
    for key, group in members.groupby(["segment_key", "stage_key"]):
        counts = [
            ((group["arm"] == arm) & (group["is_choosing"] == half)).sum() for arm in arms for half in (True, False)
        ]
        if min(counts) >= FEW:
            cells[key] = group
        else:
            small.append((key, group))
    rest = pd.concat([group for _, group in small]) if small else members.head(0)
    if all(((rest["arm"] == arm) & ~rest["is_choosing"]).sum() > 1 for arm in arms):
        cells[("", "")] = rest

    def moments(group: Any, arm: str) -> tuple[float, float]:
        values = group.loc[(group["arm"] == arm) & ~group["is_choosing"], "revenue"]
        return values.mean(), values.var() / len(values)

    best = {}
    for key, group in cells.items():
        means = {arm: group.loc[(group["arm"] == arm) & group["is_choosing"], "revenue"].mean() for arm in arms}
        best[key] = max(arms, key=lambda arm: means[arm]) if key != ("", "") else "holdout"
    rules = {"nobody": ("holdout", dict.fromkeys(cells, "holdout"))}
    rules |= {f"everybody {arm}": (arm, dict.fromkeys(cells, arm)) for arm in arms[1:]}
    rules["best arm by kind and stage"] = ("", best)
    total = sum(len(group) for group in cells.values())
    wanted: dict[tuple[str, str, str], tuple[Any, ...]] = {}
    for policy, (named, rule) in rules.items():
        value = squared = gain = gain_squared = 0.0
        for key, group in cells.items():
            weight = len(group) / total
            mean, error = moments(group, rule[key])
            mean_0, error_0 = moments(group, "holdout")
            value += weight * mean
            squared += weight**2 * error
            gain += weight * (mean - mean_0)
            gain_squared += weight**2 * (error + error_0) * (rule[key] != "holdout")
        wanted[policy, "", ""] = (named, total, value, math.sqrt(squared), gain, math.sqrt(gain_squared))
    for key, group in cells.items():
        if key != ("", ""):
            (mean, error), (mean_0, error_0) = moments(group, best[key]), moments(group, "holdout")
            gain_error = math.sqrt(error + error_0) if best[key] != "holdout" else 0.0
            figures = (best[key], len(group), mean, math.sqrt(error), mean - mean_0, gain_error)
            wanted["best arm by kind and stage", *key] = figures
    for key, group in small:
        wanted["best arm by kind and stage", *key] = ("holdout", len(group), *[math.nan] * 4)
    return wanted


def test_the_playbook_tells_what_each_action_earned_last(campaigning: Campaigning) -> None:
    playbook = campaigning.table("campaign_playbook").set_index(["segment_key", "stage_key"])
    profiles = campaigning.table("segment_lifecycle_profiles").set_index(["segment_key", "stage_key"])
    assert playbook["recommended_action"].to_dict() == profiles["recommended_action"].to_dict()
    results = campaigning.table("campaign_results")
    of_groups = results[(results["grouping"] == "kind_and_stage") & (results["outcome"] == "revenue_per_customer")]
    tried = 0
    for place, page in playbook.iterrows():
        # Of three that began on one day the one launched last, an hour after the others.
        for campaign in ("tiny", "faded", "spring"):
            here = of_groups[
                (of_groups["segment_key"] == place[0])
                & (of_groups["stage_key"] == place[1])
                & (of_groups["campaign"] == campaign)
            ]
            if len(here):
                break
        if here.empty:
            assert pd.isna(page["campaign"])
            continue
        wanted = here.sort_values(["customer_count", "arm"], ascending=[False, True]).iloc[0]
        tried += 1
        assert (page["campaign"], page["arm"]) == (wanted["campaign"], wanted["arm"])
        assert page["verdict_sentence"] == wanted["verdict_sentence"]
        np.testing.assert_equal(page["earned_total"], wanted["earned_total"])
    assert tried > 3


def test_the_warehouse_brings_nobody_back(campaigning: Campaigning) -> None:
    named = campaigning.warehouse.query("select customer_unique_id, is_gone from raw.campaign_log")
    assert not set(named["customer_unique_id"].dropna()) & campaigning.lost
    # Two people in spring and faded each.
    assert named["is_gone"].sum() == 4
    suppressed = campaigning.table("suppressed_customers")
    assert suppressed["customer_unique_id"].tolist() == campaigning.suppressed
    assert suppressed["reason"].tolist() == ["asked to", "moved, abroad"]
    assert [None if pd.isna(day) else day.date() for day in suppressed["suppressed_since"]] == [
        dt.date(2018, 7, 1),
        None,
    ]
    assert campaigning.warehouse.query("select count(*) as n from raw.suppressed_customers")["n"][0] == 3
    log = campaigning.warehouse.home / "logs" / "dbt.log"
    assert not log.exists() or campaigning.suppressed[0] not in log.read_text()
    warnings = campaigning.table("build_warnings").set_index("warning_name")["affected_count"]
    assert warnings["campaign_members_gone"] == 4
    assert warnings["suppressed_customers_unknown"] == 1
    assert warnings["forgotten_customers_are_back"] == 1
    folder = campaigning.warehouse.query("select data_folder from build_log.builds order by rowid desc limit 1")
    assert folder["data_folder"][0] == str(campaigning.data)


def test_the_order_of_rows_and_threads_changes_no_byte(
    campaigning: Campaigning, digests: dict[str, str], tmp_path: Path
) -> None:
    again = Warehouse(tmp_path)
    shutil.copy(campaigning.warehouse.path, again.path)
    shutil.copytree(campaigning.warehouse.campaigns, again.campaigns)
    for file in again.campaigns.glob("*.parquet"):
        rows = duckdb.execute(f"from '{file}' order by md5(customer_unique_id) nulls first").df()
        write_log(again.campaigns, rows)
    again.dbt("run", "--select", "path:models/campaigns", data=campaigning.data, variables=FEW_CANDIDATES, threads=1)
    assert again.table_digests() == digests


# One row of a table is wrong, and the rule that has to see it.
WRONG = {
    "draw_numbers_of_members_are_digests": """
        update campaign_members set draw_number = draw_number + 1
        where rowid = (select min(rowid) from campaign_members where campaign = 'spring' and not is_forgotten)
    """,
    "arms_of_a_stratum_follow_its_draw_numbers": """
        update campaign_members set arm_number = 9 - arm_number
        where stratum = (select min(stratum) from campaign_members where campaign = 'spring')
    """,
    "results_of_groups_add_up_to_all_members": """
        delete from campaign_results
        where (campaign, grouping, stage_key) = ('spring', 'stage', (select min(stage_key) from campaign_members))
    """,
    "members_of_a_campaign_add_up": "update campaigns set treated_count = treated_count - 1 where campaign = 'tiny'",
}


def test_each_rule_sees_the_row_that_breaks_it(campaigning: Campaigning, tmp_path: Path) -> None:
    wrong = Warehouse(tmp_path)
    shutil.copy(campaigning.warehouse.path, wrong.path)
    with duckdb.connect(str(wrong.path)) as connection:
        for statement in WRONG.values():
            connection.execute(statement)
    output = wrong.dbt("test", "--select", *WRONG, data=campaigning.data, variables=FEW_CANDIDATES, succeeds=False)
    assert "ERROR=4" in output
    assert all(f"Failure in test {rule} " in output for rule in WRONG)


def test_without_campaigns_the_tables_are_there_and_empty(built: Warehouse) -> None:
    for table in ("campaigns", "campaign_members", "campaign_results", "policy_value", "suppressed_customers"):
        assert built.query(f"select count(*) as n from {table}")["n"][0] == 0
    settings = built.query("from campaign_settings")
    assert settings.iloc[0].to_dict() | {"as_of_date": settings["as_of_date"][0].date()} == {
        "as_of_date": TODAY,
        "control_group_share": 0.0,
        "control_group_quarter": "2018Q3",
        "contact_cooldown_days": 30,
        "outcome_days": 90,
        "holdout_share": 0.1,
        "campaign_salt": campaign_logs.SALT,
        "audience_max_change_share": 0.5,
        "few_customers": 30,
    }


def truncate(folder: Path, data: Path) -> None:
    file = folder / "spring.parquet"
    file.write_bytes(file.read_bytes()[:-100])


def put_foreign(folder: Path, data: Path) -> None:
    duckdb.execute(f"copy (select 1 as x) to '{folder}/other.parquet' (format parquet)")


def change_type(folder: Path, data: Path) -> None:
    file = folder / "tiny.parquet"
    rows = duckdb.execute(f"select * replace (priority::bigint as priority) from '{file}'").df()
    duckdb.execute(f"copy rows to '{file}' (format parquet)")
    assert len(rows)


def rename(folder: Path, data: Path) -> None:
    (folder / "tiny.parquet").rename(folder / "small.parquet")


def put_spreadsheet(folder: Path, data: Path) -> None:
    (data / "suppressed_customers.csv").write_text("customer;reason\nx;y\n")


def put_wrong_day(folder: Path, data: Path) -> None:
    (data / "suppressed_customers.csv").write_text("customer_unique_id,reason,since\nx,y,31.07.2018\n")


def put_wrong_forgotten(folder: Path, data: Path) -> None:
    (folder / "forgotten.csv").write_text("who,when\n")


@pytest.fixture(scope="module")
def raw_digests(campaigning: Campaigning) -> list[str]:
    return raw_digest(campaigning.warehouse)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    slow_after(
        3,
        [
            (truncate, "spring.parquet' can't be read ("),
            (put_foreign, "other.parquet' does not have the columns of a campaign log: take the file from a backup"),
            (change_type, "tiny.parquet' does not have the columns of a campaign log: take the file from a backup"),
            (
                rename,
                "small.parquet' is not as it was written (a row is of another campaign than the name of the file says",
            ),
            (put_spreadsheet, "suppressed_customers.csv' has the header 'customer;reason': its columns must be"),
            (put_wrong_day, "suppressed_customers.csv', line 2: since is '31.07.2018': write it as YYYY-MM-DD"),
            (put_wrong_forgotten, "forgotten.csv' has the header 'who,when': its columns must be"),
        ],
    ),
)
def test_what_can_not_be_read_is_refused_in_one_sentence_and_nothing_changes(
    campaigning: Campaigning,
    digests: dict[str, str],
    raw_digests: list[str],
    tmp_path: Path,
    damage: Callable[[Path, Path], None],
    sentence: str,
) -> None:
    warehouse = Warehouse(tmp_path / "home")
    shutil.copytree(campaigning.warehouse.campaigns, warehouse.campaigns)
    shutil.copy(campaigning.warehouse.path, warehouse.path)
    data = shutil.copytree(campaigning.data, tmp_path / "data", symlinks=True)
    damage(warehouse.campaigns, data)

    output = warehouse.dbt("build", "--select", "suppressed_customers", data=data, succeeds=False)

    assert sentence in output
    assert "Traceback" not in output
    assert raw_digest(warehouse) == raw_digests
    assert warehouse.table_digests() == digests


def raw_digest(warehouse: Warehouse) -> list[str]:
    tables = ("campaign_log", "suppressed_customers", "forgotten_customers", "olist_orders_dataset")
    digests = [warehouse.query(f"select md5(list(t)::varchar) as digest from raw.{table} as t") for table in tables]
    return [str(digest["digest"][0]) for digest in digests]
