select
    order_id as customer_id,
    email as customer_unique_id,
    -- Of a Brazilian zip code the first five digits are the place.
    case when country in ('BR', 'Brazil') then substring(zip, 1, 5) else zip end as customer_zip_code_prefix,
    city as customer_city,
    province as customer_state
from placed
where fate in ('purchase', 'canceled', 'refunded')
