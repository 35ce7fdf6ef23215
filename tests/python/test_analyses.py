"""The ten questions run on the warehouse, and what they answer agrees with the marts."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest
import yaml
from warehouses import PROJECT, Warehouse

ANALYSES = sorted(path.stem for path in (PROJECT / "analyses").glob("*.sql"))
VALID = "from orders where is_valid_purchase and purchase_date <= (select max(as_of_date) from as_of_dates)"


@pytest.fixture(scope="module")
def answers(built: Warehouse) -> dict[str, pd.DataFrame]:
    """The answer to each analysis, by its name."""
    compiled = built.home / "target" / "compiled" / "olist_segments" / "analyses"
    return {name: built.query((compiled / f"{name}.sql").read_text()) for name in ANALYSES}


def best_customers_and_their_satisfaction(answer: pd.DataFrame, built: Warehouse) -> None:
    people = built.query("from customer_segments")
    best = people[people["total_spend"].astype(float) >= people["total_spend"].astype(float).quantile(0.9)]
    assert answer["best_customer_count"].sum() == len(best)
    assert answer["share_of_best_customers"].sum() == pytest.approx(1)
    assert answer["share_of_all_revenue"].sum() == pytest.approx(
        best["total_spend"].astype(float).sum() / people["total_spend"].astype(float).sum()
    )
    dissatisfied = (
        answer["dissatisfied_share"] * (1 - answer["no_review_share"]) * answer["best_customer_count"]
    ).sum()
    assert dissatisfied == pytest.approx((best["avg_review_score"] <= 2).sum())


def budget_of_next_month(answer: pd.DataFrame, built: Warehouse) -> None:
    keys = answer["segment_key"] + ":" + answer["stage_key"]
    people = built.query("select segment_key || ':' || stage_key as key from customer_segments")["key"].value_counts()
    assert dict(zip(keys, answer["customer_count"], strict=True)) == people.to_dict()
    expected = (
        built.query(
            """
            select
                segment_key || ':' || stage_key as key, sum(expected_revenue)::double as revenue,
                sum(expected_orders)::double as orders, avg(order_probability) as probability
            from customer_segments inner join customer_forecasts using (customer_unique_id) group by 1
            """
        )
        .set_index("key")
        .reindex(keys)
    )
    assert answer["expected_revenue"].to_numpy() == pytest.approx(expected["revenue"].to_numpy())
    assert answer["expected_orders"].to_numpy() == pytest.approx(expected["orders"].to_numpy())
    assert answer["order_probability"].to_numpy() == pytest.approx(expected["probability"].to_numpy())
    assert answer["expected_revenue_per_customer"].to_numpy() == pytest.approx(
        (expected["revenue"] / answer["customer_count"].to_numpy()).to_numpy()
    )
    assert answer["share_of_expected_revenue"].sum() == pytest.approx(1)
    assert answer["expected_revenue_per_customer"].is_monotonic_decreasing


def customers_about_to_become_dormant(answer: pd.DataFrame, built: Warehouse) -> None:
    people = built.query("from customer_segments")
    stages = built.query("from lifecycle_boundaries where model_version = (select max(model_version) from segments)")
    first_day = int(stages.loc[stages["stage_key"] == "dormant", "from_days"].iloc[0])
    awake = people[people["recency_days"] < first_day]
    assert not set(awake["stage_key"]) & {"dormant", "lapsed"}
    at_risk = awake[awake["recency_days"] >= first_day - 30]
    found = answer.set_index("segment_key")
    assert found["customer_count"].to_dict() == awake["segment_key"].value_counts().to_dict()
    counts = at_risk["segment_key"].value_counts()
    assert found["at_risk_count"].to_dict() == counts.reindex(found.index, fill_value=0).to_dict()
    assert 0 < len(at_risk) < len(awake)
    assert float(answer["at_risk_spend"].sum()) == pytest.approx(float(at_risk["total_spend"].sum()))
    assert answer["avg_days_left"].dropna().between(1, 30).all()
    went = built.query(
        "select sum(customer_count) as went from lifecycle_moves_monthly where is_move and is_newest "
        "and to_stage_key in ('dormant', 'lapsed') and from_stage_key not in ('dormant', 'lapsed')"
    )["went"].iloc[0]
    assert answer["became_dormant_last_month"].sum() == went > 0


def what_last_months_movers_cost(answer: pd.DataFrame, built: Warehouse) -> None:
    moved = built.query(
        "select sum(customer_count) as people, sum(total_spend)::double as spend from segment_migrations_monthly "
        "where is_move and as_of_date = (select max(as_of_date) from as_of_dates)"
    ).iloc[0]
    assert answer["customer_count"].sum() == moved["people"]
    assert float(answer["total_spend"].sum()) == pytest.approx(moved["spend"])
    assert (answer["from_segment_key"] != answer["to_segment_key"]).all()
    worth = built.query(
        "select segment_key, sum(next_spend)::double / sum(customer_count) as per_customer from segment_outcomes "
        "where segmentation = 'clusters' group by 1"
    ).set_index("segment_key")["per_customer"]
    change = answer["to_segment_key"].map(worth) - answer["from_segment_key"].map(worth)
    assert answer["expected_spend_change"].to_numpy() == pytest.approx((change * answer["customer_count"]).to_numpy())


def states_that_disappoint(answer: pd.DataFrame, built: Warehouse) -> None:
    total = built.query(
        "select count(*) as orders, sum(order_total)::double as revenue from orders where is_valid_purchase"
    ).iloc[0]
    assert answer["order_count"].sum() == total["orders"]
    assert float(answer["revenue"].sum()) == pytest.approx(total["revenue"])
    assert answer["state"].is_unique
    known = answer.dropna(subset=["dissatisfied_share"])
    assert (known["dissatisfied_low"] <= known["dissatisfied_share"] + 1e-12).all()
    assert (known["dissatisfied_share"] <= known["dissatisfied_high"] + 1e-12).all()
    assert set(answer["verdict"]) <= {"worse than the country", "better than the country", "no clear difference"}


def late_delivery_and_coming_back(answer: pd.DataFrame, built: Warehouse) -> None:
    people = built.query(
        f"""
        with purchases as (select * {VALID} and customer_unique_id is not null),
        firsts as (
            select *, (select max(as_of_date) from as_of_dates) as today from purchases
            qualify row_number() over (partition by customer_unique_id order by purchased_at, order_id) = 1
        )
        select coalesce(is_late, false) as is_late, count(*) as people, count(*) filter (exists(
            from purchases where purchases.customer_unique_id = firsts.customer_unique_id
            and purchases.purchase_date > firsts.delivered_at::date
            and purchases.purchase_date <= firsts.delivered_at::date + 180
        )) as returned
        from firsts where delivered_at::date <= today - 180 group by 1 order by 1
        """
    )
    assert answer["band_number"].is_monotonic_increasing
    late = answer["band_number"] > 1
    for is_late, side in ((False, answer[~late]), (True, answer[late])):
        expected = people[people["is_late"] == is_late].iloc[0]
        assert side["customer_count"].sum() == expected["people"]
        assert side["returned_count"].sum() == expected["returned"]
    assert answer["returned_share"].between(answer["returned_low"] - 1e-12, answer["returned_high"] + 1e-12).all()


def coming_back_by_cohort(answer: pd.DataFrame, built: Warehouse) -> None:
    cohorts = built.query(
        "select cohort_month, customer_count from acquisition_cohorts where months_since_first = 0 order by 1"
    )
    assert answer["customer_count"].tolist() == cohorts["customer_count"].tolist()
    assert answer["cohort_month"].tolist() == cohorts["cohort_month"].tolist()
    told = answer.dropna(subset=["returned_in_180_days_share"])
    assert (told["returned_in_90_days_share"] <= told["returned_in_180_days_share"]).all()
    assert 0 < len(told) < len(answer)
    assert pd.isna(answer["returned_in_90_days_share"].iloc[-1])
    early = built.query(
        f"""
        select count(*) as returned from (
            select customer_unique_id {VALID} and customer_unique_id is not null
            group by 1
            having date_trunc('month', min(purchase_date)) = '2017-08-01' and list_bool_or(
                [day > min(purchase_date) and day <= min(purchase_date) + 90 for day in list(purchase_date)]
            )
        )
        """
    )["returned"].iloc[0]
    august = answer[answer["cohort_month"] == "2017-08-01"].iloc[0]
    assert august["returned_in_90_days_share"] * august["customer_count"] == pytest.approx(early)
    assert early > 0


def categories_that_bring_repeat_buyers(answer: pd.DataFrame, built: Warehouse) -> None:
    people = built.query(
        f"""
        select count(*) as people from (
            select customer_unique_id {VALID} and customer_unique_id is not null group by 1
            having min(purchase_date) <= (select max(as_of_date) from as_of_dates) - 180
        )
        """
    )["people"].iloc[0]
    assert answer["customer_count"].sum() == people
    assert answer["category"].is_unique
    assert (answer.loc[answer["category"] != "all smaller categories", "customer_count"] >= 50).all()
    overall = answer["returned_count"].sum() / people
    assert answer["lift"].to_numpy() == pytest.approx((answer["returned_share"] / overall).to_numpy())


def customers_to_call_first(answer: pd.DataFrame, built: Warehouse) -> None:
    people = built.query("from customer_segments")
    people["total_spend"] = people["total_spend"].astype(float)
    high = people[people["total_spend"] >= people["total_spend"].quantile(0.75)]
    assert set(answer["customer_unique_id"]) == set(high.loc[high["avg_review_score"] <= 2, "customer_unique_id"])
    assert answer["customer_unique_id"].is_unique
    assert answer["call_number"].tolist() == list(range(1, len(answer) + 1))
    forecasts = built.query("from customer_forecasts").set_index("customer_unique_id")
    assert answer["expected_revenue"].to_numpy() == pytest.approx(
        answer["customer_unique_id"].map(forecasts["expected_revenue"]).to_numpy(), nan_ok=True
    )
    assert answer["expected_revenue"].is_monotonic_decreasing
    assert (answer["days_ago"] >= 0).all()
    owners = built.query("select order_id, customer_unique_id from orders").set_index("order_id")["customer_unique_id"]
    assert (answer["order_id"].map(owners) == answer["customer_unique_id"]).all()


def has_the_segmentation_aged(answer: pd.DataFrame, built: Warehouse) -> None:
    contract = built.query("from maintenance_contract where is_the_contract").iloc[0]
    first = answer.iloc[0]
    assert first["distance_from_fit"] == contract["model_age_days"]
    assert first["verdict"] == (
        "the contract asks for a refit" if contract["is_broken_today"] else "the contract holds"
    )
    drift = built.query(
        """
        select drift_status as verdict from feature_drift_monthly
        where is_in_model and as_of_date = (select max(as_of_date) from as_of_dates)
        union all
        select drift_status from segment_share_drift_monthly
        where as_of_date = (select max(as_of_date) from as_of_dates)
        """
    )
    assert sorted(answer["verdict"].iloc[1:]) == sorted(drift["verdict"])
    assert ((answer["severity"] >= 1) == (answer["verdict"] == "act")).iloc[1:].all()


CHECKS: dict[str, Callable[[pd.DataFrame, Warehouse], None]] = {
    check.__name__: check
    for check in (
        best_customers_and_their_satisfaction,
        budget_of_next_month,
        customers_about_to_become_dormant,
        what_last_months_movers_cost,
        states_that_disappoint,
        late_delivery_and_coming_back,
        coming_back_by_cohort,
        categories_that_bring_repeat_buyers,
        customers_to_call_first,
        has_the_segmentation_aged,
    )
}


@pytest.mark.parametrize("name", ANALYSES)
def test_an_answer_agrees_with_the_marts(answers: dict[str, pd.DataFrame], built: Warehouse, name: str) -> None:
    assert not answers[name].empty
    CHECKS[name](answers[name], built)


def test_each_question_is_explained() -> None:
    described = {
        analysis["name"]: analysis["description"]
        for analysis in yaml.safe_load((PROJECT / "analyses" / "_analyses.yml").read_text())["analyses"]
    }
    assert len(ANALYSES) == 10
    assert sorted(described) == ANALYSES == sorted(CHECKS)
    for description in described.values():
        assert "?" in description.splitlines()[0]
        assert all(part in description for part in ("How to read it:", "Caution:", "Answer:"))
