with

members as (
    select
        campaign,
        arm,
        count(*) as customer_count,
        count(case when has_ordered then 1 end) as ordered_count,
        sum(revenue) as revenue
    from {{ ref('campaign_members') }}
    where not is_forgotten and not is_holdout
    group by campaign, arm
),

results as (
    select
        campaign,
        arm,
        grouping,
        sum(case when outcome = 'ordered_share' then customer_count end) as customer_count,
        sum(case when outcome = 'ordered_share' then value * customer_count end) as ordered_count,
        sum(case when outcome = 'revenue_per_customer' then value * customer_count end) as revenue
    from {{ ref('campaign_results') }}
    group by campaign, arm, grouping
),

groupings as (
    select distinct grouping from results
),

expected as (
    select
        members.*,
        groupings.grouping
    from members
    cross join groupings
)

select
    expected.campaign,
    expected.arm,
    expected.grouping,
    expected.customer_count,
    results.customer_count as result_customer_count
from expected
left join results
    on
        expected.campaign = results.campaign
        and expected.arm = results.arm
        and expected.grouping = results.grouping
where
    results.customer_count is null
    or results.customer_count <> expected.customer_count
    or abs(results.ordered_count - expected.ordered_count) > 0.001
    or abs(results.revenue - cast(expected.revenue as double)) > 0.01
