-- To the cent, with dirty input too: what the files hold is in orders, belongs to no order, or is a left-out duplicate.
with

orders as (
    select * from {{ ref('orders') }}
),

raw_items as (
    select
        order_id,
        cast(order_item_id as integer) as order_item_number,
        product_id,
        seller_id,
        cast(shipping_limit_date as timestamp) as shipping_limit_at,
        cast(price as decimal(18, 2)) as price,
        cast(freight_value as decimal(18, 2)) as freight
    from {{ source('olist', 'olist_order_items_dataset') }}
),

staged_items as (
    select order_id, order_item_number, product_id, seller_id, shipping_limit_at, price, freight
    from {{ ref('stg_olist__order_items') }}
),

items_left_out as (
    select * from raw_items
    except all
    select * from staged_items
),

items_of_no_order as (
    select * from staged_items
    where order_id not in (select order_id from orders)
),

raw_payments as (
    select
        order_id,
        cast(payment_sequential as integer) as payment_number,
        payment_type,
        cast(payment_installments as integer) as installments,
        cast(payment_value as decimal(18, 2)) as amount
    from {{ source('olist', 'olist_order_payments_dataset') }}
),

staged_payments as (
    select order_id, payment_number, payment_type, installments, amount
    from {{ ref('stg_olist__order_payments') }}
),

payments_left_out as (
    select * from raw_payments
    except all
    select * from staged_payments
),

payments_of_no_order as (
    select * from staged_payments
    where order_id not in (select order_id from orders)
),

totals as (
    select
        'items' as amount_name,
        (select sum(price) from raw_items) as raw_total,
        (select sum(item_total) from orders) as orders_total,
        (select sum(price) from items_of_no_order) as no_order_total,
        (select sum(price) from items_left_out) as left_out_total
    union all
    select
        'freight',
        (select sum(freight) from raw_items),
        (select sum(freight_total) from orders),
        (select sum(freight) from items_of_no_order),
        (select sum(freight) from items_left_out)
    union all
    select
        'items and freight',
        (select sum(price + freight) from raw_items),
        (select sum(order_total) from orders),
        (select sum(price + freight) from items_of_no_order),
        (select sum(price + freight) from items_left_out)
    union all
    select
        'payments',
        (select sum(amount) from raw_payments),
        (select sum(payment_total) from orders),
        (select sum(amount) from payments_of_no_order),
        (select sum(amount) from payments_left_out)
    union all
    select
        'number of items',
        (select count(*) from raw_items),
        (select sum(item_count) from orders),
        (select count(*) from items_of_no_order),
        (select count(*) from items_left_out)
    union all
    select
        'number of payments',
        (select count(*) from raw_payments),
        (select sum(payment_count) from orders),
        (select count(*) from payments_of_no_order),
        (select count(*) from payments_left_out)
)

select * from totals
where
    coalesce(raw_total, 0)
    <> coalesce(orders_total, 0) + coalesce(no_order_total, 0) + coalesce(left_out_total, 0)
