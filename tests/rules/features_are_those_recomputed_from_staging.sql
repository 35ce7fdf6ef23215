-- The features of every customer and as-of date, recomputed from staging by another way: every purchase, delivery and
-- review counts from the day on which it was known. The column broken_rule names what differs.
{%- set limits = var('max_days_after_purchase') %}
with

customers as (
    select * from {{ ref('stg_olist__customers') }}
),

items as (
    select
        order_id,
        sum(price + freight) as amount,
        sum(quantity) as item_count
    from {{ ref('stg_olist__order_items') }}
    group by order_id
),

valid_purchases as (
    select
        orders.*,
        customers.customer_unique_id,
        items.amount,
        items.item_count,
        cast(orders.purchased_at as date) as purchase_date
    from {{ ref('stg_olist__orders') }} as orders
    inner join customers on orders.customer_id = customers.customer_id
    -- An order without items is no purchase.
    inner join items on orders.order_id = items.order_id
    where
        not {{ is_among("coalesce(orders.order_status, 'unknown')", var('invalid_order_statuses')) }}
        and orders.purchased_at is not null
),

events as (
    select
        customer_unique_id,
        purchase_date as known_date,
        purchase_date,
        1 as order_count,
        amount,
        item_count,
        cast(null as integer) as delivery_days,
        cast(null as double) as is_late,
        cast(null as integer) as review_score
    from valid_purchases
    union all
    select
        customer_unique_id,
        cast(delivered_at as date) as known_date,
        cast(null as date) as purchase_date,
        0 as order_count,
        0 as amount,
        0 as item_count,
        {{ dbt.datediff('purchase_date', 'cast(delivered_at as date)', 'day') }} as delivery_days,
        case
            when
                estimated_delivery_at between
                purchase_date and purchase_date + interval '{{ limits.delivery }} days'
                then case when delivered_at > estimated_delivery_at then 1.0e0 else 0.0e0 end
        end as is_late,
        cast(null as integer) as review_score
    from valid_purchases
    where delivered_at between purchased_at and purchased_at + interval '{{ limits.delivery }} days'
    union all
    select
        valid_purchases.customer_unique_id,
        cast(reviews.answered_at as date) as known_date,
        cast(null as date) as purchase_date,
        0 as order_count,
        0 as amount,
        0 as item_count,
        cast(null as integer) as delivery_days,
        cast(null as double) as is_late,
        reviews.review_score
    from {{ ref('stg_olist__order_reviews') }} as reviews
    inner join valid_purchases on reviews.order_id = valid_purchases.order_id
    where
        reviews.review_score is not null
        and reviews.answered_at between
        valid_purchases.purchased_at and valid_purchases.purchased_at + interval '{{ limits.review }} days'
),

expected as (
    select
        events.customer_unique_id,
        as_of_dates.as_of_date,
        max(events.purchase_date) as last_purchase_date,
        sum(events.order_count) as order_count,
        sum(events.amount) as total_spend,
        sum(events.item_count) as item_count,
        count(events.delivery_days) as delivered_order_count,
        avg(cast(events.delivery_days as double)) as avg_delivery_days,
        avg(events.is_late) as late_delivery_share,
        count(events.review_score) as review_count,
        avg(cast(events.review_score as double)) as avg_review_score,
        min(events.review_score) as worst_review_score
    from events
    inner join {{ ref('as_of_dates') }} as as_of_dates on events.known_date <= as_of_dates.as_of_date
    where {{ dates_to_test(['customer_features_monthly'], 'as_of_dates.') }}
    group by events.customer_unique_id, as_of_dates.as_of_date
),

features as (
    select * from {{ ref('customer_features_monthly') }}
    where {{ dates_to_test(['customer_features_monthly']) }}
),

compared as (
    select
        coalesce(expected.customer_unique_id, features.customer_unique_id) as customer_unique_id,
        coalesce(expected.as_of_date, features.as_of_date) as as_of_date,
        case
            when features.customer_unique_id is null or expected.customer_unique_id is null
                then 'every customer with a valid purchase has features, and nobody else'
            when
                features.recency_days
                <> {{ dbt.datediff('expected.last_purchase_date', 'features.as_of_date', 'day') }}
                then 'recency is days since the last valid purchase'
            when features.order_count <> expected.order_count
                then 'order count counts orders, not items'
            when features.total_spend <> expected.total_spend or features.item_count <> expected.item_count
                then 'spend is items plus freight of the purchases known'
            when
                features.delivered_order_count <> expected.delivered_order_count
                or (features.late_delivery_share is null) <> (expected.late_delivery_share is null)
                or abs(coalesce(features.late_delivery_share - expected.late_delivery_share, 0)) > 1e-9
                or abs(coalesce(features.avg_delivery_days, 0) - coalesce(expected.avg_delivery_days, 0)) > 1e-9
                then 'delivery features use only deliveries by the date'
            when
                features.review_count <> expected.review_count
                or coalesce(features.worst_review_score, 0) <> coalesce(expected.worst_review_score, 0)
                or (features.avg_review_score is null) <> (expected.avg_review_score is null)
                or abs(coalesce(features.avg_review_score - expected.avg_review_score, 0)) > 1e-9
                then 'review features use only reviews answered by the date'
        end as broken_rule
    from expected
    full outer join features
        on
            expected.customer_unique_id = features.customer_unique_id
            and expected.as_of_date = features.as_of_date
)

select * from compared
where broken_rule is not null
