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
    category,
    seller,
    quantity,
    cast(
        (case when size_rank = 1 then cents + order_cents - all_cents else cents end) * 0.01 as decimal(18, 2)
    ) as amount,
    -- Freight is known of the order alone.
    case when line_number = 1 then freight_amount else cast(0 as decimal(18, 2)) end as freight
from rounded
