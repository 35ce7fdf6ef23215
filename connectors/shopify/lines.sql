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

weighted as (
    select
        *,
        -- Lines that cost nothing share alike.
        case when sum(line_cents) over (partition by order_id) > 0 then line_cents else 1 end as weight
    from lines_of_orders
),

summed as (
    select
        *,
        cast(sum(weight) over (partition by order_id) as bigint) as all_weights,
        row_number() over (partition by order_id order by weight desc, line_number) as size_rank
    from weighted
),

-- Rounded down to whole cents; a double may be one too high where the share is a whole number.
divided as (
    select
        *,
        cast(floor(cast(order_cents as double) * weight / all_weights) as bigint) as about
    from summed
),

shared as (
    select
        *,
        case when about * all_weights > order_cents * weight then about - 1 else about end as cents
    from divided
),

rounded as (
    select
        *,
        cast(sum(cents) over (partition by order_id) as bigint) as all_cents
    from shared
)

select
    order_id,
    line_number,
    product_id,
    vendor,
    quantity,
    cast(
        (case when size_rank = 1 then cents + order_cents - all_cents else cents end) * 0.01 as decimal(18, 2)
    ) as amount,
    -- Freight is known of the order alone.
    case when line_number = 1 then freight_amount else cast(0 as decimal(18, 2)) end as freight
from rounded
