with

features as (
    select * from {{ ref('customer_features_monthly') }}
),

newest as (
    select as_of_date from {{ ref('as_of_dates') }}
    where is_newest
),

orders as (
    select * from {{ ref('orders') }}
),

-- Orders after the newest as-of date (the dead tail of an export) are not known yet, nor is their address.
addresses_known as (
    select
        orders.customer_unique_id,
        orders.state,
        orders.city,
        row_number() over (
            partition by orders.customer_unique_id
            order by orders.purchased_at desc nulls last, orders.order_id nulls last
        ) as newest_rank
    from orders
    inner join newest on orders.purchase_date <= newest.as_of_date
),

final as (
    select
        features.customer_unique_id,
        features.as_of_date,
        features.first_purchase_date,
        features.last_purchase_date,
        features.recency_days,
        features.tenure_days,
        features.purchase_day_count,
        features.order_count,
        features.item_count,
        features.total_spend,
        features.average_order_value,
        features.freight_share,
        features.max_installments,
        features.review_count,
        features.avg_review_score,
        features.worst_review_score,
        features.is_review_missing,
        features.is_review_imputed,
        features.delivered_order_count,
        features.late_delivery_share,
        features.avg_delivery_days,
        addresses_known.state,
        addresses_known.city
    from features
    inner join newest on features.as_of_date = newest.as_of_date
    left join addresses_known
        on features.customer_unique_id = addresses_known.customer_unique_id and addresses_known.newest_rank = 1
)

select * from final
order by customer_unique_id
