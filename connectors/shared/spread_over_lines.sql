{#-
  Common table expressions that spread what is left of an order over its lines, in proportion to what they cost; lines
  that cost nothing share alike. Cents are rounded down, and the largest line takes those that this leaves.

  Reads lines_of_orders: order_id, line_number (from 1), order_cents (to spread), line_cents (what the line cost, at
  least 0), freight_amount. Gives spread: the same with amount, and freight on the first line.
-#}
weighted as (
    select
        *,
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
),

spread as (
    select
        *,
        cast(
            (case when size_rank = 1 then cents + order_cents - all_cents else cents end) * 0.01 as decimal(18, 2)
        ) as amount,
        -- Freight is known of the order alone.
        case when line_number = 1 then freight_amount else cast(0 as decimal(18, 2)) end as freight
    from rounded
)
