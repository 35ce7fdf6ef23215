with

profiles as (
    select * from {{ ref('segment_lifecycle_profiles') }}
),

campaigns as (
    select * from {{ ref('campaigns') }}
),

campaign_results as (
    select * from {{ ref('campaign_results') }}
),

-- Of the newest finished campaign the arm that most of them got.
tries_ranked as (
    select
        campaign_results.*,
        campaigns.as_of_date,
        campaigns.outcome_until,
        row_number() over (
            partition by campaign_results.segment_key, campaign_results.stage_key
            order by
                campaigns.as_of_date desc nulls last,
                campaigns.launched_at desc nulls last,
                campaigns.campaign nulls last,
                campaign_results.customer_count desc nulls last,
                campaign_results.arm nulls last
        ) as try_rank
    from campaign_results
    inner join campaigns on campaign_results.campaign = campaigns.campaign
    where
        campaigns.is_complete
        and campaign_results.grouping = 'kind_and_stage'
        and campaign_results.outcome = 'revenue_per_customer'
),

tries as (
    select * from tries_ranked
    where try_rank = 1
),

final as (
    select
        profiles.segment_key,
        profiles.segment_name,
        profiles.stage_key,
        profiles.stage_name,
        profiles.recommended_action,
        tries.campaign,
        tries.arm,
        tries.as_of_date,
        tries.outcome_until,
        tries.customer_count,
        tries.earned_total,
        tries.earned_low,
        tries.earned_high,
        tries.verdict,
        tries.verdict_sentence
    from profiles
    left join tries
        on
            profiles.segment_key = tries.segment_key
            and profiles.stage_key = tries.stage_key
)

select * from final
order by segment_key, stage_key
