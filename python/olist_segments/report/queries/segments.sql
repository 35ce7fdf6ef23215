select
    segment_key, segment_name, as_of_date, customer_count, customer_share, share_of_reviewed, total_spend,
    revenue_share, avg_total_spend
from segment_profiles
order by revenue_share desc, segment_key
