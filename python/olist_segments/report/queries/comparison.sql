select
    as_of_date, outcome_until, segmentation, segment_count, customer_count, ranking_auc, auc_minus_rfm, auc_minus_rfm_low,
    auc_minus_rfm_high, auc_minus_naive, auc_minus_naive_low, auc_minus_naive_high, value_explained, comparison_status
from segmentation_comparison
order by as_of_date, segmentation
