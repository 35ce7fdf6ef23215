with

outcomes as (
    select * from {{ ref('segment_outcomes').include(database=false) }}
    where segmentation = 'clusters_by_stage'
),

profiles as (
    select * from {{ ref('segment_lifecycle_profiles').include(database=false) }}
),

past as (
    select
        segment_key,
        count(distinct as_of_date) as observed_dates,
        cast(sum(ordered_again_count) as double) / sum(customer_count) as ordered_again_share,
        cast(sum(next_spend) as double) / sum(customer_count) as next_spend_per_customer
    from outcomes
    group by segment_key
),

expected as (
    select
        profiles.segment_key,
        profiles.stage_key,
        profiles.segment_stage_name,
        profiles.customer_count,
        past.observed_dates,
        past.ordered_again_share,
        past.next_spend_per_customer,
        profiles.customer_count * past.next_spend_per_customer as expected_spend,
        profiles.avg_review_score,
        profiles.recommended_action
    from profiles
    left join past on {{ segment_stage_key('profiles.segment_key', 'profiles.stage_key') }} = past.segment_key
),

final as (
    select
        segment_key,
        stage_key,
        segment_stage_name,
        customer_count,
        observed_dates,
        ordered_again_share,
        next_spend_per_customer,
        expected_spend,
        expected_spend / nullif(sum(expected_spend) over (), 0) as share_of_expected_spend,
        avg_review_score,
        recommended_action
    from expected
)

select * from final
order by next_spend_per_customer desc nulls last, segment_key, stage_key
