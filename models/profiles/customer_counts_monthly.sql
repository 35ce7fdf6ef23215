{{
    config(
        materialized='by_date',
        meta={'inputs': {
            'of_date': ['segment_months', 'lifecycle_stages_monthly'],
            'of_all': ['lifecycle_stages'],
            'known_otherwise': ['purchases'],
        }}
    )
}}

with

segment_months as (
    select * from {{ ref('segment_months') }}
    where as_of_date >= {{ first_date() }}
),

stage_months as (
    select * from {{ ref('lifecycle_stages_monthly') }}
    where as_of_date >= {{ first_date() }}
),

lifecycle_stages as (
    select * from {{ ref('lifecycle_stages') }}
),

purchases as (
    select * from {{ ref('purchases') }}
),

purchases_with_state_before as (
    select
        customer_unique_id,
        coalesce(state, 'unknown') as state,
        purchase_date,
        row_number() over (
            partition by customer_unique_id order by purchased_at nulls last, order_id nulls last
        ) as purchase_number,
        lag(coalesce(state, 'unknown')) over (
            partition by customer_unique_id order by purchased_at nulls last, order_id nulls last
        ) as state_before
    from purchases
),

-- Most customers have one state for good: only a purchase that went elsewhere begins another stretch.
stretches as (
    select
        customer_unique_id,
        state,
        purchase_date as from_date,
        lead(purchase_date) over (
            partition by customer_unique_id order by purchase_number
        ) as next_from_date
    from purchases_with_state_before
    where state_before is null or state <> state_before
),

final as (
    select
        segment_months.as_of_date,
        segment_months.is_newest,
        segment_months.segment_key,
        segment_months.segment_name,
        stage_months.stage_key,
        stage_months.stage_name,
        cast(lifecycle_stages.stage_number as integer) as stage_number,
        stretches.state,
        cast(count(*) as integer) as customer_count,
        cast(sum(segment_months.total_spend) as decimal(18, 2)) as total_spend,
        cast(sum(segment_months.review_count) as integer) as review_count,
        cast(
            coalesce(
                sum(cast(segment_months.avg_review_score * segment_months.review_count as decimal(18, 4))), 0
            ) as decimal(18, 4)
        ) as review_score_sum
    from segment_months
    inner join stage_months
        on
            segment_months.customer_unique_id = stage_months.customer_unique_id
            and segment_months.as_of_date = stage_months.as_of_date
    inner join lifecycle_stages on stage_months.stage_key = lifecycle_stages.stage_key
    inner join stretches
        on
            segment_months.customer_unique_id = stretches.customer_unique_id
            and segment_months.as_of_date >= stretches.from_date
            and (segment_months.as_of_date < stretches.next_from_date or stretches.next_from_date is null)
    group by 1, 2, 3, 4, 5, 6, 7, 8
)

select * from final
order by as_of_date, segment_key, stage_number, state
