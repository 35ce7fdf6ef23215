select
    max(as_of_date) as as_of_date,
    sum(customer_count) as customer_count,
    sum(repeat_buyer_share * customer_count) / sum(customer_count) as came_back_share
from segment_profiles
