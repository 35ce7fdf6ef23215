with

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

newest as (
    select as_of_date from as_of_dates
    where is_newest
),

periods as (
    select
        as_of_date,
        cast({{ dbt.dateadd('day', checked_var('outcome_days'), 'as_of_date') }} as date) as outcome_until
    from as_of_dates
),

final as (
    select
        periods.as_of_date,
        periods.outcome_until,
        periods.as_of_date = max(periods.as_of_date) over () as is_newest
    from periods
    inner join newest on periods.outcome_until <= newest.as_of_date
)

select * from final
order by as_of_date
