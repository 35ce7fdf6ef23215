-- The export names the way of paying and not what came by it: one payment per order that is paid.
select
    order_id,
    1 as payment_sequential,
    payment_method as payment_type,
    net_amount as payment_value
from placed
where fate in ('purchase', 'refunded') and payment_method is not null
