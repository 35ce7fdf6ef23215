-- One row per line of an order that is kept. What is left of the order's total behind freight and refunds is spread
-- over its lines in proportion to their prices; the largest line takes the cents that rounding leaves.
with

line_rows as (
    select
        file_name,
        file_row,
        order_id,
        product_id,
        category,
        seller,
        coalesce(cast(try_cast(quantity as decimal(18, 2)) as integer), 1) as quantity,
        coalesce(
            try_cast(line_total as decimal(18, 2)),
            coalesce(try_cast(quantity as decimal(18, 2)), 1) * try_cast(unit_price as decimal(18, 2)),
            0
        ) as line_amount
    from entries
    -- A line of which every unit came back is no line.
    where is_line and (quantity is null or try_cast(quantity as decimal(18, 2)) > 0)
),

-- An order without a line is one line, if it was worth anything.
lines_of_orders as (
    select
        placed.order_id,
        line_rows.product_id,
        line_rows.category,
        line_rows.seller,
        placed.freight_amount,
        case when line_rows.quantity > 1 then line_rows.quantity else 1 end as quantity,
        cast((placed.net_amount - placed.freight_amount) * 100 as bigint) as order_cents,
        cast(
            round(case when line_rows.line_amount > 0 then line_rows.line_amount else 0 end * 100) as bigint
        ) as line_cents,
        row_number() over (partition by placed.order_id order by line_rows.file_row) as line_number
    from placed
    left join line_rows
        on
            placed.order_id = line_rows.order_id and placed.file_name = line_rows.file_name
            -- The other rows of an order are its refunds.
            and (placed.source_name = 'order_export' or placed.file_row = line_rows.file_row)
    where
        placed.fate in ('purchase', 'canceled', 'refunded', 'unavailable')
        and (line_rows.order_id is not null or placed.net_amount > 0)
),

{% include 'shared/spread_over_lines.sql' %}

select
    order_id,
    line_number,
    product_id,
    category,
    seller,
    quantity,
    amount,
    freight
from spread
