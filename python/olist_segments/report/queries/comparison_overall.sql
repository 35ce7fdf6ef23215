select segmentation, date_count, ranking_auc, comparison_status, naive_comparison_status
from segmentation_comparison_overall
order by segmentation
