{{
    config(
        materialized='by_date',
        meta={'inputs': {
            'of_date': ['past_customers', 'past_segments', 'past_lifecycle_boundaries'],
            'known_otherwise': ['outcome_dates', 'segment_outcomes'],
            'dates': 'outcome_dates',
            'change_together': true,
        }}
    )
}}

{#- What was known on a date: the outcomes of dates whose period had ended by then. -#}
with

past_customers as (
    select * from {{ ref('past_customers') }}
),

past_segments as (
    select * from {{ ref('past_segments') }}
),

boundaries as (
    select * from {{ ref('past_lifecycle_boundaries') }}
),

rfm_outcomes as (
    select * from {{ ref('segment_outcomes') }}
    where segmentation = 'rfm'
),

outcome_dates as (
    select * from {{ ref('outcome_dates') }}
),

known_dates as (
    select
        outcome_dates.as_of_date,
        earlier.as_of_date as known_as_of_date
    from outcome_dates
    inner join outcome_dates as earlier on outcome_dates.as_of_date >= earlier.outcome_until
),

-- The model and the boundaries of the later date say where customers stood on the earlier ones.
by_kind_and_stage as (
    select
        known_dates.as_of_date,
        past_segments.segment_number,
        {{ lifecycle_stage_number('past_customers', 'boundaries') | indent(8) }} as stage_number,
        count(*) as customer_count,
        sum(case when past_customers.has_ordered_again then 1 else 0 end) as ordered_again_count
    from known_dates
    inner join past_customers on known_dates.known_as_of_date = past_customers.as_of_date
    inner join past_segments
        on
            known_dates.as_of_date = past_segments.as_of_date
            and past_customers.likeness_number = past_segments.likeness_number
    inner join boundaries on known_dates.as_of_date = boundaries.as_of_date
    group by 1, 2, 3
),

known_outcomes as (
    select
        'clusters' as segmentation,
        as_of_date,
        {{ past_segment_key('segment_number') }} as segment_key,
        sum(customer_count) as customer_count,
        sum(ordered_again_count) as ordered_again_count
    from by_kind_and_stage
    group by 1, 2, 3
    union all
    select
        'clusters_by_stage' as segmentation,
        as_of_date,
        {{ past_segment_key('segment_number', 'stage_number') }} as segment_key,
        customer_count,
        ordered_again_count
    from by_kind_and_stage
    union all
    select
        'rfm' as segmentation,
        known_dates.as_of_date,
        rfm_outcomes.segment_key,
        sum(rfm_outcomes.customer_count) as customer_count,
        sum(rfm_outcomes.ordered_again_count) as ordered_again_count
    from known_dates
    inner join rfm_outcomes on known_dates.known_as_of_date = rfm_outcomes.as_of_date
    group by 1, 2, 3
),

final as (
    select
        segmentation,
        as_of_date,
        segment_key,
        cast(customer_count as bigint) as customer_count,
        cast(ordered_again_count as bigint) as ordered_again_count,
        cast(ordered_again_count as double) / customer_count as expected_share,
        -- Of segments that nobody has stood in yet, no more is expected than of everybody.
        cast(sum(ordered_again_count) over (partition by segmentation, as_of_date) as double)
        / sum(customer_count) over (partition by segmentation, as_of_date) as expected_share_of_everybody
    from known_outcomes
)

select * from final
order by segmentation, as_of_date, segment_key
