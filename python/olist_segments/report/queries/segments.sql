select
    segment_key, segment_name, as_of_date, customer_count, customer_share, total_spend, revenue_share, avg_total_spend
from segment_profiles
order by revenue_share desc, segment_key
