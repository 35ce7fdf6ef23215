select
    campaign, as_of_date, outcome_until, observed_until, is_complete, promised_outcome, priority, arm_count,
    customer_count, treated_count, holdout_count, forgotten_count, taken_over_count, segment_names, stage_names,
    smallest_uplift, largest_imbalance, order_count, revenue, finding
from campaigns
order by as_of_date desc, campaign
