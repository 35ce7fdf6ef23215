{{ config(materialized='view') }}

-- The name that customer_months had before; kept for one release.
with

customer_months as (
    select * from {{ ref('customer_months') }}
),

final as (
    select
        customer_unique_id,
        as_of_date,
        segment_key,
        segment_name,
        purchase_day_count,
        order_count,
        total_spend,
        review_count,
        avg_review_score
    from customer_months
)

select * from final
