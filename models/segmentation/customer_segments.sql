with

segments_monthly as (
    select * from {{ ref('customer_segments_monthly') }}
),

features as (
    select * from {{ ref('customer_features') }}
),

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

today as (
    select segments_monthly.*
    from segments_monthly
    inner join as_of_dates on segments_monthly.as_of_date = as_of_dates.as_of_date
    where as_of_dates.is_newest
),

-- The last date on which the customer was somewhere else than today.
last_elsewhere as (
    select
        segments_monthly.customer_unique_id,
        max(segments_monthly.as_of_date) as as_of_date
    from segments_monthly
    inner join today on segments_monthly.customer_unique_id = today.customer_unique_id
    where segments_monthly.segment_key <> today.segment_key
    group by segments_monthly.customer_unique_id
),

segment_before as (
    select
        last_elsewhere.customer_unique_id,
        last_elsewhere.as_of_date,
        segments_monthly.segment_key,
        segments_monthly.segment_name
    from last_elsewhere
    inner join segments_monthly
        on
            last_elsewhere.customer_unique_id = segments_monthly.customer_unique_id
            and last_elsewhere.as_of_date = segments_monthly.as_of_date
),

since as (
    select
        segments_monthly.customer_unique_id,
        min(segments_monthly.as_of_date) as in_segment_since
    from segments_monthly
    left join last_elsewhere on segments_monthly.customer_unique_id = last_elsewhere.customer_unique_id
    where last_elsewhere.as_of_date is null or segments_monthly.as_of_date > last_elsewhere.as_of_date
    group by segments_monthly.customer_unique_id
),

final as (
    select
        today.customer_unique_id,
        today.as_of_date,
        today.segment_key,
        today.segment_name,
        since.in_segment_since,
        segment_before.segment_key as previous_segment_key,
        segment_before.segment_name as previous_segment_name,
        today.segment_probability,
        today.runner_up_segment_key,
        today.model_version,
        features.is_review_imputed,
        features.recency_days,
        features.order_count,
        features.total_spend,
        features.avg_review_score,
        features.state
    from today
    inner join since on today.customer_unique_id = since.customer_unique_id
    inner join features on today.customer_unique_id = features.customer_unique_id
    left join segment_before on today.customer_unique_id = segment_before.customer_unique_id
)

select * from final
order by customer_unique_id
