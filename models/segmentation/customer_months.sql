{{ config(materialized='view') }}

with

segment_months as (
    select * from {{ ref('segment_months') }}
),

lifecycle_stages as (
    select * from {{ ref('lifecycle_stages_monthly') }}
),

rfm_segments as (
    select * from {{ ref('rfm_segments_monthly') }}
),

final as (
    select
        segment_months.customer_unique_id,
        segment_months.as_of_date,
        segment_months.is_newest,
        segment_months.model_version,
        segment_months.segment_key,
        segment_months.segment_name,
        segment_months.segment_probability,
        segment_months.runner_up_segment_key,
        lifecycle_stages.stage_key,
        lifecycle_stages.stage_name,
        rfm_segments.recency_score,
        rfm_segments.frequency_score,
        rfm_segments.monetary_score,
        rfm_segments.rfm_segment_key,
        rfm_segments.rfm_segment_name,
        segment_months.first_purchase_date,
        segment_months.last_purchase_date,
        segment_months.recency_days,
        segment_months.tenure_days,
        segment_months.purchase_day_count,
        segment_months.order_count,
        segment_months.item_count,
        segment_months.total_spend,
        segment_months.average_order_value,
        segment_months.freight_share,
        segment_months.max_installments,
        segment_months.review_count,
        segment_months.avg_review_score,
        segment_months.worst_review_score,
        segment_months.is_review_missing,
        segment_months.is_review_imputed,
        segment_months.delivered_order_count,
        segment_months.late_delivery_share,
        segment_months.avg_delivery_days
    from segment_months
    left join lifecycle_stages
        on
            segment_months.customer_unique_id = lifecycle_stages.customer_unique_id
            and segment_months.as_of_date = lifecycle_stages.as_of_date
    left join rfm_segments
        on
            segment_months.customer_unique_id = rfm_segments.customer_unique_id
            and segment_months.as_of_date = rfm_segments.as_of_date
)

select * from final
