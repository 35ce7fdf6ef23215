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

repeated_items as (
    select
        order_id,
        order_item_number
    from raw_items
    group by order_id, order_item_number
    having count(*) > 1
),

items_left_out as (
    select raw_items.* from raw_items
    inner join repeated_items as repeated
        on raw_items.order_id = repeated.order_id and raw_items.order_item_number = repeated.order_item_number
    except all
    select staged_items.* from staged_items
    inner join repeated_items as repeated
        on staged_items.order_id = repeated.order_id and staged_items.order_item_number = repeated.order_item_number
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

repeated_payments as (
    select
        order_id,
        payment_number
    from raw_payments
    group by order_id, payment_number
    having count(*) > 1
),

payments_left_out as (
    select raw_payments.* from raw_payments
    inner join repeated_payments as repeated
        on raw_payments.order_id = repeated.order_id and raw_payments.payment_number = repeated.payment_number
    except all
    select staged_payments.* from staged_payments
    inner join repeated_payments as repeated
        on staged_payments.order_id = repeated.order_id and staged_payments.payment_number = repeated.payment_number
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
