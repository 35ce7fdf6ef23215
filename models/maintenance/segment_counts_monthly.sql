{{
    config(
        materialized='by_date',
        meta={'inputs': {
            'of_date': ['segment_months'],
            'of_date_before': ['segment_months'],
            'known_otherwise': ['customer_segments_at_switch'],
        }}
    )
}}

with

segment_months as (
    select * from {{ ref('segment_months') }}
    where as_of_date >= {{ first_date() }}
),

segments_at_switch as (
    select * from {{ ref('customer_segments_at_switch') }}
    where as_of_date >= {{ first_date() }}
),

-- A date is labelled by the version in force then; the first date of a version by the one before as well.
labels_of_dates as (
    select
        as_of_date,
        model_version,
        recency_days,
        is_review_missing,
        segment_key
    from segment_months
    union all
    select
        segment_months.as_of_date,
        segments_at_switch.earlier_model_version as model_version,
        segment_months.recency_days,
        segment_months.is_review_missing,
        segments_at_switch.segment_key_by_earlier_version as segment_key
    from segments_at_switch
    inner join segment_months
        on
            segments_at_switch.customer_unique_id = segment_months.customer_unique_id
            and segments_at_switch.as_of_date = segment_months.as_of_date
),

final as (
    select
        as_of_date,
        model_version,
        {{ is_recent_buyer() }} as is_recent_buyer,
        not is_review_missing as is_reviewed,
        segment_key,
        cast(count(*) as integer) as customer_count
    from labels_of_dates
    group by 1, 2, 3, 4, 5
)

select * from final
order by as_of_date, model_version, is_recent_buyer, is_reviewed, segment_key
