with

orders as (
    select * from {{ ref('orders') }}
),

recorded_events as (
    select
        max(purchased_at) as last_purchased_at,
        greatest(
            max(purchased_at), max(approved_at), max(handed_to_carrier_at), max(delivered_at),
            max(last_review_answered_at)
        ) as last_recorded_at
    from orders
),

orders_by_month as (
    select
        cast({{ dbt.date_trunc('month', 'purchased_at') }} as date) as month_start,
        count(*) as order_count,
        count(case when is_valid_purchase then 1 end) as valid_purchase_count
    from orders
    group by 1
),

span as (
    select
        min(month_start) as first_month,
        max(month_start) as last_month
    from orders_by_month
),

calendar as (
    {{ calendar_months('span', 'first_month', 'last_month') }}
),

-- The month of the newest purchase may still be running: it is judged by the days it has had.
month_rates as (
    select
        calendar.month_start,
        cast({{ dbt.last_day('calendar.month_start', 'month') }} as date) as month_end,
        recorded_events.last_recorded_at,
        coalesce(orders_by_month.order_count, 0) as order_count,
        coalesce(orders_by_month.valid_purchase_count, 0) as valid_purchase_count,
        case
            when calendar.month_start = span.last_month then extract(day from recorded_events.last_purchased_at)
            else extract(day from {{ dbt.last_day('calendar.month_start', 'month') }})
        end as days_covered
    from calendar
    cross join span
    cross join recorded_events
    left join orders_by_month on calendar.month_start = orders_by_month.month_start
),

typical_month as (
    select
        percentile_cont(0.5) within group (order by cast(valid_purchase_count as double) / days_covered)
            as median_daily_purchases
    from month_rates
    where valid_purchase_count > 0
),

months_judged as (
    select
        month_rates.*,
        cast(month_rates.valid_purchase_count as double) / month_rates.days_covered
        / nullif(typical_month.median_daily_purchases, 0) as share_of_typical_month
    from month_rates
    cross join typical_month
),

-- Months with data in a row share a run: the count of months without data before them.
runs_numbered as (
    select
        *,
        coalesce(share_of_typical_month, 0) >= {{ var('window_min_share_of_typical_month') }} as has_data,
        sum(
            case
                when coalesce(share_of_typical_month, 0) >= {{ var('window_min_share_of_typical_month') }} then 0
                else 1
            end
        ) over (order by month_start rows between unbounded preceding and current row) as run_number
    from months_judged
),

runs_ranked as (
    select
        run_number,
        row_number() over (order by count(*) desc, run_number desc) as run_rank
    from runs_numbered
    where has_data
    group by run_number
),

final as (
    select
        runs_numbered.month_start,
        runs_numbered.month_end,
        cast(runs_numbered.order_count as integer) as order_count,
        cast(runs_numbered.valid_purchase_count as integer) as valid_purchase_count,
        coalesce(runs_numbered.share_of_typical_month, 0) as share_of_typical_month,
        runs_numbered.has_data and runs_ranked.run_rank = 1 as is_in_window,
        cast(runs_numbered.last_recorded_at as date) as last_recorded_date
    from runs_numbered
    left join runs_ranked on runs_numbered.run_number = runs_ranked.run_number
)

select * from final
order by month_start
