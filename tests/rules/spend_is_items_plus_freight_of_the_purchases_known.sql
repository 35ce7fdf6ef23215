-- Recomputed from the items of staging, item by item, without the totals of orders.
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

item_amounts as (
    select
        valid_purchases.customer_unique_id,
        valid_purchases.purchase_date,
        items.price + items.freight as amount,
        items.freight,
        items.quantity
    from {{ ref('stg_olist__order_items') }} as items
    inner join valid_purchases on items.order_id = valid_purchases.order_id
),

features as (
    select * from {{ ref('customer_features_monthly') }}
),

expected as (
    select
        features.customer_unique_id,
        features.as_of_date,
        features.total_spend,
        features.item_count,
        sum(item_amounts.amount) as expected_spend,
        sum(item_amounts.quantity) as expected_item_count
    from features
    left join item_amounts
        on
            features.customer_unique_id = item_amounts.customer_unique_id
            and features.as_of_date >= item_amounts.purchase_date
    group by features.customer_unique_id, features.as_of_date, features.total_spend, features.item_count
)

select * from expected
where total_spend <> coalesce(expected_spend, -1) or item_count <> expected_item_count
