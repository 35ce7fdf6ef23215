-- Recomputed from staging at every as-of date: purchased and answered by the end of that day. A review without a score
-- or answered at a time that can't be is known on no date.
with

valid_purchases as (
    select
        orders.order_id,
        customers.customer_unique_id,
        orders.purchased_at,
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

reviews as (
    select
        valid_purchases.customer_unique_id,
        valid_purchases.purchase_date,
        reviews.answered_at,
        reviews.review_score
    from {{ ref('stg_olist__order_reviews') }} as reviews
    inner join valid_purchases on reviews.order_id = valid_purchases.order_id
    where
        reviews.review_score is not null
        and reviews.answered_at between
        valid_purchases.purchased_at
        and valid_purchases.purchased_at + interval '{{ var("max_days_after_purchase").review }} days'
),

expected as (
    select
        features.customer_unique_id,
        features.as_of_date,
        features.review_count,
        features.avg_review_score,
        features.worst_review_score,
        count(reviews.review_score) as expected_count,
        avg(cast(reviews.review_score as double)) as expected_score,
        min(reviews.review_score) as expected_worst_score
    from features
    left join reviews
        on
            features.customer_unique_id = reviews.customer_unique_id
            and features.as_of_date >= reviews.purchase_date
            and features.as_of_date >= cast(reviews.answered_at as date)
    group by
        features.customer_unique_id,
        features.as_of_date,
        features.review_count,
        features.avg_review_score,
        features.worst_review_score
)

select * from expected
where
    review_count <> expected_count
    or coalesce(worst_review_score, 0) <> coalesce(expected_worst_score, 0)
    or abs(coalesce(avg_review_score, 0) - coalesce(expected_score, 0)) > 1e-9
    or (avg_review_score is null) <> (expected_score is null)
