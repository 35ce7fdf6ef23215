-- The newest date is held against the purchases alone, counted anew from staging: no other timestamp may move it.
with

purchase_days as (
    select
        cast(stg_orders.purchased_at as date) as purchase_date,
        count(*) as purchase_count
    from {{ ref('stg_olist__orders') }} as stg_orders
    inner join {{ ref('orders') }} as orders on stg_orders.order_id = orders.order_id
    where orders.is_valid_purchase
    group by 1
),

dates_numbered as (
    select
        as_of_dates.*,
        (select max(purchase_date) from purchase_days) as last_purchase_date,
        (
            select count(*) from purchase_days
            where purchase_days.purchase_date = as_of_dates.as_of_date
        ) as purchase_days_on_date,
        max(as_of_dates.as_of_date) over () as last_as_of_date,
        year(as_of_dates.as_of_date) * 12 + month(as_of_dates.as_of_date) as month_number,
        row_number() over (order by as_of_dates.as_of_date) as date_number
    from {{ ref('as_of_dates') }} as as_of_dates
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
            when not is_month_end and purchase_days_on_date = 0 then 'neither a month end nor a day with a purchase'
            when date_trunc('month', as_of_date) > last_purchase_date then 'the month begins after the last purchase'
        end as fault
    from dates_numbered
)

select * from judged
where fault is not null
