{{
    config(
        materialized='by_date',
        meta={'inputs': {
            'of_date': ['customer_features_monthly', 'next_purchases', 'outcome_dates'],
            'dates': 'outcome_dates',
        }}
    )
}}

with

-- Of no segmentation: what segmentations add up to is compared with it.
customers as (
    select
        customer_unique_id,
        as_of_date
    from {{ ref('customer_features_monthly') }}
    where as_of_date >= {{ first_date() }}
),

outcome_dates as (
    select * from {{ ref('outcome_dates') }}
),

next_purchases as (
    select * from {{ ref('next_purchases') }}
    where as_of_date >= {{ first_date() }}
),

outcomes as (
    select
        customers.as_of_date,
        outcome_dates.outcome_until,
        {{ outcome_sums() | indent(8) }}
    from customers
    inner join outcome_dates on customers.as_of_date = outcome_dates.as_of_date
    left join next_purchases
        on
            customers.customer_unique_id = next_purchases.customer_unique_id
            and customers.as_of_date = next_purchases.as_of_date
    group by 1, 2
),

final as (
    select
        as_of_date,
        as_of_date = max(as_of_date) over () as is_newest,
        outcome_until,
        cast(customer_count as integer) as customer_count,
        cast(ordered_again_count as integer) as ordered_again_count,
        cast(ordered_again_count as double) / customer_count as ordered_again_share,
        {{ wilson_bound('ordered_again_count', 'customer_count', 'low') }} as ordered_again_low,
        {{ wilson_bound('ordered_again_count', 'customer_count', 'high') }} as ordered_again_high,
        cast(next_order_count as integer) as next_order_count,
        cast(next_spend as decimal(18, 2)) as next_spend,
        cast(next_spend as double) / customer_count as next_spend_per_customer,
        cast(next_spend as double) / customer_count as next_spend_a_head,
        cast(next_spend_squared as double) as next_spend_squared,
        cast(next_review_count as integer) as next_review_count,
        cast(next_review_sum as double) / nullif(next_review_count, 0) as next_review_score
    from outcomes
)

select * from final
order by as_of_date
