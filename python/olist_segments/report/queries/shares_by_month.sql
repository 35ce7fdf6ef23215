select as_of_date, segment_key, segment_name, customer_count, customer_share, revenue_share
from segment_profiles_monthly
order by as_of_date, segment_key
