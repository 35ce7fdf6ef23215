select cohort_month, months_since_first, customer_count, active_customer_count, active_share
from acquisition_cohorts
where is_in_window and is_whole_month and months_since_first >= 1
order by cohort_month, months_since_first
