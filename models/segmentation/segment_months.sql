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
        segments.customer_unique_id,
        segments.as_of_date,
        segments.is_newest,
        segments.model_version,
        segments.segment_key,
        segments.segment_name,
        segments.segment_probability,
        segments.runner_up_segment_key,
        features.first_purchase_date,
        features.last_purchase_date,
        features.recency_days,
        features.tenure_days,
        features.purchase_day_count,
        features.order_count,
        features.item_count,
        features.total_spend,
        features.average_order_value,
        features.freight_share,
        features.max_installments,
        features.review_count,
        features.avg_review_score,
        features.worst_review_score,
        features.is_review_missing,
        features.is_review_imputed,
        features.delivered_order_count,
        features.late_delivery_share,
        features.avg_delivery_days
    from segments
    inner join features
        on
            segments.customer_unique_id = features.customer_unique_id
            and segments.as_of_date = features.as_of_date
)

select * from final
