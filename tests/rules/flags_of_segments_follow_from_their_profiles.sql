-- Told anew from the figures that stand beside the flags.
select
    as_of_date,
    segment_key,
    avg_review_score,
    median_recency_days,
    is_dissatisfied,
    is_dormant
from {{ ref('segment_profiles_monthly') }}
where
    is_dissatisfied <> (coalesce(avg_review_score, 5.01) <= {{ var('dissatisfied_up_to_score') }})
    or is_dormant <> (median_recency_days > {{ var('dormant_after_days') }})
