{{
    config(
        materialized='by_date',
        meta={'inputs': {
            'of_date': ['customer_months'],
            'of_all': ['lifecycle_stages'],
            'known_otherwise': ['purchases'],
        }}
    )
}}

with

customer_months as (
    select * from {{ ref('customer_months') }}
    where as_of_date >= {{ first_date() }}
),

lifecycle_stages as (
    select * from {{ ref('lifecycle_stages') }}
),

purchases as (
    select * from {{ ref('purchases') }}
),

purchases_numbered as (
    select
        customer_unique_id,
        coalesce(state, 'unknown') as state,
        purchase_date,
        row_number() over (
            partition by customer_unique_id order by purchased_at nulls last, order_id nulls last
        ) as purchase_number
    from purchases
),

-- Most customers have one state for good: only a purchase that went elsewhere begins another stretch.
stretches as (
    select
        purchases_numbered.customer_unique_id,
        purchases_numbered.state,
        purchases_numbered.purchase_date as from_date,
        lead(purchases_numbered.purchase_date) over (
            partition by purchases_numbered.customer_unique_id order by purchases_numbered.purchase_number
        ) as next_from_date
    from purchases_numbered
    left join purchases_numbered as previous
        on
            purchases_numbered.customer_unique_id = previous.customer_unique_id
            and purchases_numbered.purchase_number = previous.purchase_number + 1
    where previous.state is null or purchases_numbered.state <> previous.state
),

final as (
    select
        customer_months.as_of_date,
        customer_months.is_newest,
        customer_months.segment_key,
        customer_months.segment_name,
        customer_months.stage_key,
        customer_months.stage_name,
        cast(lifecycle_stages.stage_number as integer) as stage_number,
        stretches.state,
        cast(count(*) as integer) as customer_count,
        cast(sum(customer_months.total_spend) as decimal(18, 2)) as total_spend,
        cast(sum(customer_months.review_count) as integer) as review_count,
        cast(
            coalesce(
                sum(cast(customer_months.avg_review_score * customer_months.review_count as decimal(18, 4))), 0
            ) as decimal(18, 4)
        ) as review_score_sum
    from customer_months
    inner join lifecycle_stages on customer_months.stage_key = lifecycle_stages.stage_key
    inner join stretches
        on
            customer_months.customer_unique_id = stretches.customer_unique_id
            and customer_months.as_of_date >= stretches.from_date
            and (customer_months.as_of_date < stretches.next_from_date or stretches.next_from_date is null)
    group by 1, 2, 3, 4, 5, 6, 7, 8
)

select * from final
order by as_of_date, segment_key, stage_number, state
