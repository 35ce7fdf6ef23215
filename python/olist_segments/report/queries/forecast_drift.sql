select
    as_of_date, outcome_until, forecast_model, is_abstaining, is_simulated, customer_count, expected_orders,
    actual_orders, order_ratio, order_ratio_low, order_ratio_high, expected_revenue, actual_revenue, revenue_ratio,
    drift_status
from forecast_drift_monthly
where expected_orders is not null
order by as_of_date
