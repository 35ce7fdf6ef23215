with

order_months as (
    select * from {{ ref('order_months') }}
),

dates as (
    select
        month_start,
        case when is_running then newest_order_date else month_end end as as_of_date
    from order_months
    where is_in_window
),

final as (
    select
        as_of_date,
        lag(as_of_date) over (order by as_of_date) as previous_as_of_date,
        month_start,
        as_of_date = cast({{ dbt.last_day('as_of_date', 'month') }} as date) as is_month_end,
        as_of_date = max(as_of_date) over () as is_newest
    from dates
)

select * from final
order by as_of_date
