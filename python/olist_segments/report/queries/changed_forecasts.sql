select
    today.as_of_date, today.outcome_until, today.expected_orders, today.actual_orders, today.order_ratio,
    today.expected_revenue, today.actual_revenue, today.is_simulated, today.drift_status
from forecast_drift_monthly as today
left join before.forecast_drift_monthly as published_before
    on today.as_of_date = published_before.as_of_date and published_before.actual_orders is not null
where today.actual_orders is not null and today.expected_orders is not null and published_before.as_of_date is null
order by today.as_of_date
