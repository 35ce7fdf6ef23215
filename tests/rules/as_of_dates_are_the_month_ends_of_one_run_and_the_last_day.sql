with

last_day_of_data as (
    select cast(max(recorded_at) as date) as last_date
    from (
        select max(purchased_at) as recorded_at from {{ ref('stg_olist__orders') }}
        union all
        select max(approved_at) as recorded_at from {{ ref('stg_olist__orders') }}
        union all
        select max(handed_to_carrier_at) as recorded_at from {{ ref('stg_olist__orders') }}
        union all
        select max(delivered_at) as recorded_at from {{ ref('stg_olist__orders') }}
        union all
        select max(last_review_answered_at) as recorded_at from {{ ref('orders') }}
    ) as newest_events
),

dates_numbered as (
    select
        as_of_dates.*,
        last_day_of_data.last_date,
        max(as_of_dates.as_of_date) over () as last_as_of_date,
        year(as_of_dates.as_of_date) * 12 + month(as_of_dates.as_of_date) as month_number,
        row_number() over (order by as_of_dates.as_of_date) as date_number
    from {{ ref('as_of_dates') }} as as_of_dates
    cross join last_day_of_data
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
            when not is_month_end and as_of_date <> last_date then 'neither a month end nor the last day of the data'
            when as_of_date > last_date then 'the date lies in the future of the data'
        end as fault
    from dates_numbered
)

select * from judged
where fault is not null
