{{ config(materialized='view') }}

with

features as (
    select * from {{ ref('customer_features_monthly') }}
),

segments as (
    select * from {{ ref('customer_segments_monthly') }}
),

final as (
    select
        features.customer_unique_id,
        features.as_of_date,
        segments.segment_key,
        segments.segment_name,
        features.order_count,
        features.total_spend,
        features.review_count,
        features.avg_review_score
    from features
    inner join segments
        on
            features.customer_unique_id = segments.customer_unique_id
            and features.as_of_date = segments.as_of_date
)

select * from final
