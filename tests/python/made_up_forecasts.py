"""Forecasts that a test can rely on, in place of those in a copy of the published tables."""

from __future__ import annotations

from pathlib import Path

import duckdb

REASON = "a test wants it so"
MODELS = {
    "hiatus": ("rule of thumb", 0.571),
    "naive": ("rule of thumb", 0.589),
    "rfm": ("segmentation", 0.56),
    "kind_stage": ("segmentation", 0.566),
    "mbgnbd": ("model", 0.591),
    "logistic": ("model", 0.606),
}
TENTHS = (0.02, 0.014, 0.01, 0.009, 0.008, 0.007, 0.006, 0.005, 0.004, 0.003)
"""Shares that were expected; of the first tenth a fifth more ordered, of the others 0.0001 less."""

_CUSTOMERS = """
    update {table} set
        forecast_model = $model, is_abstaining = $abstains,
        order_probability = 0.001 * (1 + hash(customer_unique_id) % 7),
        expected_orders = 0.0011 * (1 + hash(customer_unique_id) % 7),
        expected_revenue = 0.2 * (1 + hash(customer_unique_id) % 5), expected_orders_365_days = 0.004,
        expected_revenue_365_days = 0.9
"""
_GROUPS = """
    insert into segment_forecasts by name
    select
        segment_key, segment_name, stage_key, stage_name, count(*) as customer_count,
        avg(order_probability) as order_probability, sum(expected_orders) as expected_orders,
        sum(expected_revenue) as expected_revenue, sum(expected_orders_365_days) as expected_orders_365_days,
        sum(expected_revenue_365_days) as expected_revenue_365_days, $model as forecast_model,
        $abstains as is_abstaining
    from customer_segments inner join customer_forecasts using (customer_unique_id)
    group by segment_key, segment_name, stage_key, stage_name
    order by segment_key, stage_key
"""
_VERSION = """
    insert into forecast_versions by name
    select
        1 as forecast_version, as_of_date as fitted_on, as_of_date as data_as_of, $model as model,
        $abstains as is_abstaining, $reason as reason, false as is_simulated, as_of_date as in_force_from,
        true as is_in_force
    from as_of_dates where is_newest
"""
_CANDIDATE = """
    insert into forecast_candidates by name
    select
        1 as forecast_version, $candidate as model, $role as model_role, $date::date as as_of_date,
        10000 as customer_count, 84 as returned_count, $auc::double as ranking_auc, $auc - 0.02 as auc_low,
        $auc + 0.02 as auc_high, $auc - 0.589 as auc_minus_rule, $auc - 0.6 as auc_minus_rule_low,
        $auc - 0.58 as auc_minus_rule_high,
        1.04::double as order_ratio, 0.97::double as calibration_slope, 2.3::double as top_tenth_lift,
        true as is_judged, $role = 'model' and not $abstains as is_eligible, $candidate = $model as is_chosen,
        $abstains as is_abstaining, $reason as reason
"""
_TENTH = """
    insert into forecast_calibration by name
    select
        1 as forecast_version, $model as model, null::date as as_of_date, $tenth as tenth, 20000 as customer_count,
        (20000 * $observed)::integer as returned_count, $share::double as predicted_share,
        $observed::double as observed_share, $observed - 0.001 as observed_share_low,
        $observed + 0.001 as observed_share_high
"""
_DRIFT = """
    insert into forecast_drift_monthly by name
    select
        $date::date as as_of_date, $date::date + 90 as outcome_until, 1 as forecast_version, $model as forecast_model,
        9000 as customer_count, 100::double as expected_orders, 96 as actual_orders, 1.04::double as order_ratio,
        'in line' as drift_status
"""
_TABLES = (
    "segment_forecasts",
    "forecast_versions",
    "forecast_candidates",
    "forecast_calibration",
    "forecast_drift_monthly",
)


def make_up(tables: Path, *, is_abstaining: bool = False) -> None:
    """Put made-up rows into the tables of forecasts in the file `tables`.

    The best rule is naive, the best model logistic, judged on two dates. A customer's figures are of a few values, so
    that there are ties.
    """
    model = "naive" if is_abstaining else "logistic"
    common = {"model": model, "abstains": is_abstaining}
    with duckdb.connect(str(tables)) as connection:
        for table in _TABLES:
            connection.execute(f"delete from {table}")
        for table in ("customer_forecasts", "customer_forecasts_monthly"):
            connection.execute(_CUSTOMERS.format(table=table), common)
        connection.execute(_GROUPS, common)
        connection.execute(
            _VERSION,
            common
            | {
                "reason": ("abstaining, past rates of naive groups stand in: " if is_abstaining else "chosen: ")
                + REASON
            },
        )
        for candidate, (role, auc) in MODELS.items():
            own = common | {"candidate": candidate, "role": role, "auc": auc, "reason": REASON}
            for date in ("2018-04-30", "2018-05-31", None):
                connection.execute(_CANDIDATE, own | {"date": date})
        for tenth, share in enumerate(TENTHS, 1):
            observed = share * 1.2 if tenth == 1 else share - 0.0001
            own = {"model": model, "tenth": tenth, "share": share, "observed": observed}
            connection.execute(_TENTH, own)
        for date in ("2018-04-30", "2018-05-31"):
            connection.execute(_DRIFT, {"date": date, "model": model})
