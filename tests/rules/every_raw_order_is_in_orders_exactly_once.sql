with

raw_orders as (
    select distinct order_id from {{ source('olist', 'olist_orders_dataset') }}
),

orders as (
    select
        order_id,
        count(*) as row_count
    from {{ ref('orders') }}
    group by order_id
)

select
    raw_orders.order_id as raw_order_id,
    orders.order_id,
    orders.row_count
from raw_orders
full outer join orders on raw_orders.order_id = orders.order_id
where raw_orders.order_id is null or orders.order_id is null or orders.row_count <> 1
