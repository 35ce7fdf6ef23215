-- Recomputed from staging: an order with five items is one order.
with

valid_purchases as (
    select
        orders.order_id,
        customers.customer_unique_id,
        cast(orders.purchased_at as date) as purchase_date
    from {{ ref('stg_olist__orders') }} as orders
    inner join {{ ref('stg_olist__customers') }} as customers on orders.customer_id = customers.customer_id
    where
        not {{ is_among("coalesce(orders.order_status, 'unknown')", var('invalid_order_statuses')) }}
        and orders.purchased_at is not null
        and orders.order_id in (select items.order_id from {{ ref('stg_olist__order_items') }} as items)
),

features as (
    select * from {{ ref('customer_features_monthly') }}
),

orders_known as (
    select
        features.customer_unique_id,
        features.as_of_date,
        features.order_count,
        count(distinct valid_purchases.order_id) as expected_order_count
    from features
    left join valid_purchases
        on
            features.customer_unique_id = valid_purchases.customer_unique_id
            and features.as_of_date >= valid_purchases.purchase_date
    group by features.customer_unique_id, features.as_of_date, features.order_count
)

select * from orders_known
where order_count <> expected_order_count
