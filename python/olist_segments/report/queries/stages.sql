with today as (
    select
        stage_key, sum(customer_count) as customer_count, sum(customer_share) as customer_share,
        sum(total_spend) as total_spend, sum(revenue_share) as revenue_share
    from segment_lifecycle_profiles
    group by stage_key
)

select
    stages.stage_key, stages.stage_name, stages.stage_number, boundaries.from_days, boundaries.until_days,
    boundaries.return_share, boundaries.boundary_source,
    coalesce(today.customer_count, 0) as customer_count, coalesce(today.customer_share, 0) as customer_share,
    coalesce(today.total_spend, 0) as total_spend, coalesce(today.revenue_share, 0) as revenue_share
from lifecycle_boundaries as boundaries
inner join segment_versions as versions on boundaries.model_version = versions.model_version
inner join lifecycle_stages as stages on boundaries.stage_key = stages.stage_key
left join today on stages.stage_key = today.stage_key
where versions.is_in_force
order by stages.stage_number
