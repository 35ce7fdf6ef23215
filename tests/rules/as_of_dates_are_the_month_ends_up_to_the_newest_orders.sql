-- The newest date is compared with the days on which orders were placed, counted anew from staging: no other
-- timestamp may move it.
with

order_days as (
    select distinct cast(purchased_at as date) as order_date
    from {{ ref('stg_olist__orders') }}
),

last_day_with_orders as (
    select max(order_date) as order_date from order_days
),

dates_numbered as (
    select
        as_of_dates.*,
        last_day_with_orders.order_date as last_order_date,
        order_days.order_date is not null as has_orders,
        max(as_of_dates.as_of_date) over () as last_as_of_date,
        year(as_of_dates.as_of_date) * 12 + month(as_of_dates.as_of_date) as month_number,
        row_number() over (order by as_of_dates.as_of_date) as date_number
    from {{ ref('as_of_dates') }} as as_of_dates
    cross join last_day_with_orders
    left join order_days on as_of_dates.as_of_date = order_days.order_date
),

judged as (
    select
        *,
        case
            when month_number - date_number <> min(month_number - date_number) over ()
                then 'a month is missing or double'
            when is_newest <> (as_of_date = last_as_of_date) then 'the newest date is not the last one'
            when is_month_end <> (as_of_date = last_day(as_of_date)) then 'the month end is marked wrongly'
            when not is_month_end and not is_newest then 'an earlier date is not a month end'
            when not is_month_end and not has_orders then 'neither a month end nor a day with an order'
            when date_trunc('month', as_of_date) > last_order_date then 'the month begins after the last order'
        end as fault
    from dates_numbered
)

select * from judged
where fault is not null
