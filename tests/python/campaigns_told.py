"""Campaigns that a test can rely on, in place of those in a copy of the published tables."""

from __future__ import annotations

from pathlib import Path

import duckdb

FINISHED, RUNNING = "winter-vouchers", "summer-letters"
KINDS = ("satisfied_big_spenders", "satisfied_small_baskets", "dissatisfied", "loyal_repeaters")
FINDING = "voucher earned between 12 and 61 customers who order; reminder no proof either way"

_TABLES = {
    "campaigns": """
        campaign varchar, as_of_date date, launched_at timestamp, priority integer, promised_outcome varchar,
        outcome_days integer, outcome_until date, observed_until date, is_complete boolean, arm_count integer,
        customer_count integer, treated_count integer, holdout_count integer, forgotten_count integer,
        taken_over_count integer, segment_names varchar, stage_names varchar, model_version integer,
        forecast_version integer, expected_share double, smallest_uplift double, largest_imbalance double,
        order_count integer, revenue decimal(18, 2), finding varchar
    """,
    "campaign_results": """
        campaign varchar, arm varchar, outcome varchar, "grouping" varchar, segment_key varchar, segment_name varchar,
        stage_key varchar, stage_name varchar, customer_count integer, holdout_customer_count integer, value double,
        holdout_value double, difference double, difference_low double, difference_high double, relative_uplift double,
        p_value double, adjusted_p_value double, earned_total double, earned_low double, earned_high double,
        is_promised boolean, is_complete boolean, observed_until date, verdict varchar, verdict_sentence varchar
    """,
    "campaign_balance": """
        campaign varchar, arm varchar, feature varchar, customer_count integer, holdout_customer_count integer,
        mean double, holdout_mean double, standardised_difference double, is_balanced boolean
    """,
    "policy_value": """
        campaign varchar, policy varchar, segment_key varchar, stage_key varchar, arm varchar, customer_count integer,
        value_per_customer double, value_low double, value_high double, gain_per_customer double, gain_low double,
        gain_high double, gain_total double, is_complete boolean
    """,
    "campaign_playbook": """
        segment_key varchar, segment_name varchar, stage_key varchar, stage_name varchar, recommended_action varchar,
        campaign varchar, arm varchar, as_of_date date, outcome_until date, customer_count integer, earned_total double,
        earned_low double, earned_high double, verdict varchar, verdict_sentence varchar
    """,
}
TABLES = tuple(_TABLES)


def make_up(tables: Path) -> None:
    """Put a finished campaign of two arms and a running one into the tables of campaigns in the file `tables`."""
    with duckdb.connect(str(tables)) as connection:
        for name, columns in _TABLES.items():
            connection.execute(f"create table if not exists {name} ({columns})")
            connection.execute(f"delete from {name}")
        for campaign, launched, is_complete, finding in (
            (FINISHED, "2018-03-31", True, FINDING),
            (RUNNING, "2018-07-31", False, "letter so far no proof either way"),
        ):
            connection.execute(
                """
                insert into campaigns by name
                select
                    $campaign as campaign, $launched::date as as_of_date, $launched::timestamp as launched_at,
                    100 as priority, 'ordered_share' as promised_outcome, 90 as outcome_days,
                    $launched::date + 90 as outcome_until,
                    least($launched::date + 90, date '2018-08-31') as observed_until, $complete as is_complete,
                    3 as arm_count, 3000 as customer_count, 2400 as treated_count, 600 as holdout_count,
                    1 as forgotten_count, 0 as taken_over_count, 'Satisfied big spenders' as segment_names,
                    'Cooling' as stage_names, 1 as model_version, 1 as forecast_version, 0.01 as expected_share,
                    0.008 as smallest_uplift, 0.031 as largest_imbalance, 61 as order_count, 7200.50 as revenue,
                    $finding as finding
                """,
                {"campaign": campaign, "launched": launched, "complete": is_complete, "finding": finding},
            )
        _results(connection)
        for feature, mean in (("recency_days", 41.2), ("total_spend", 281.96), ("avg_review_score", 4.66)):
            for campaign, arm in ((FINISHED, "voucher"), (FINISHED, "reminder"), (RUNNING, "letter")):
                connection.execute(
                    "insert into campaign_balance by name select ? as campaign, ? as arm, ? as feature, "
                    "1200 as customer_count, 600 as holdout_customer_count, ? as mean, ? as holdout_mean, "
                    "0.031 as standardised_difference, true as is_balanced",
                    [campaign, arm, feature, mean, mean * 1.01],
                )
        _policies(connection)
        connection.execute(
            """
            insert into campaign_playbook by name
            select
                profiles.segment_key, profiles.segment_name, profiles.stage_key, profiles.stage_name,
                profiles.recommended_action, played.campaign, played.arm, played.as_of_date, played.outcome_until,
                played.customer_count, 2100.0 as earned_total, -300.0 as earned_low, 4500.0 as earned_high,
                played.verdict, played.verdict_sentence
            from segment_lifecycle_profiles as profiles
            left join (
                select
                    'satisfied_big_spenders' as segment_key, 'cooling' as stage_key, $campaign as campaign,
                    'voucher' as arm, date '2018-03-31' as as_of_date, date '2018-06-29' as outcome_until,
                    412 as customer_count, 'no proof' as verdict,
                    'no proof either way: between BRL -300 and BRL 4,500' as verdict_sentence
            ) as played using (segment_key, stage_key)
            """,
            {"campaign": FINISHED},
        )


