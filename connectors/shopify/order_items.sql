select
    order_id,
    line_number as order_item_id,
    product_id,
    vendor as seller_id,
    amount as price,
    freight as freight_value,
    quantity
from lines
