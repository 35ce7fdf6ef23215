select
    months_since_first,
    count(*) as cohort_count,
    sum(customer_count) as customer_count,
    sum(returned_customer_count) as returned_customer_count,
    sum(returned_customer_count) / sum(customer_count) as returned_share
from acquisition_cohorts
where is_in_window and is_whole_month
group by months_since_first
order by months_since_first
