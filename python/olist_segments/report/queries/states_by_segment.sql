select
    geography.segment_key, geography.segment_name, geography.as_of_date, geography.state, geography.state_name,
    states.tile_row, states.tile_column, geography.customer_count, geography.share_of_segment,
    geography.share_of_state, geography.concentration,
    sum(geography.customer_count) over (partition by geography.state) as state_customer_count
from segment_geography as geography
inner join brazil_states as states on geography.state = states.state
inner join segment_profiles as profiles on geography.segment_key = profiles.segment_key
order by profiles.revenue_share desc, geography.segment_key, geography.state
