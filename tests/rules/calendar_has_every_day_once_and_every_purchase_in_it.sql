-- A missing day would hide its purchases from every metric, a doubled one would count them twice.
with

calendar_days as (
    select * from {{ ref('calendar_days') }}
),

span as (
    select
        {{ dbt.datediff('min(date_day)', 'max(date_day)', 'day') }} + 1 as expected_count,
        count(*) as day_count,
        count(distinct date_day) as distinct_day_count
    from calendar_days
    having count(*) > 0
),

needed as (
    select purchase_date as date_day from {{ ref('orders') }}
    where purchase_date is not null
    union
    select as_of_date from {{ ref('as_of_dates') }}
),

uncovered as (
    select count(*) as uncovered_count
    from needed
    left join calendar_days on needed.date_day = calendar_days.date_day
    where calendar_days.date_day is null
)

select
    span.*,
    uncovered.uncovered_count
from uncovered
left join span on 1 = 1
where
    uncovered.uncovered_count > 0
    or span.day_count <> span.expected_count
    or span.distinct_day_count <> span.expected_count
