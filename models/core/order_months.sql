with

orders as (
    select * from {{ ref('orders') }}
),

order_count_of_all as (
    select count(*) as order_count from orders
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

months as (
    select
        calendar.month_start,
        cast({{ dbt.last_day('calendar.month_start', 'month') }} as date) as month_end,
        extract(day from {{ dbt.last_day('calendar.month_start', 'month') }}) as day_count,
        coalesce(orders_by_month.order_count, 0) as order_count,
        coalesce(orders_by_month.valid_purchase_count, 0) as valid_purchase_count
    from calendar
    left join orders_by_month on calendar.month_start = orders_by_month.month_start
),

typical_month as (
    select
        percentile_cont(0.5) within group (order by cast(valid_purchase_count as double) / day_count)
            as median_daily_purchases,
        percentile_cont(0.5) within group (order by cast(order_count as double) / day_count) as median_daily_orders
    from months
    where valid_purchase_count > 0
),

order_days as (
    select
        purchase_date as order_date,
        count(*) as order_count
    from orders
    group by purchase_date
),

-- So many days as usually bring ten orders, a week at least.
usual_stretch as (
    select
        median_daily_orders,
        cast(greatest(7, ceil(10 / median_daily_orders)) as integer) as day_count
    from typical_month
),

orders_up_to_day as (
    select
        order_days.order_date,
        usual_stretch.day_count * usual_stretch.median_daily_orders as usual_order_count,
        sum(earlier.order_count) as order_count
    from order_days
    cross join usual_stretch
    inner join order_days as earlier
        on
            order_days.order_date >= earlier.order_date
            and {{ dbt.datediff('earlier.order_date', 'order_days.order_date', 'day') }} < usual_stretch.day_count
    group by 1, 2
),

-- A single order with a mistyped date must not move the newest day: the days up to it must hold enough others.
newest_day as (
    select
        coalesce(
            max(
                case
                    when
                        order_count - 1 >= usual_order_count * {{ var('window_min_share_of_typical_month') }}
                        then order_date
                end
            ),
            max(order_date)
        ) as newest_order_date
    from orders_up_to_day
),

-- The month of the newest day is over when enough orders have a record of any kind after it: one may be mistyped.
orders_recorded_later as (
    select count(*) as order_count
    from orders
    cross join newest_day
    where
        greatest(
            orders.purchased_at,
            coalesce(orders.approved_at, orders.purchased_at),
            coalesce(orders.handed_to_carrier_at, orders.purchased_at),
            coalesce(orders.delivered_at, orders.purchased_at),
            coalesce(orders.last_review_answered_at, orders.purchased_at)
        ) >= {{ dbt.dateadd('month', 1, dbt.date_trunc('month', 'newest_day.newest_order_date')) }}
),

newest_month as (
    select
        newest_day.newest_order_date,
        cast({{ dbt.date_trunc('month', 'newest_day.newest_order_date') }} as date) as month_start,
        orders_recorded_later.order_count
        < greatest(3, {{ var('month_over_min_order_share') }} * order_count_of_all.order_count) as is_running
    from newest_day
    cross join orders_recorded_later
    cross join order_count_of_all
),

-- A running month is judged by the days it has had.
months_judged as (
    select
        months.*,
        newest_month.newest_order_date,
        coalesce(months.month_start = newest_month.month_start and newest_month.is_running, false) as is_running,
        coalesce(
            cast(months.valid_purchase_count as double)
            / case
                when months.month_start = newest_month.month_start and newest_month.is_running
                    then extract(day from newest_month.newest_order_date)
                else months.day_count
            end
            / nullif(typical_month.median_daily_purchases, 0), 0
        ) as share_of_typical_month
    from months
    cross join typical_month
    cross join newest_month
),

months_with_data as (
    select
        *,
        valid_purchase_count > 0
        and share_of_typical_month >= {{ var('window_min_share_of_typical_month') }} as has_data
    from months_judged
),

window_limits as (
    select
        min(month_start) as first_month,
        max(month_start) as last_month
    from months_with_data
    where has_data
),

final as (
    select
        months_with_data.month_start,
        months_with_data.month_end,
        cast(months_with_data.order_count as integer) as order_count,
        cast(months_with_data.valid_purchase_count as integer) as valid_purchase_count,
        months_with_data.share_of_typical_month,
        months_with_data.has_data,
        months_with_data.is_running,
        coalesce(
            months_with_data.month_start between window_limits.first_month and window_limits.last_month, false
        ) as is_in_window,
        months_with_data.newest_order_date
    from months_with_data
    cross join window_limits
)

select * from final
order by month_start
