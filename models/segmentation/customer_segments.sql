with

segments_monthly as (
    select * from {{ ref('customer_segments_monthly') }}
),

stages_monthly as (
    select * from {{ ref('lifecycle_stages_monthly') }}
),

features as (
    select * from {{ ref('customer_features') }}
),

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

-- Read from the table again: a CTE that is read twice is kept whole, all of history in this case.
today as (
    select segments_today.*
    from {{ ref('customer_segments_monthly') }} as segments_today
    inner join as_of_dates on segments_today.as_of_date = as_of_dates.as_of_date
    where as_of_dates.is_newest
),

-- One pass over history: it has a row per customer and date.
stays as (
    select
        segments_monthly.customer_unique_id,
        min(segments_monthly.as_of_date) as first_as_of_date,
        max(segments_monthly.as_of_date)
        filter (where segments_monthly.segment_key <> today.segment_key) as last_date_elsewhere,
        max_by(segments_monthly.segment_key, segments_monthly.as_of_date)
        filter (where segments_monthly.segment_key <> today.segment_key) as previous_segment_key,
        max_by(segments_monthly.segment_name, segments_monthly.as_of_date)
        filter (where segments_monthly.segment_key <> today.segment_key) as previous_segment_name
    from segments_monthly
    inner join today on segments_monthly.customer_unique_id = today.customer_unique_id
    group by segments_monthly.customer_unique_id
),

stages_today as (
    select
        customer_unique_id,
        stage_key,
        stage_name
    from {{ ref('lifecycle_stages_monthly') }}
    where is_newest
),

stage_stays as (
    select
        stages_monthly.customer_unique_id,
        min(stages_monthly.as_of_date) as first_as_of_date,
        max(stages_monthly.as_of_date)
        filter (where stages_monthly.stage_key <> stages_today.stage_key) as last_date_elsewhere
    from stages_monthly
    inner join stages_today on stages_monthly.customer_unique_id = stages_today.customer_unique_id
    group by stages_monthly.customer_unique_id
),

-- By the rule of segment_profiles, which is told of the segments of this table.
segment_flags as (
    select
        today.segment_key,
        {{
            is_dissatisfied(
                'cast(sum(cast(features.avg_review_score * features.review_count as decimal(18, 4))) as double)'
                ~ ' / nullif(sum(features.review_count), 0)'
            )
        }} as is_dissatisfied,
        {{ is_dormant('percentile_cont(0.5) within group (order by features.recency_days)') }} as is_dormant
    from today
    inner join features on today.customer_unique_id = features.customer_unique_id
    group by today.segment_key
),

final as (
    select
        today.customer_unique_id,
        today.as_of_date,
        today.segment_key,
        today.segment_name,
        segment_flags.is_dissatisfied,
        segment_flags.is_dormant,
        coalesce(next_dates.as_of_date, stays.first_as_of_date) as in_segment_since,
        stays.previous_segment_key,
        stays.previous_segment_name,
        stages_today.stage_key,
        stages_today.stage_name,
        coalesce(next_stage_dates.as_of_date, stage_stays.first_as_of_date) as in_stage_since,
        {{ segment_stage_name('today.segment_name', 'stages_today.stage_name') }} as segment_stage_name,
        today.segment_probability,
        today.segment_margin,
        today.runner_up_segment_key,
        today.model_version,
        features.is_review_missing,
        features.is_review_imputed,
        features.recency_days,
        features.purchase_day_count,
        features.order_count,
        features.total_spend,
        features.avg_review_score,
        features.state
    from today
    inner join stays on today.customer_unique_id = stays.customer_unique_id
    inner join stages_today on today.customer_unique_id = stages_today.customer_unique_id
    inner join stage_stays on today.customer_unique_id = stage_stays.customer_unique_id
    inner join features on today.customer_unique_id = features.customer_unique_id
    inner join segment_flags on today.segment_key = segment_flags.segment_key
    -- Somebody who is known at a date is known at all later ones.
    left join as_of_dates as next_dates on stays.last_date_elsewhere = next_dates.previous_as_of_date
    left join as_of_dates as next_stage_dates
        on stage_stays.last_date_elsewhere = next_stage_dates.previous_as_of_date
)

select * from final
order by customer_unique_id
