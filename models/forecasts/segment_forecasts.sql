with

customer_segments as (
    select * from {{ ref('customer_segments') }}
),

forecasts as (
    select * from {{ ref('customer_forecasts') }}
),

final as (
    select
        customer_segments.segment_key,
        max(customer_segments.segment_name) as segment_name,
        customer_segments.stage_key,
        max(customer_segments.stage_name) as stage_name,
        cast(count(*) as integer) as customer_count,
        {{ sum_in_any_order('forecasts.order_probability') }} / count(*) as order_probability,
        {{ sum_in_any_order('forecasts.expected_orders') }} as expected_orders,
        {{ sum_in_any_order('forecasts.expected_revenue') }} as expected_revenue,
        {{ sum_in_any_order('forecasts.expected_orders_365_days') }} as expected_orders_365_days,
        {{ sum_in_any_order('forecasts.expected_revenue_365_days') }} as expected_revenue_365_days,
        max(forecasts.forecast_model) as forecast_model,
        bool_and(forecasts.is_abstaining) as is_abstaining
    from customer_segments
    inner join forecasts on customer_segments.customer_unique_id = forecasts.customer_unique_id
    group by customer_segments.segment_key, customer_segments.stage_key
)

select * from final
order by segment_key, stage_key
