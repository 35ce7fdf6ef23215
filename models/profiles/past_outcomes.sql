{{
    config(
        materialized='by_date',
        meta={'inputs': {
            'of_date': ['past_customers', 'past_segments', 'past_lifecycle_boundaries'],
            'dates': 'outcome_dates',
            'change_together': true,
        }}
    )
}}

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

staged as (
    {{ past_places('past_customers', 'past_segments', 'boundaries') | indent(4) }}
),

grouped as (
    select
        as_of_date,
        segment_number,
        stage_number,
        rfm_segment_key,
        purchase_day_count > 1 as has_come_back,
        recency_days,
        count(*) as customer_count,
        sum(case when has_ordered_again then 1 else 0 end) as ordered_again_count,
        sum(next_spend) as next_spend
    from staged
    group by 1, 2, 3, 4, 5, 6
),

final as (
    select
        as_of_date,
        cast(
            row_number() over (
                partition by as_of_date
                order by
                    segment_number nulls last,
                    stage_number nulls last,
                    rfm_segment_key nulls last,
                    has_come_back nulls last,
                    recency_days nulls last
            ) as integer
        ) as group_number,
        segment_number,
        cast(stage_number as integer) as stage_number,
        rfm_segment_key,
        has_come_back,
        recency_days,
        cast(customer_count as integer) as customer_count,
        cast(ordered_again_count as integer) as ordered_again_count,
        cast(next_spend as decimal(18, 2)) as next_spend
    from grouped
)

select * from final
order by as_of_date, group_number
