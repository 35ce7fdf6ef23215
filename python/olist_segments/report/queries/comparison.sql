select as_of_date, outcome_until, segmentation, segment_count, customer_count, ranking_auc, value_explained, comparison_status
from segmentation_comparison
order by as_of_date, segmentation
