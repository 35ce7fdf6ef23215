with

rfm_segments_monthly as (
    select * from {{ ref('rfm_segments_monthly') }}
),

final as (
    select
        customer_unique_id,
        as_of_date,
        recency_score,
        frequency_score,
        monetary_score,
        rfm_segment_key,
        rfm_segment_name
    from rfm_segments_monthly
    where is_newest
)

select * from final
order by customer_unique_id
