select
    forecasts.segment_key, forecasts.segment_name, forecasts.stage_key, forecasts.stage_name, stages.stage_number,
    forecasts.customer_count, forecasts.order_probability, forecasts.expected_orders, forecasts.expected_revenue,
    forecasts.expected_revenue / nullif(sum(forecasts.expected_revenue) over (), 0) as revenue_share,
    forecasts.expected_orders_365_days, forecasts.expected_revenue_365_days
from segment_forecasts as forecasts
inner join lifecycle_stages as stages on forecasts.stage_key = stages.stage_key
left join segment_profiles as kinds on forecasts.segment_key = kinds.segment_key
order by kinds.revenue_share desc nulls last, forecasts.segment_key, stages.stage_number
