select
    invoice as order_id,
    line_number as order_item_id,
    stock_code as product_id,
    quantity,
    amount as price,
    freight as freight_value
from sold_lines
