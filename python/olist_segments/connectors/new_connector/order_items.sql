-- One row per line of an order; price is the amount of the whole line. Files with a total alone: one line per order.
select
    order_number as order_id,
    row_number() over (partition by order_number order by file_name, file_row) as order_item_id,
    product as product_id,
    quantity,
    cast(amount as decimal(18, 2)) as price,
    0 as freight_value
from order_lines
where email is not null and not {{ test_account }}
