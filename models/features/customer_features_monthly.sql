with

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

purchases as (
    select * from {{ ref('orders') }}
    where is_valid_purchase and customer_unique_id is not null
),

reviews as (
    select * from {{ ref('stg_olist__order_reviews') }}
),

purchases_known as (
    select
        purchases.customer_unique_id,
        as_of_dates.as_of_date,
        min(purchases.purchase_date) as first_purchase_date,
        max(purchases.purchase_date) as last_purchase_date,
        count(*) as order_count,
        sum(purchases.item_count) as item_count,
        sum(purchases.order_total) as total_spend,
        sum(purchases.freight_total) as total_freight,
        max(purchases.max_installments) as max_installments,
        count(
            case when cast(purchases.delivered_at as date) <= as_of_dates.as_of_date then 1 end
        ) as delivered_count,
        count(
            case when cast(purchases.delivered_at as date) <= as_of_dates.as_of_date and purchases.is_late then 1 end
        ) as late_count,
        sum(
            case when cast(purchases.delivered_at as date) <= as_of_dates.as_of_date then purchases.delivery_days end
        ) as delivery_days
    from purchases
    inner join as_of_dates on purchases.purchase_date <= as_of_dates.as_of_date
    group by 1, 2
),

reviews_of_purchases as (
    select
        purchases.customer_unique_id,
        reviews.review_score,
        greatest(purchases.purchase_date, cast(reviews.answered_at as date)) as known_date
    from reviews
    inner join purchases on reviews.order_id = purchases.order_id
),

reviews_known as (
    select
        reviews_of_purchases.customer_unique_id,
        as_of_dates.as_of_date,
        count(*) as review_count,
        sum(reviews_of_purchases.review_score) as review_score_sum,
        min(reviews_of_purchases.review_score) as worst_review_score
    from reviews_of_purchases
    inner join as_of_dates on reviews_of_purchases.known_date <= as_of_dates.as_of_date
    group by 1, 2
),

final as (
    select
        purchases_known.customer_unique_id,
        purchases_known.as_of_date,
        purchases_known.first_purchase_date,
        purchases_known.last_purchase_date,
        cast({{ dbt.datediff('purchases_known.last_purchase_date', 'purchases_known.as_of_date', 'day') }} as integer)
            as recency_days,
        cast({{ dbt.datediff('purchases_known.first_purchase_date', 'purchases_known.as_of_date', 'day') }} as integer)
            as tenure_days,
        cast(purchases_known.order_count as integer) as order_count,
        cast(purchases_known.item_count as integer) as item_count,
        cast(purchases_known.total_spend as decimal(18, 2)) as total_spend,
        cast(purchases_known.total_spend as double) / purchases_known.order_count as average_order_value,
        cast(purchases_known.total_freight as double)
        / nullif(cast(purchases_known.total_spend as double), 0) as freight_share,
        purchases_known.max_installments,
        cast(coalesce(reviews_known.review_count, 0) as integer) as review_count,
        cast(reviews_known.review_score_sum as double) / reviews_known.review_count as avg_review_score,
        reviews_known.worst_review_score,
        reviews_known.review_count is null as is_review_imputed,
        cast(purchases_known.delivered_count as integer) as delivered_order_count,
        cast(purchases_known.late_count as double) / nullif(purchases_known.delivered_count, 0) as late_delivery_share,
        cast(purchases_known.delivery_days as double) / nullif(purchases_known.delivered_count, 0)
            as avg_delivery_days
    from purchases_known
    left join reviews_known
        on
            purchases_known.customer_unique_id = reviews_known.customer_unique_id
            and purchases_known.as_of_date = reviews_known.as_of_date
)

select * from final
order by as_of_date, customer_unique_id
