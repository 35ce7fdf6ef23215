select
    'everybody' as segmentation, as_of_date, outcome_until, 'everybody' as segment_key, 'Everybody' as segment_name,
    customer_count, ordered_again_count, ordered_again_share, ordered_again_low, ordered_again_high,
    1.0::double as ordered_again_lift, next_spend_per_customer
from outcomes_of_everybody
where is_newest
union all
select
    segmentation, as_of_date, outcome_until, segment_key, segment_name, customer_count, ordered_again_count,
    ordered_again_share, ordered_again_low, ordered_again_high, ordered_again_lift, next_spend_per_customer
from segment_outcomes
where is_newest and segmentation in ('clusters', 'rfm')
order by segmentation, ordered_again_share desc, segment_key
