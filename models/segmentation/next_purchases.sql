{{
    config(
        materialized='by_date',
        meta={'inputs': {
            'of_date': [
                'as_of_date_digests.inputs_digest', 'as_of_date_digests.orders_digest',
                'as_of_date_digests.reviews_digest', 'outcome_dates.outcome_until',
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

purchases_of_customers as (
    select
        customer_unique_id,
        purchase_date,
        order_total,
        review_score,
        min(purchase_date) over (partition by customer_unique_id) as first_purchase_date
    from purchases
),

-- Most purchases are the first of somebody, who was not known before.
later_purchases as (
    select * from purchases_of_customers
    where purchase_date > first_purchase_date
),

final as (
    select
        purchases.customer_unique_id,
        outcome_dates.as_of_date,
        cast(count(*) as integer) as next_order_count,
        cast(sum(purchases.order_total) as decimal(18, 2)) as next_spend,
        cast(sum(cast(purchases.review_score as decimal(18, 4))) as decimal(18, 4)) as next_review_sum,
        cast(count(purchases.review_score) as integer) as next_review_count
    from later_purchases as purchases
    inner join outcome_dates
        on
            purchases.first_purchase_date <= outcome_dates.as_of_date
            and purchases.purchase_date > outcome_dates.as_of_date
            and purchases.purchase_date <= outcome_dates.outcome_until
    group by purchases.customer_unique_id, outcome_dates.as_of_date
)

select * from final
order by as_of_date, customer_unique_id
