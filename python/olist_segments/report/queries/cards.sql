select
    profiles.segment_key, profiles.segment_name, profiles.as_of_date,
    profiles.meaning, profiles.recommended_action, profiles.channel, profiles.kpi, profiles.stop_rule,
    profiles.customer_count, profiles.customer_share, profiles.is_dissatisfied, profiles.share_of_reviewed,
    profiles.total_spend, profiles.revenue_share,
    profiles.avg_total_spend, profiles.median_total_spend, profiles.median_recency_days, profiles.avg_order_count,
    profiles.repeat_buyer_share, profiles.avg_review_score, profiles.late_delivery_share,
    profiles.top_categories, profiles.top_states, profiles.holdout_share,
    profiles.smallest_detectable_share, profiles.smallest_detectable_spend_difference, profiles.is_doubling_detectable,
    outcomes.as_of_date as outcome_from, outcomes.outcome_until,
    outcomes.ordered_again_share, outcomes.next_spend_per_customer
from segment_profiles as profiles
left join segment_outcomes as outcomes
    on
        profiles.segment_key = outcomes.segment_key
        and outcomes.segmentation = 'clusters'
        and outcomes.is_newest
order by profiles.revenue_share desc, profiles.segment_key