def _results(connection: duckdb.DuckDBPyConnection) -> None:
    """Of each arm all outcomes, and the promised one by kind, stage and both."""
    rows: list[tuple[object, ...]] = []
    for campaign, arm, difference, verdict in (
        (FINISHED, "voucher", 0.03, "earned"),
        (FINISHED, "reminder", 0.004, "no proof"),
        (RUNNING, "letter", 0.002, "running"),
    ):
        for outcome, size, half in (
            ("ordered_share", difference, 0.02),
            ("revenue_per_customer", 160 * difference, 4.1),
            ("review_score", 4 * difference, 0.3),
        ):
            rows.append(_row(campaign, arm, outcome, "all", "", "", size, half, verdict, 0.01))
        for number, kind in enumerate(KINDS):
            size = difference * (1 + number / 2)
            rows.append(_row(campaign, arm, "ordered_share", "kind", kind, "", size, 0.03, verdict, 0.02))
            rows.append(
                _row(campaign, arm, "ordered_share", "kind_and_stage", kind, "cooling", size, 0.06, "no proof", 0.4)
            )
        rows.append(_row(campaign, arm, "ordered_share", "stage", "", "cooling", difference, 0.03, verdict, 0.2))
        # Too few to tell: no interval.
        rows.append(_row(campaign, arm, "ordered_share", "stage", "", "new", 0.0, None, "too few", None))
    connection.executemany(
        """
        insert into campaign_results by name
        select
            $1 as campaign, $2 as arm, $3 as outcome, $4 as "grouping", $5 as segment_key,
            coalesce((select max(segment_name) from segment_profiles where segment_key = $5), '') as segment_name,
            $6 as stage_key,
            coalesce((select max(stage_name) from lifecycle_stages where stage_key = $6), '') as stage_name,
            1200 as customer_count, 600 as holdout_customer_count, 0.01 + $7::double as value, 0.01 as holdout_value,
            $7::double as difference, $7::double - $8::double as difference_low,
            $7::double + $8::double as difference_high,
            $7::double / 0.01 as relative_uplift, $10::double as p_value, $10::double * 3 as adjusted_p_value,
            1200 * $7::double as earned_total, 1200 * ($7::double - $8::double) as earned_low,
            1200 * ($7::double + $8::double) as earned_high, $3 = 'ordered_share' as is_promised,
            $1 = 'winter-vouchers' as is_complete, date '2018-06-29' as observed_until, $9 as verdict,
            concat($9, ' in words') as verdict_sentence
        """,
        rows,
    )


def _row(
    campaign: str, arm: str, outcome: str, grouping: str, kind: str, stage: str, *rest: object
) -> tuple[object, ...]:
    size, half, verdict, p_value = rest
    return campaign, arm, outcome, grouping, kind, stage, size, half, verdict, p_value


def _policies(connection: duckdb.DuckDBPyConnection) -> None:
    """The best rule gives vouchers to two kinds and is better than nobody, of the finished campaign alone."""
    whole = [
        ("nobody", "", "", "holdout", 2.1, 0.0, 0.0, 0.0),
        ("everybody voucher", "", "", "voucher", 6.9, 4.8, 0.7, 8.9),
        ("everybody reminder", "", "", "reminder", 2.7, 0.6, -3.4, 4.7),
        ("best arm by kind and stage", "", "", "", 7.4, 5.3, 1.2, 9.4),
        *(("best arm by kind and stage", kind, "cooling", "voucher", 7.0, 5.0, -1.0, 11.0) for kind in KINDS[:2]),
        ("best arm by kind and stage", KINDS[2], "cooling", "holdout", 1.0, 0.0, 0.0, 0.0),
    ]
    for campaign in (FINISHED, RUNNING):
        connection.executemany(
            "insert into policy_value by name select $1 as campaign, $2 as policy, $3 as segment_key, $4 as stage_key, "
            "$5 as arm, 3000 as customer_count, $6::double as value_per_customer, $6::double - 2 as value_low, "
            "$6::double + 2 as value_high, $7::double as gain_per_customer, $8::double as gain_low, "
            "$9::double as gain_high, 3000 * $7::double as gain_total, $10 as is_complete",
            [(campaign, *row, campaign == FINISHED) for row in whole],
        )
