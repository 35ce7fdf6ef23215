{{
    config(
        materialized='by_date',
        meta={'inputs': {
            'of_date': [
                'as_of_date_digests.orders_digest', 'as_of_date_digests.reviews_digest',
                'outcome_dates.outcome_until',
            ],
            'known_otherwise': ['purchases'],
            'dates': 'outcome_dates',
        }}
    )
}}

-- depends_on: {{ ref('as_of_date_digests') }}

with

outcome_dates as (
    select * from {{ ref('outcome_dates') }}
    where as_of_date >= {{ first_date() }}
),

purchases as (
    select * from {{ ref('purchases') }}
),

final as (
    select
        purchases.customer_unique_id,
        outcome_dates.as_of_date,
        cast(count(*) as integer) as next_order_count,
        cast(sum(purchases.order_total) as decimal(18, 2)) as next_spend,
        cast(sum(cast(purchases.review_score as decimal(18, 4))) as decimal(18, 4)) as next_review_sum,
        cast(count(purchases.review_score) as integer) as next_review_count
    from purchases
    inner join outcome_dates
        on
            purchases.purchase_date > outcome_dates.as_of_date
            and purchases.purchase_date <= outcome_dates.outcome_until
    group by purchases.customer_unique_id, outcome_dates.as_of_date
)

select * from final
order by as_of_date, customer_unique_id
