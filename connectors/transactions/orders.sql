select
    order_id,
    order_id as customer_id,
    'paid' as order_status,
    date as order_purchase_timestamp
from transactions_numbered
