with

order_months as (
    select * from {{ ref('order_months') }}
),

day_numbers as (
    {%- for day_number in range(31) %}
    select {{ day_number }} as day_number {{- "\n    union all" if not loop.last }}
    {%- endfor %}
),

days as (
    select
        cast({{ dbt.dateadd('day', 'day_numbers.day_number', 'order_months.month_start') }} as date) as date_day,
        order_months.month_start,
        order_months.month_end,
        order_months.is_in_window
    from order_months
    cross join day_numbers
),

final as (
    select
        date_day,
        month_start,
        is_in_window
    from days
    -- Every month is given 31 days; those after its end belong to the next.
    where date_day <= month_end
)

select * from final
order by date_day
