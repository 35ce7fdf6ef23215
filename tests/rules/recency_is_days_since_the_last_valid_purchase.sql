-- Recomputed from staging: no valid purchase lies between the one that recency points at and the as-of date.
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

purchases_known as (
    select
        features.customer_unique_id,
        features.as_of_date,
        features.recency_days,
        {{ dbt.datediff('valid_purchases.purchase_date', 'features.as_of_date', 'day') }} as days_since_purchase
    from features
    left join valid_purchases
        on
            features.customer_unique_id = valid_purchases.customer_unique_id
            and features.as_of_date >= valid_purchases.purchase_date
)

select
    customer_unique_id,
    as_of_date,
    recency_days,
    min(days_since_purchase) as days_since_last_purchase
from purchases_known
group by customer_unique_id, as_of_date, recency_days
having coalesce(min(days_since_purchase), -1) <> recency_days
