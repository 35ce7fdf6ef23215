select
    moves.as_of_date, stages.stage_key, stages.stage_name, stages.stage_number,
    sum(moves.customer_count) as customer_count, sum(moves.spend_since_previous) as spend_since_previous
from lifecycle_moves_monthly as moves
inner join lifecycle_stages as stages on moves.from_stage_key = stages.stage_key
where moves.reason = 'came_back'
group by moves.as_of_date, stages.stage_key, stages.stage_name, stages.stage_number
order by moves.as_of_date, stages.stage_number
