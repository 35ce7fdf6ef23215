-- A segment is dissatisfied or dormant by one rule, whichever table one asks.
with

flags as (
    select distinct
        'customer_segments' as table_name,
        segment_key,
        is_dissatisfied,
        is_dormant
    from {{ ref('customer_segments') }}
    union all
    select
        'segment_profiles' as table_name,
        segment_key,
        is_dissatisfied,
        is_dormant
    from {{ ref('segment_profiles') }}
    union all
    select
        'segment_profiles_monthly' as table_name,
        segment_key,
        is_dissatisfied,
        is_dormant
    from {{ ref('segment_profiles_monthly') }}
    where is_newest
)

select
    segment_key,
    is_dissatisfied,
    is_dormant,
    count(*) as tables
from flags
group by segment_key, is_dissatisfied, is_dormant
having count(*) <> 3
