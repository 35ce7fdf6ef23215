with in_force as (
    select forecast_version, fitted_on, model, is_abstaining, reason
    from forecast_versions
    where is_in_force
),

totals as (
    select
        sum(customer_count) as customer_count, sum(expected_orders) as expected_orders,
        sum(expected_revenue) as expected_revenue, sum(expected_orders_365_days) as expected_orders_365_days,
        sum(expected_revenue_365_days) as expected_revenue_365_days
    from segment_forecasts
),

judged as (
    select candidates.*
    from forecast_candidates as candidates
    inner join in_force on candidates.forecast_version = in_force.forecast_version
    where candidates.ranking_auc is not null
),

dates as (
    select model, count(*) as date_count, min(as_of_date) as first_date, max(as_of_date) as last_date
    from judged
    where as_of_date is not null
    group by model
),

outcome_period as (
    select max(outcome_until - as_of_date) as outcome_days
    from (
        select as_of_date, outcome_until
        from forecast_drift_monthly
        union all
        select as_of_date, outcome_until
        from outcomes_of_everybody
    ) as periods
)

select
    in_force.model, in_force.is_abstaining, in_force.reason, in_force.fitted_on, outcome_period.outcome_days,
    totals.customer_count, totals.expected_orders, totals.expected_revenue, totals.expected_orders_365_days,
    totals.expected_revenue_365_days, chosen.ranking_auc, chosen.auc_low, chosen.auc_high, chosen.top_tenth_lift,
    chosen.order_ratio, chosen.ranking_auc - chosen.auc_minus_rule as rule_auc, dates.date_count, dates.first_date, dates.last_date,
    top_tenth.observed_share as top_tenth_share, everybody.returned_count / everybody.customer_count as everybody_share
from in_force
cross join totals
cross join outcome_period
left join judged as chosen on in_force.model = chosen.model and chosen.as_of_date is null
left join dates on in_force.model = dates.model
left join forecast_calibration as top_tenth
    on
        in_force.forecast_version = top_tenth.forecast_version and in_force.model = top_tenth.model
        and top_tenth.as_of_date is null and top_tenth.tenth = 1
left join forecast_candidates as everybody
    on
        in_force.forecast_version = everybody.forecast_version and in_force.model = everybody.model
        and everybody.as_of_date is null
