with today as (
    select
        'kind' as grouping_name, 1 as grouping_number, segment_key as group_key, segment_name as group_name,
        row_number() over (order by revenue_share desc, segment_key) as place, customer_count, total_spend
    from segment_profiles
    union all
    select
        'stage' as grouping_name, 2 as grouping_number, stage_key as group_key, stage_name as group_name,
        stage_number as place, sum(customer_count) as customer_count, sum(total_spend) as total_spend
    from segment_lifecycle_profiles
    group by stage_key, stage_name, stage_number
),

published_before as (
    select
        'kind' as grouping_name, 1 as grouping_number, segment_key as group_key, segment_name as group_name,
        1000 as place, customer_count, total_spend
    from before.segment_profiles
    union all
    select
        'stage' as grouping_name, 2 as grouping_number, stage_key as group_key, stage_name as group_name,
        stage_number as place, sum(customer_count) as customer_count, sum(total_spend) as total_spend
    from before.segment_lifecycle_profiles
    group by stage_key, stage_name, stage_number
)

select
    grouping_name, group_key, coalesce(today.group_name, published_before.group_name) as group_name,
    coalesce(published_before.customer_count, 0) as customers_before,
    coalesce(today.customer_count, 0) as customers_now,
    coalesce(today.customer_count, 0) - coalesce(published_before.customer_count, 0) as customer_difference,
    coalesce(published_before.total_spend, 0) as spend_before,
    coalesce(today.total_spend, 0) as spend_now,
    coalesce(today.total_spend, 0) - coalesce(published_before.total_spend, 0) as spend_difference
from today
full join published_before using (grouping_name, grouping_number, group_key)
order by grouping_number, coalesce(today.place, published_before.place), group_key
