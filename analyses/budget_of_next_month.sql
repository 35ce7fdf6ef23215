with

forecasts as (
    select * from {{ ref('segment_forecasts').include(database=false) }}
),

profiles as (
    select * from {{ ref('segment_lifecycle_profiles').include(database=false) }}
),

final as (
    select
        profiles.segment_key,
        profiles.stage_key,
        profiles.segment_stage_name,
        profiles.customer_count,
        forecasts.order_probability,
        forecasts.expected_orders,
        forecasts.expected_revenue,
        forecasts.expected_revenue / profiles.customer_count as expected_revenue_per_customer,
        forecasts.expected_revenue / nullif(sum(forecasts.expected_revenue) over (), 0) as share_of_expected_revenue,
        forecasts.forecast_model,
        forecasts.is_abstaining,
        profiles.ordered_again_share,
        profiles.next_spend_per_customer,
        profiles.avg_review_score,
        profiles.recommended_action
    from profiles
    left join forecasts
        on profiles.segment_key = forecasts.segment_key and profiles.stage_key = forecasts.stage_key
)

select * from final
order by expected_revenue_per_customer desc nulls last, segment_key, stage_key
