with

shops as (
    select count(*) as shop_count from {{ ref('shop') }}
),

-- In a build without rows there is no shop.
all_orders as (
    select count(*) as order_count from {{ ref('orders') }}
)

select
    shops.shop_count,
    all_orders.order_count
from shops
cross join all_orders
where shops.shop_count > 1 or (shops.shop_count = 0 and all_orders.order_count > 0)
