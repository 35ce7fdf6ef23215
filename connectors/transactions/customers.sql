select
    order_id as customer_id,
    customer as customer_unique_id
from transactions_numbered
