-- One total from two sides: the valid purchases of orders that have a customer, and the customers.
with

orders as (
    select coalesce(sum(order_total), 0) as total from {{ ref('orders') }}
    where is_valid_purchase and customer_unique_id is not null
),

customers as (
    select coalesce(sum(total_spend), 0) as total from {{ ref('customers') }}
)

select
    orders.total as orders_total,
    customers.total as customers_total
from orders
cross join customers
where orders.total <> customers.total
