select
    order_id,
    order_id as customer_id,
    case
        when fate in ('canceled', 'refunded', 'unavailable') then fate
        when status = 'completed' then 'shipped'
        when status = 'on-hold' then 'created'
        else 'processing'
    end as order_status,
    ordered_at as order_purchase_timestamp,
    paid_at as order_approved_at
from placed
where fate in ('purchase', 'canceled', 'refunded', 'unavailable')
