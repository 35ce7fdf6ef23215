select
    profiles.segment_key, profiles.segment_name, profiles.stage_key, profiles.stage_name, profiles.stage_number,
    profiles.as_of_date, profiles.customer_count, profiles.customer_share, profiles.total_spend, profiles.revenue_share,
    profiles.avg_total_spend, profiles.avg_review_score, profiles.recommended_action, profiles.action_source,
    profiles.outcome_customer_count, profiles.ordered_again_share, profiles.ordered_again_low,
    profiles.ordered_again_high, profiles.next_spend_per_customer, profiles.holdout_share,
    profiles.smallest_detectable_share, profiles.smallest_detectable_spend_difference, profiles.is_doubling_detectable
from segment_lifecycle_profiles as profiles
inner join segment_profiles as kinds on profiles.segment_key = kinds.segment_key
order by kinds.revenue_share desc, profiles.segment_key, profiles.stage_number
