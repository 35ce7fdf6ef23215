-- One row per line of an order that is kept. What is left of the order's total behind freight and refunds is spread
-- over its lines in proportion to quantity times price; the largest line takes the cents that rounding leaves.
with

line_rows as (
    select
        file_name,
        file_row,
        name as order_id,
        coalesce(lineitem_sku, lineitem_name) as product_id,
        vendor,
        coalesce(try_cast(lineitem_quantity as integer), 1) as quantity,
        coalesce(try_cast(lineitem_price as decimal(18, 2)), 0) as price
    from orders_export
    where lineitem_name is not null or lineitem_price is not null
),

-- An order without a line is one line, if it was worth anything.
lines_of_orders as (
    select
        placed.order_id,
        line_rows.product_id,
        line_rows.vendor,
        placed.freight_amount,
        case when line_rows.quantity > 1 then line_rows.quantity else 1 end as quantity,
        cast((placed.net_amount - placed.freight_amount) * 100 as bigint) as order_cents,
        cast(coalesce(line_rows.quantity * line_rows.price, 0) * 100 as bigint) as line_cents,
        row_number() over (partition by placed.order_id order by line_rows.file_row) as line_number
    from placed
    left join line_rows
        on placed.order_id = line_rows.order_id and placed.file_name = line_rows.file_name
    where
        placed.fate in ('purchase', 'canceled', 'refunded')
        and (line_rows.order_id is not null or placed.net_amount > 0)
),

{% include 'shared/spread_over_lines.sql' %}

select
    order_id,
    line_number,
    product_id,
    vendor,
    quantity,
    amount,
    freight
from spread
