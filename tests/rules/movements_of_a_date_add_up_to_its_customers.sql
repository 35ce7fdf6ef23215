-- Stays, moves and entries of a date are all its customers; moves of all reasons are all whose segment changed.
{%- set tables = ['customer_segments_monthly', 'segment_migrations_monthly'] %}
with

migrations as (
    select * from {{ ref('segment_migrations_monthly') }}
    where {{ dates_to_test(tables) }}
),

segments_monthly as (
    select * from {{ ref('customer_segments_monthly') }}
    where
        {{ dates_to_test(tables) }}
        or as_of_date in (
            select dates.previous_as_of_date
            from {{ ref('as_of_dates') }} as dates
            where {{ dates_to_test(tables, 'dates.') }}
        )
),

in_table as (
    select
        as_of_date,
        sum(case when reason <> 'exited' then customer_count end) as customer_count,
        coalesce(
            sum(
                case
                    when
                        reason in (
                            'bought_again', 'review_arrived', 'delivery_arrived', 'clock_only', 'model_changed',
                            'several_reasons'
                        )
                        then customer_count
                end
            ), 0
        ) as mover_count
    from migrations
    group by as_of_date
),

-- From the labels alone, by another way: each customer's label beside the one of the date before.
labels_in_sequence as (
    select
        as_of_date,
        segment_key,
        lag(segment_key) over (partition by customer_unique_id order by as_of_date) as key_before
    from segments_monthly
),

recounted as (
    select
        labels_in_sequence.as_of_date,
        count(*) as customer_count,
        count(case when labels_in_sequence.key_before <> labels_in_sequence.segment_key then 1 end) as mover_count
    from labels_in_sequence
    cross join (select min(as_of_date) as as_of_date from segments_monthly) as earliest
    where labels_in_sequence.as_of_date > earliest.as_of_date
    group by labels_in_sequence.as_of_date
)

select
    recounted.as_of_date,
    recounted.customer_count as customers_recounted,
    in_table.customer_count as customers_in_table,
    recounted.mover_count as movers_recounted,
    in_table.mover_count as movers_in_table
from recounted
full outer join in_table on recounted.as_of_date = in_table.as_of_date
where
    recounted.customer_count is distinct from in_table.customer_count
    or recounted.mover_count is distinct from in_table.mover_count
