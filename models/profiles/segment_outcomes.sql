{%- set period = var('outcome_days') -%}
with

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

segments_monthly as (
    select * from {{ ref('customer_segments_monthly') }}
),

rfm_segments_monthly as (
    select * from {{ ref('rfm_segments_monthly') }}
),

purchases as (
    select * from {{ ref('orders') }}
    where is_valid_purchase and customer_unique_id is not null
),

newest as (
    select max(as_of_date) as as_of_date from as_of_dates
),

outcome_dates as (
    select
        as_of_dates.as_of_date,
        cast({{ dbt.dateadd('day', period, 'as_of_dates.as_of_date') }} as date) as outcome_until
    from as_of_dates
    cross join newest
    where cast({{ dbt.dateadd('day', period, 'as_of_dates.as_of_date') }} as date) <= newest.as_of_date
),

next_purchases as (
    select
        purchases.customer_unique_id,
        outcome_dates.as_of_date,
        count(*) as next_order_count,
        sum(purchases.order_total) as next_spend,
        sum(cast(purchases.review_score as decimal(18, 4))) as next_review_sum,
        count(purchases.review_score) as next_review_count
    from purchases
    inner join outcome_dates
        on
            purchases.purchase_date > outcome_dates.as_of_date
            and purchases.purchase_date <= outcome_dates.outcome_until
    group by 1, 2
),

memberships as (
    select
        'clusters' as segmentation,
        as_of_date,
        customer_unique_id,
        segment_key,
        segment_name
    from segments_monthly
    union all
    select
        'rfm' as segmentation,
        as_of_date,
        customer_unique_id,
        rfm_segment_key as segment_key,
        rfm_segment_name as segment_name
    from rfm_segments_monthly
),

outcomes_of_segments as (
    select
        memberships.segmentation,
        memberships.as_of_date,
        outcome_dates.outcome_until,
        memberships.segment_key,
        memberships.segment_name,
        count(*) as customer_count,
        count(next_purchases.customer_unique_id) as ordered_again_count,
        coalesce(sum(next_purchases.next_order_count), 0) as next_order_count,
        coalesce(sum(next_purchases.next_spend), 0) as next_spend,
        coalesce(
            sum(
                cast(next_purchases.next_spend as decimal(19, 2))
                * cast(next_purchases.next_spend as decimal(19, 2))
            ), 0
        ) as next_spend_squared,
        sum(next_purchases.next_review_sum) as next_review_sum,
        sum(next_purchases.next_review_count) as next_review_count
    from memberships
    inner join outcome_dates on memberships.as_of_date = outcome_dates.as_of_date
    left join next_purchases
        on
            memberships.customer_unique_id = next_purchases.customer_unique_id
            and memberships.as_of_date = next_purchases.as_of_date
    group by 1, 2, 3, 4, 5
),

-- Every segmentation divides the same people.
everybody as (
    select
        'everybody' as segmentation,
        as_of_date,
        outcome_until,
        'everybody' as segment_key,
        'Everybody' as segment_name,
        sum(customer_count) as customer_count,
        sum(ordered_again_count) as ordered_again_count,
        sum(next_order_count) as next_order_count,
        sum(next_spend) as next_spend,
        sum(next_spend_squared) as next_spend_squared,
        sum(next_review_sum) as next_review_sum,
        sum(next_review_count) as next_review_count
    from outcomes_of_segments
    where segmentation = 'clusters'
    group by as_of_date, outcome_until
),

outcomes as (
    select * from outcomes_of_segments
    union all
    select * from everybody
),

final as (
    select
        outcomes.segmentation,
        outcomes.as_of_date,
        outcomes.outcome_until,
        outcomes.segment_key,
        outcomes.segment_name,
        cast(outcomes.customer_count as integer) as customer_count,
        cast(outcomes.ordered_again_count as integer) as ordered_again_count,
        cast(outcomes.ordered_again_count as double) / outcomes.customer_count as ordered_again_share,
        {{ wilson_bound('outcomes.ordered_again_count', 'outcomes.customer_count', 'low') }} as ordered_again_low,
        {{ wilson_bound('outcomes.ordered_again_count', 'outcomes.customer_count', 'high') }} as ordered_again_high,
        (cast(outcomes.ordered_again_count as double) / outcomes.customer_count)
        / nullif(cast(everybody.ordered_again_count as double) / everybody.customer_count, 0) as ordered_again_lift,
        cast(outcomes.next_order_count as integer) as next_order_count,
        cast(outcomes.next_spend as decimal(18, 2)) as next_spend,
        cast(outcomes.next_spend as double) / outcomes.customer_count as next_spend_a_head,
        (cast(outcomes.next_spend as double) / outcomes.customer_count)
        / nullif(cast(everybody.next_spend as double) / everybody.customer_count, 0) as next_spend_lift,
        cast(outcomes.next_spend_squared as double) as next_spend_squared,
        cast(outcomes.next_review_sum as double) / nullif(outcomes.next_review_count, 0) as next_review_score
    from outcomes
    inner join everybody on outcomes.as_of_date = everybody.as_of_date
)

select * from final
order by segmentation, as_of_date, segment_key
