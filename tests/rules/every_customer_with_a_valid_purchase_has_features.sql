-- At every as-of date: exactly the customers with a valid purchase by then, nobody missing and nobody more.
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

expected as (
    select distinct
        valid_purchases.customer_unique_id,
        as_of_dates.as_of_date
    from valid_purchases
    inner join {{ ref('as_of_dates') }} as as_of_dates on valid_purchases.purchase_date <= as_of_dates.as_of_date
),

features as (
    select
        customer_unique_id,
        as_of_date
    from {{ ref('customer_features_monthly') }}
)

select
    expected.customer_unique_id as expected_customer,
    features.customer_unique_id as found_customer,
    coalesce(expected.as_of_date, features.as_of_date) as as_of_date
from expected
full outer join features
    on expected.customer_unique_id = features.customer_unique_id and expected.as_of_date = features.as_of_date
where expected.customer_unique_id is null or features.customer_unique_id is null
