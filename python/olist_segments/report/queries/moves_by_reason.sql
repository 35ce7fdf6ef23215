with known as (
    select as_of_date, sum(customer_count) as known_customer_count
    from segment_migrations_monthly
    where from_segment_key <> 'not_yet_a_customer'
    group by as_of_date
)

select
    moves.as_of_date,
    moves.reason,
    sum(moves.customer_count) as customer_count,
    any_value(known.known_customer_count) as known_customer_count,
    sum(moves.customer_count) / any_value(known.known_customer_count) as customer_share
from segment_migrations_monthly as moves
inner join known on moves.as_of_date = known.as_of_date
where moves.is_move
group by moves.as_of_date, moves.reason
order by moves.as_of_date, moves.reason
