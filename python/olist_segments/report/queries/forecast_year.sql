with newest as (
    select as_of_date
    from as_of_dates
    where is_newest
),

expected as (
    select forecasts.as_of_date, count(*) as customer_count, sum(forecasts.expected_orders_365_days) as expected_orders
    from customer_forecasts_monthly as forecasts
    cross join newest
    where forecasts.expected_orders_365_days is not null and forecasts.as_of_date + 365 <= newest.as_of_date
    group by forecasts.as_of_date
),

visits as (
    select customer_unique_id, purchase_date, min(purchase_date) over (partition by customer_unique_id) as first_date
    from purchases
    group by customer_unique_id, purchase_date
),

actual as (
    select expected.as_of_date, count(*) as actual_orders
    from expected
    inner join visits
        on
            visits.first_date <= expected.as_of_date and visits.purchase_date > expected.as_of_date
            and visits.purchase_date <= expected.as_of_date + 365
    group by expected.as_of_date
)

select
    expected.as_of_date, expected.customer_count, expected.expected_orders,
    coalesce(actual.actual_orders, 0) as actual_orders,
    expected.expected_orders / nullif(actual.actual_orders, 0) as order_ratio
from expected
left join actual on expected.as_of_date = actual.as_of_date
order by expected.as_of_date
