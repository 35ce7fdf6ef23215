with

order_months as (
    select * from {{ ref('order_months') }}
),

newest as (
    select least(max(month_end), max(last_recorded_date)) as as_of_date
    from order_months
    where is_in_window
),

month_ends as (
    select order_months.month_end as as_of_date
    from order_months
    inner join newest on order_months.month_end <= newest.as_of_date
    where order_months.is_in_window
),

all_dates as (
    select as_of_date from month_ends
    union
    select as_of_date from newest
    where as_of_date is not null
),

final as (
    select
        all_dates.as_of_date,
        cast({{ dbt.date_trunc('month', 'all_dates.as_of_date') }} as date) as month_start,
        all_dates.as_of_date = cast({{ dbt.last_day('all_dates.as_of_date', 'month') }} as date) as is_month_end,
        all_dates.as_of_date = newest.as_of_date as is_newest
    from all_dates
    cross join newest
)

select * from final
order by as_of_date
