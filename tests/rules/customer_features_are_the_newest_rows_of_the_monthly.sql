{%- set columns = [
    'customer_unique_id', 'as_of_date', 'first_purchase_date', 'last_purchase_date', 'recency_days', 'tenure_days',
    'purchase_day_count', 'order_count', 'item_count', 'total_spend', 'average_order_value', 'freight_share',
    'max_installments', 'review_count', 'avg_review_score', 'worst_review_score', 'is_review_missing',
    'delivered_order_count', 'late_delivery_share', 'avg_delivery_days',
] -%}

with

-- The newest date is found among the rows themselves: as_of_dates.is_newest is what is tested.
newest as (
    select max(as_of_date) as as_of_date from {{ ref('customer_features_monthly') }}
),

newest_rows as (
    select features.*
    from {{ ref('customer_features_monthly') }} as features
    inner join newest on features.as_of_date = newest.as_of_date
),

differences as (
    {{ test_same_rows_as(ref('customer_features'), 'newest_rows', columns) }}
)

select * from differences
