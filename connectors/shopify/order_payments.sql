-- The export names the ways of paying and not what came by each: one payment per order that is paid.
select
    order_id,
    1 as payment_sequential,
    payment_method as payment_type,
    net_amount as payment_value
from placed
where fate in ('purchase', 'refunded') and paid_at is not null
