{{
    config(
        materialized='by_date',
        meta={'inputs': {
            'of_date': [
                'customer_segments_monthly', 'lifecycle_stages_monthly', 'rfm_segments_monthly', 'next_purchases',
                'outcome_dates',
            ],
            'known_otherwise': ['outcomes_of_everybody'],
            'dates': 'outcome_dates',
        }}
    )
}}

{#- segmentation, key and name of the segment in it -#}
{%- set segmentations = [
    ('clusters', 'groups.segment_key', 'groups.segment_name'),
    (
        'clusters_by_stage',
        segment_stage_key('groups.segment_key', 'groups.stage_key'),
        segment_stage_name('groups.segment_name', 'groups.stage_name'),
    ),
    ('rfm', 'groups.rfm_segment_key', 'groups.rfm_segment_name'),
] -%}
with

customer_segments as (
    select * from {{ ref('customer_segments_monthly') }}
    where as_of_date >= {{ first_date() }}
),

lifecycle_stages as (
    select * from {{ ref('lifecycle_stages_monthly') }}
    where as_of_date >= {{ first_date() }}
),

rfm_segments as (
    select * from {{ ref('rfm_segments_monthly') }}
    where as_of_date >= {{ first_date() }}
),

everybody as (
    select * from {{ ref('outcomes_of_everybody') }}
),

outcome_dates as (
    select * from {{ ref('outcome_dates') }}
),

next_purchases as (
    select * from {{ ref('next_purchases') }}
    where as_of_date >= {{ first_date() }}
),

-- Counted once by all groupings together: three times fewer joins than each by itself.
groups as (
    select
        customer_segments.as_of_date,
        customer_segments.segment_key,
        customer_segments.segment_name,
        lifecycle_stages.stage_key,
        lifecycle_stages.stage_name,
        rfm_segments.rfm_segment_key,
        rfm_segments.rfm_segment_name,
        {{ outcome_sums() | indent(8) }}
    from customer_segments
    inner join outcome_dates on customer_segments.as_of_date = outcome_dates.as_of_date
    inner join lifecycle_stages
        on
            customer_segments.customer_unique_id = lifecycle_stages.customer_unique_id
            and customer_segments.as_of_date = lifecycle_stages.as_of_date
    inner join rfm_segments
        on
            customer_segments.customer_unique_id = rfm_segments.customer_unique_id
            and customer_segments.as_of_date = rfm_segments.as_of_date
    left join next_purchases
        on
            customer_segments.customer_unique_id = next_purchases.customer_unique_id
            and customer_segments.as_of_date = next_purchases.as_of_date
    group by 1, 2, 3, 4, 5, 6, 7
),

memberships as (
    {%- for segmentation, segment_key, segment_name in segmentations %}
    {{ "union all" if not loop.first }}
    select
        '{{ segmentation }}' as segmentation,
        {{ segment_key }} as member_of,
        {{ segment_name }} as member_of_name,
        groups.*
    from groups
    {%- endfor %}
),

outcomes as (
    select
        memberships.segmentation,
        memberships.as_of_date,
        outcome_dates.outcome_until,
        memberships.member_of as segment_key,
        memberships.member_of_name as segment_name,
        {%- for column in [
            'customer_count', 'ordered_again_count', 'next_order_count', 'next_spend', 'next_spend_squared',
            'next_review_sum', 'next_review_count',
        ] %}
        sum(memberships.{{ column }}) as {{ column }}{{ "," if not loop.last }}
        {%- endfor %}
    from memberships
    inner join outcome_dates on memberships.as_of_date = outcome_dates.as_of_date
    group by 1, 2, 3, 4, 5
),

final as (
    select
        outcomes.segmentation,
        outcomes.as_of_date,
        everybody.is_newest,
        outcomes.outcome_until,
        outcomes.segment_key,
        outcomes.segment_name,
        cast(outcomes.customer_count as integer) as customer_count,
        cast(outcomes.ordered_again_count as integer) as ordered_again_count,
        cast(outcomes.ordered_again_count as double) / outcomes.customer_count as ordered_again_share,
        {{ wilson_bound('outcomes.ordered_again_count', 'outcomes.customer_count', 'low') }} as ordered_again_low,
        {{ wilson_bound('outcomes.ordered_again_count', 'outcomes.customer_count', 'high') }} as ordered_again_high,
        (cast(outcomes.ordered_again_count as double) / outcomes.customer_count)
        / nullif(everybody.ordered_again_share, 0) as ordered_again_lift,
        cast(outcomes.next_order_count as integer) as next_order_count,
        cast(outcomes.next_spend as decimal(18, 2)) as next_spend,
        cast(outcomes.next_spend as double) / outcomes.customer_count as next_spend_per_customer,
        cast(outcomes.next_spend as double) / outcomes.customer_count as next_spend_a_head,
        (cast(outcomes.next_spend as double) / outcomes.customer_count)
        / nullif(everybody.next_spend_per_customer, 0) as next_spend_lift,
        cast(outcomes.next_spend_squared as double) as next_spend_squared,
        cast(outcomes.next_review_count as integer) as next_review_count,
        cast(outcomes.next_review_sum as double) / nullif(outcomes.next_review_count, 0) as next_review_score
    from outcomes
    inner join everybody on outcomes.as_of_date = everybody.as_of_date
)

select * from final
order by as_of_date, segmentation, segment_key
