with

forecasts as (
    select * from {{ ref('customer_forecasts_monthly') }}
),

final as (
    select
        customer_unique_id,
        as_of_date,
        forecast_version,
        fitted_on,
        forecast_model,
        is_abstaining,
        order_probability,
        order_probability_low,
        order_probability_high,
        probability_tenth,
        expected_orders,
        expected_revenue,
        expected_orders_365_days,
        expected_revenue_365_days
    from forecasts
    where is_newest
)

select * from final
order by customer_unique_id
