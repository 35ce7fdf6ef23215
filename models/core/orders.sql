with

stg_orders as (
    select * from {{ ref('stg_olist__orders') }}
),

stg_customers as (
    select * from {{ ref('stg_olist__customers') }}
),

stg_items as (
    select * from {{ ref('stg_olist__order_items') }}
),

stg_payments as (
    select * from {{ ref('stg_olist__order_payments') }}
),

stg_reviews as (
    select * from {{ ref('stg_olist__order_reviews') }}
),

items_by_order as (
    select
        order_id,
        count(*) as item_count,
        count(distinct seller_id) as seller_count,
        sum(price) as item_total,
        sum(freight) as freight_total
    from stg_items
    group by order_id
),

payments_ranked as (
    select
        *,
        row_number() over (
            partition by order_id order by amount desc nulls last, payment_number nulls last
        ) as size_rank
    from stg_payments
),

payments_by_order as (
    select
        order_id,
        count(*) as payment_count,
        sum(amount) as payment_total,
        max(installments) as max_installments,
        max(case when size_rank = 1 then payment_type end) as main_payment_type
    from payments_ranked
    group by order_id
),

reviews_by_order as (
    select
        order_id,
        count(*) as review_count,
        cast(sum(review_score) as double) / count(*) as review_score,
        min(answered_at) as first_review_answered_at,
        max(answered_at) as last_review_answered_at
    from stg_reviews
    group by order_id
),

final as (
    select
        stg_orders.order_id,
        stg_orders.customer_id,
        stg_customers.customer_unique_id,
        stg_customers.zip_code_prefix,
        stg_customers.city,
        stg_customers.state,
        stg_orders.order_status,
        case
            when stg_orders.order_status in ({{ sql_text_list(checked_var('invalid_order_statuses')) }}) then false
            else items_by_order.order_id is not null
        end as is_valid_purchase,
        stg_orders.purchased_at,
        stg_orders.approved_at,
        stg_orders.handed_to_carrier_at,
        stg_orders.delivered_at,
        stg_orders.estimated_delivery_at,
        cast(stg_orders.purchased_at as date) as purchase_date,
        cast(coalesce(items_by_order.item_count, 0) as integer) as item_count,
        cast(coalesce(items_by_order.seller_count, 0) as integer) as seller_count,
        cast(coalesce(items_by_order.item_total, 0) as decimal(18, 2)) as item_total,
        cast(coalesce(items_by_order.freight_total, 0) as decimal(18, 2)) as freight_total,
        cast(
            coalesce(items_by_order.item_total, 0) + coalesce(items_by_order.freight_total, 0) as decimal(18, 2)
        ) as order_total,
        cast(coalesce(payments_by_order.payment_count, 0) as integer) as payment_count,
        cast(coalesce(payments_by_order.payment_total, 0) as decimal(18, 2)) as payment_total,
        payments_by_order.main_payment_type,
        payments_by_order.max_installments,
        cast(coalesce(reviews_by_order.review_count, 0) as integer) as review_count,
        reviews_by_order.review_score,
        reviews_by_order.first_review_answered_at,
        reviews_by_order.last_review_answered_at,
        cast({{ dbt.datediff('stg_orders.purchased_at', 'stg_orders.delivered_at', 'day') }} as integer)
            as delivery_days,
        cast({{ dbt.datediff('stg_orders.estimated_delivery_at', 'stg_orders.delivered_at', 'day') }} as integer)
            as days_behind_estimate,
        stg_orders.delivered_at > stg_orders.estimated_delivery_at as is_late
    from stg_orders
    left join stg_customers on stg_orders.customer_id = stg_customers.customer_id
    left join items_by_order on stg_orders.order_id = items_by_order.order_id
    left join payments_by_order on stg_orders.order_id = payments_by_order.order_id
    left join reviews_by_order on stg_orders.order_id = reviews_by_order.order_id
)

select * from final
order by purchase_date, order_id
