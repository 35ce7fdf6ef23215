with

moves as (
    select * from {{ ref('segment_migrations_monthly').include(database=false) }}
    where is_move
),

newest as (
    select as_of_date from {{ ref('as_of_dates').include(database=false) }}
    where is_newest
),

outcomes as (
    select * from {{ ref('segment_outcomes').include(database=false) }}
    where segmentation = 'clusters'
),

-- What a member of each segment has spent in the period after a date, over all dates observed.
worth as (
    select
        segment_key,
        cast(sum(next_spend) as double) / sum(customer_count) as next_spend_per_customer
    from outcomes
    group by segment_key
),

last_moves as (
    select
        moves.from_segment_key,
        moves.to_segment_key,
        cast(sum(moves.customer_count) as integer) as customer_count,
        sum(moves.total_spend) as total_spend,
        sum(moves.spend_since_previous) as spend_since_previous
    from moves
    inner join newest on moves.as_of_date = newest.as_of_date
    group by moves.from_segment_key, moves.to_segment_key
),

final as (
    select
        last_moves.from_segment_key,
        last_moves.to_segment_key,
        last_moves.customer_count,
        last_moves.total_spend,
        last_moves.spend_since_previous,
        worth_before.next_spend_per_customer as next_spend_per_customer_before,
        worth_now.next_spend_per_customer as next_spend_per_customer_now,
        last_moves.customer_count * (worth_now.next_spend_per_customer - worth_before.next_spend_per_customer)
            as expected_spend_change
    from last_moves
    left join worth as worth_before on last_moves.from_segment_key = worth_before.segment_key
    left join worth as worth_now on last_moves.to_segment_key = worth_now.segment_key
)

select * from final
order by expected_spend_change nulls last, from_segment_key, to_segment_key
