select
    segmentation, as_of_date, outcome_until, segment_key, segment_name, customer_count, ordered_again_count,
    ordered_again_share, ordered_again_low, ordered_again_high, ordered_again_lift, next_spend_a_head
from segment_outcomes
where as_of_date = (select max(as_of_date) from segment_outcomes)
order by segmentation, ordered_again_share desc, segment_key
