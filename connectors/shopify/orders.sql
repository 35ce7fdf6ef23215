select
    order_id,
    order_id as customer_id,
    case
        when fate in ('canceled', 'refunded') then fate
        when fulfilled_at is not null then 'shipped'
        when financial_status in ('pending', 'authorized') then 'created'
        else 'approved'
    end as order_status,
    created_at as order_purchase_timestamp,
    paid_at as order_approved_at,
    -- When the shop sent it: the export does not know when it arrived.
    fulfilled_at as order_delivered_carrier_date
from placed
where fate in ('purchase', 'canceled', 'refunded')
