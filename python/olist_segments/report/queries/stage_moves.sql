with dates as (
    select as_of_date
    from as_of_dates
    order by as_of_date desc
    limit 12
)

select
    moves.as_of_date, moves.previous_as_of_date, moves.from_stage_key, moves.to_stage_key,
    moves.from_stage_name, moves.to_stage_name, moves.reason, moves.customer_count, moves.total_spend
from lifecycle_moves_monthly as moves
inner join dates on moves.as_of_date = dates.as_of_date
where moves.is_move
order by moves.as_of_date desc, moves.customer_count desc, moves.from_stage_key, moves.to_stage_key, moves.reason
