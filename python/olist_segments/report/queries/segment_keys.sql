select
    segment_key,
    min(model_version) as first_version,
    min_by(customer_count, model_version) as customers_at_first
from segments
group by segment_key
order by first_version, customers_at_first desc, segment_key
