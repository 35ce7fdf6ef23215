-- Stays, moves and entries of a date are all its customers; moves of all reasons are all whose stage changed.
{%- set tables = ['lifecycle_stages_monthly', 'lifecycle_moves_monthly'] %}
with

moves as (
    select * from {{ ref('lifecycle_moves_monthly') }}
    where {{ dates_to_test(tables) }}
),

stages_monthly as (
    select * from {{ ref('lifecycle_stages_monthly') }}
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
        coalesce(sum(case when is_move then customer_count end), 0) as mover_count
    from moves
    group by as_of_date
),

-- From the stages alone, by another way: each customer's stage beside the one of the date before.
stages_in_sequence as (
    select
        as_of_date,
        stage_key,
        lag(stage_key) over (partition by customer_unique_id order by as_of_date) as key_before
    from stages_monthly
),

recounted as (
    select
        stages_in_sequence.as_of_date,
        count(*) as customer_count,
        count(case when stages_in_sequence.key_before <> stages_in_sequence.stage_key then 1 end) as mover_count
    from stages_in_sequence
    cross join (select min(as_of_date) as as_of_date from stages_monthly) as earliest
    where stages_in_sequence.as_of_date > earliest.as_of_date
    group by stages_in_sequence.as_of_date
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
