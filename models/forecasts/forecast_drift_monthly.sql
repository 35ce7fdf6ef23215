{{
    config(
        materialized='by_date',
        meta={'inputs': {
            'of_date': ['forecast_features', 'customer_forecasts_monthly', 'outcome_dates'],
            'known_otherwise': ['forecast_versions'],
            'dates': 'outcome_dates',
        }}
    )
}}

{%- set rule = checked_var('forecast_rule') %}

-- depends_on: {{ ref('outcome_dates') }}

with

features as (
    select * from {{ ref('forecast_features') }}
    where has_outcome and as_of_date >= {{ first_date() }}
),

forecasts as (
    select * from {{ ref('customer_forecasts_monthly') }}
    where as_of_date >= {{ first_date() }}
),

versions as (
    select * from {{ ref('forecast_versions') }}
),

sums as (
    select
        features.as_of_date,
        features.outcome_until,
        forecasts.forecast_version,
        forecasts.fitted_on,
        forecasts.forecast_model,
        forecasts.is_abstaining,
        count(*) as customer_count,
        {{ sum_in_any_order('forecasts.expected_orders') }} as expected_orders,
        sum(features.next_order_count) as actual_orders,
        {{ sum_in_any_order('forecasts.expected_revenue') }} as expected_revenue,
        sum(cast(features.next_spend as decimal(18, 2))) as actual_revenue
    from features
    inner join forecasts
        on
            features.customer_unique_id = forecasts.customer_unique_id
            and features.as_of_date = forecasts.as_of_date
    group by 1, 2, 3, 4, 5, 6
),

ratios as (
    select
        sums.*,
        versions.is_simulated,
        sums.expected_orders / nullif(sums.actual_orders, 0) as order_ratio,
        sums.expected_orders / {{ poisson_bound('sums.actual_orders', 'high') }} as order_ratio_low,
        sums.expected_orders / nullif({{ poisson_bound('sums.actual_orders', 'low') }}, 0) as order_ratio_high
    from sums
    left join versions
        on
            sums.forecast_version = versions.forecast_version
            and sums.fitted_on = versions.fitted_on
),

final as (
    select
        as_of_date,
        as_of_date = max(as_of_date) over () as is_newest,
        outcome_until,
        forecast_version,
        fitted_on,
        forecast_model,
        is_abstaining,
        is_simulated,
        cast(customer_count as integer) as customer_count,
        expected_orders,
        cast(actual_orders as integer) as actual_orders,
        order_ratio,
        order_ratio_low,
        order_ratio_high,
        expected_revenue,
        cast(actual_revenue as decimal(18, 2)) as actual_revenue,
        expected_revenue / nullif(cast(actual_revenue as double), 0) as revenue_ratio,
        -- Beyond a bound of the rule, and by more than chance.
        case
            when order_ratio is null then 'unknown'
            when order_ratio < {{ rule.min_order_ratio }} and order_ratio_high < 1 then 'off'
            when order_ratio > {{ rule.max_order_ratio }} and order_ratio_low > 1 then 'off'
            else 'in line'
        end as drift_status
    from ratios
)

select * from final
order by as_of_date
