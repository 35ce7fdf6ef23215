with dates as (
    select as_of_date
    from as_of_dates
    order by as_of_date desc
    limit 12
)

select
    moves.as_of_date, moves.previous_as_of_date, moves.from_segment_key, moves.to_segment_key,
    coalesce(left_segment.segment_name, moves.from_segment_key) as from_segment_name,
    coalesce(entered_segment.segment_name, moves.to_segment_key) as to_segment_name,
    moves.reason, moves.customer_count, moves.total_spend
from segment_migrations_monthly as moves
inner join dates on moves.as_of_date = dates.as_of_date
left join segment_profiles_monthly as left_segment
    on
        moves.previous_as_of_date = left_segment.as_of_date
        and moves.from_segment_key = left_segment.segment_key
left join segment_profiles_monthly as entered_segment
    on
        moves.as_of_date = entered_segment.as_of_date
        and moves.to_segment_key = entered_segment.segment_key
where moves.is_move
order by
    moves.as_of_date desc, moves.customer_count desc, moves.from_segment_key, moves.to_segment_key, moves.reason
