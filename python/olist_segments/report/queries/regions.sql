select
    state as region, max(as_of_date) as as_of_date, sum(customer_count) as customer_count,
    sum(customer_count) / sum(sum(customer_count)) over () as customer_share, sum(total_spend) as total_spend,
    sum(total_spend) / sum(customer_count) as spend_per_customer
from segment_geography
group by state
order by customer_count desc, state
