with

-- Straight from the files: a customer is customer_unique_id, and counts when an order points at one of the records.
persons as (
    select
        raw_customers.customer_unique_id,
        count(distinct raw_orders.order_id) as order_count
    from {{ source('olist', 'olist_orders_dataset') }} as raw_orders
    inner join {{ ref('stg_olist__customers') }} as raw_customers on raw_orders.customer_id = raw_customers.customer_id
    group by raw_customers.customer_unique_id
),

customers as (
    select
        customer_unique_id,
        count(*) as row_count,
        max(order_count) as order_count
    from {{ ref('customers') }}
    group by customer_unique_id
)

select
    coalesce(persons.customer_unique_id, customers.customer_unique_id) as customer_unique_id,
    customers.row_count,
    customers.order_count,
    persons.order_count as expected_order_count
from persons
full outer join customers on persons.customer_unique_id = customers.customer_unique_id
where coalesce(customers.row_count, 0) <> 1 or coalesce(persons.order_count, 0) <> customers.order_count
