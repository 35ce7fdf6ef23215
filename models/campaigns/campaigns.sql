with

campaign_log as (
    select * from {{ source('campaigns', 'campaign_log') }}
),

campaign_members as (
    select * from {{ ref('campaign_members') }}
),

campaign_balance as (
    select * from {{ ref('campaign_balance') }}
),

campaign_results as (
    select * from {{ ref('campaign_results') }}
),

logged as (
    select
        campaign,
        as_of_date,
        launched_at,
        priority,
        promised_outcome,
        outcome_days,
        expected_share,
        smallest_uplift,
        cast({{ dbt.dateadd('day', 'outcome_days', 'as_of_date') }} as date) as outcome_until,
        count(distinct arm) as arm_count,
        {{ listed_text('segment_name') }} as segment_names,
        {{ listed_text('stage_name') }} as stage_names,
        max(model_version) as model_version,
        max(forecast_version) as forecast_version
    from campaign_log
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9
),

members_counted as (
    select
        campaign,
        max(observed_until) as observed_until,
        bool_and(is_complete) as is_complete,
        count(*) as customer_count,
        count(case when is_holdout then 1 end) as holdout_count,
        count(case when is_forgotten then 1 end) as forgotten_count,
        count(taken_over_by) as taken_over_count,
        coalesce(sum(order_count), 0) as order_count,
        coalesce(sum(revenue), 0) as revenue
    from campaign_members
    group by campaign
),

imbalances as (
    select
        campaign,
        max(abs(standardised_difference)) as largest_imbalance
    from campaign_balance
    group by campaign
),

findings as (
    select
        campaign,
        {{ listed_text("arm || ': ' || verdict_sentence", '; ') }} as finding
    from campaign_results
    where is_promised and grouping = 'all'
    group by campaign
),

final as (
    select
        logged.campaign,
        logged.as_of_date,
        logged.launched_at,
        logged.priority,
        logged.promised_outcome,
        logged.outcome_days,
        logged.outcome_until,
        members_counted.observed_until,
        members_counted.is_complete,
        cast(logged.arm_count as integer) as arm_count,
        cast(members_counted.customer_count as integer) as customer_count,
        cast(members_counted.customer_count - members_counted.holdout_count as integer) as treated_count,
        cast(members_counted.holdout_count as integer) as holdout_count,
        cast(members_counted.forgotten_count as integer) as forgotten_count,
        cast(members_counted.taken_over_count as integer) as taken_over_count,
        logged.segment_names,
        logged.stage_names,
        logged.model_version,
        logged.forecast_version,
        logged.expected_share,
        logged.smallest_uplift,
        imbalances.largest_imbalance,
        cast(members_counted.order_count as integer) as order_count,
        cast(members_counted.revenue as decimal(18, 2)) as revenue,
        coalesce(findings.finding, 'nobody of it is known any more') as finding
    from logged
    inner join members_counted on logged.campaign = members_counted.campaign
    left join imbalances on logged.campaign = imbalances.campaign
    left join findings on logged.campaign = findings.campaign
)

select * from final
order by campaign
