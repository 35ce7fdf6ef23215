-- The files tell no articles: each transaction is one item.
select
    order_id,
    1 as order_item_id,
    amount as price,
    0 as freight_value
from transactions_numbered
