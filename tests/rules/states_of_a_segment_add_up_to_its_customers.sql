with

in_states as (
    select
        segment_key,
        sum(customer_count) as customer_count,
        sum(total_spend) as total_spend,
        sum(share_of_segment) as share_of_segment
    from {{ ref('segment_geography') }}
    group by segment_key
),

profiles as (
    select * from {{ ref('segment_profiles') }}
)

select
    profiles.segment_key,
    profiles.customer_count,
    in_states.customer_count as customers_in_states,
    profiles.total_spend,
    in_states.total_spend as spend_in_states
from profiles
left join in_states on profiles.segment_key = in_states.segment_key
where
    in_states.segment_key is null
    or profiles.customer_count != in_states.customer_count
    or profiles.total_spend != in_states.total_spend
    or abs(in_states.share_of_segment - 1) > 1e-9
