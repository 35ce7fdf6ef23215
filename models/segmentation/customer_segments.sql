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

moves as (
    select * from {{ ref('segment_move_reasons') }}
),

versions as (
    select * from {{ ref('segment_versions') }}
),

segments as (
    select * from {{ ref('segments') }}
),

-- A segment may be renamed by a later version.
names_of_dates as (
    select
        as_of_dates.as_of_date,
        segments.segment_key,
        segments.segment_name
    from as_of_dates
    inner join versions on as_of_dates.as_of_date between versions.in_force_from and versions.in_force_until
    inner join segments on versions.model_version = segments.model_version
),

today as (
    select segments_monthly.*
    from segments_monthly
    inner join as_of_dates on segments_monthly.as_of_date = as_of_dates.as_of_date
    where as_of_dates.is_newest
),

-- Those who moved are few: the segments of all dates need not be read to know since when one holds.
last_moves as (
    select
        customer_unique_id,
        max(as_of_date) as as_of_date,
        max(previous_as_of_date) as previous_as_of_date,
        max_by(from_segment_key, as_of_date) as from_segment_key
    from moves
    group by customer_unique_id
),

-- Somebody who is known at a date is known at all later ones.
first_dates as (
    select
        days.first_purchase_date,
        min(as_of_dates.as_of_date) as as_of_date
    from (select distinct first_purchase_date from features) as days
    inner join as_of_dates on days.first_purchase_date <= as_of_dates.as_of_date
    group by days.first_purchase_date
),

stages_today as (
    select
        customer_unique_id,
        stage_key,
        stage_name
    from {{ ref('lifecycle_stages_monthly') }}
    where is_newest
),

-- One pass over history: it has a row per customer and date.
stage_stays as (
    select
        stages_monthly.customer_unique_id,
        max(stages_monthly.as_of_date) as last_date_elsewhere
    from stages_monthly
    inner join stages_today
        on
            stages_monthly.customer_unique_id = stages_today.customer_unique_id
            and stages_monthly.stage_key <> stages_today.stage_key
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
        coalesce(last_moves.as_of_date, first_dates.as_of_date) as in_segment_since,
        last_moves.from_segment_key as previous_segment_key,
        names_of_dates.segment_name as previous_segment_name,
        stages_today.stage_key,
        stages_today.stage_name,
        coalesce(next_stage_dates.as_of_date, first_dates.as_of_date) as in_stage_since,
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
    inner join stages_today on today.customer_unique_id = stages_today.customer_unique_id
    inner join features on today.customer_unique_id = features.customer_unique_id
    inner join first_dates on features.first_purchase_date = first_dates.first_purchase_date
    inner join segment_flags on today.segment_key = segment_flags.segment_key
    left join last_moves on today.customer_unique_id = last_moves.customer_unique_id
    left join names_of_dates
        on
            last_moves.previous_as_of_date = names_of_dates.as_of_date
            and last_moves.from_segment_key = names_of_dates.segment_key
    left join stage_stays on today.customer_unique_id = stage_stays.customer_unique_id
    left join as_of_dates as next_stage_dates
        on stage_stays.last_date_elsewhere = next_stage_dates.previous_as_of_date
)

select * from final
order by customer_unique_id
