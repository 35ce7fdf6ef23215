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
        cast(freight_value as decimal(18, 2)) as freight,
        coalesce(cast(quantity as integer), 1) as quantity
    from {{ source('olist', 'olist_order_items_dataset') }}
),

staged_items as (
    select
        order_id,
        order_item_number,
        product_id,
        seller_id,
        shipping_limit_at,
        price,
        freight,
        quantity
    from {{ ref('stg_olist__order_items') }}
),

items_left_out as (
    select * from raw_items
    except all
    select * from staged_items
),

items_of_no_order as (
    select * from staged_items
    where order_id not in (select orders.order_id from orders)
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
    select
        order_id,
        payment_number,
        payment_type,
        installments,
        amount
    from {{ ref('stg_olist__order_payments') }}
),

payments_left_out as (
    select * from raw_payments
    except all
    select * from staged_payments
),

payments_of_no_order as (
    select * from staged_payments
    where order_id not in (select orders.order_id from orders)
),

totals as (
    {%- for amount_name, table, figure, orders_figure in [
        ('items', 'items', 'sum(price)', 'sum(item_total)'),
        ('freight', 'items', 'sum(freight)', 'sum(freight_total)'),
        ('items and freight', 'items', 'sum(price + freight)', 'sum(order_total)'),
        ('payments', 'payments', 'sum(amount)', 'sum(payment_total)'),
        ('number of items', 'items', 'sum(quantity)', 'sum(item_count)'),
        ('number of payments', 'payments', 'count(*)', 'sum(payment_count)'),
    ] %}
    {{ "union all" if not loop.first }}
    select
        {{ sql_text(amount_name) }} as amount_name,
        (select {{ figure }} from raw_{{ table }}) as raw_total,
        (select {{ orders_figure }} from orders) as orders_total,
        (select {{ figure }} from {{ table }}_of_no_order) as no_order_total,
        (select {{ figure }} from {{ table }}_left_out) as left_out_total
    {%- endfor %}
)

select * from totals
where
    coalesce(raw_total, 0)
    <> coalesce(orders_total, 0) + coalesce(no_order_total, 0) + coalesce(left_out_total, 0)
