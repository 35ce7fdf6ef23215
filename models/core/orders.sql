{%- set max_days = checked_var('max_days_after_purchase') -%}
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

reviews as (
    select * from {{ ref('reviews') }}
),

-- A moment that can't belong to its order is taken as unknown; data_quality counts it.
orders_timed as (
    select
        order_id,
        customer_id,
        coalesce(order_status, 'unknown') as order_status,
        purchased_at,
        {% for moment, purchased_at in [
            ('approved_at', 'purchased_at'),
            ('handed_to_carrier_at', 'purchased_at'),
            ('delivered_at', 'purchased_at'),
            ('estimated_delivery_at', 'cast(purchased_at as date)'),
        ] -%}
            case when {{ is_implausible(moment, purchased_at, max_days.delivery) }} then null else {{ moment }} end
                as {{ moment }}{{ "," if not loop.last }}
        {% endfor %}
    from stg_orders
),

items_by_order as (
    select
        order_id,
        sum(quantity) as item_count,
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
        count(review_score) as review_count,
        cast(sum(review_score) as double) / nullif(count(review_score), 0) as review_score,
        min(answered_at) as first_review_answered_at,
        max(answered_at) as last_review_answered_at
    from reviews
    group by order_id
),

final as (
    select
        orders_timed.order_id,
        orders_timed.customer_id,
        stg_customers.customer_unique_id,
        stg_customers.zip_code_prefix,
        stg_customers.city,
        stg_customers.state,
        orders_timed.order_status,
        case
            when {{ is_among('orders_timed.order_status', checked_var('invalid_order_statuses')) }} then false
            else items_by_order.order_id is not null and orders_timed.purchased_at is not null
        end as is_valid_purchase,
        orders_timed.purchased_at,
        orders_timed.approved_at,
        orders_timed.handed_to_carrier_at,
        orders_timed.delivered_at,
        orders_timed.estimated_delivery_at,
        cast(orders_timed.purchased_at as date) as purchase_date,
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
        cast({{ dbt.datediff('orders_timed.purchased_at', 'orders_timed.delivered_at', 'day') }} as integer)
            as delivery_days,
        cast({{ dbt.datediff('orders_timed.estimated_delivery_at', 'orders_timed.delivered_at', 'day') }} as integer)
            as days_behind_estimate,
        orders_timed.delivered_at > orders_timed.estimated_delivery_at as is_late
    from orders_timed
    left join stg_customers on orders_timed.customer_id = stg_customers.customer_id
    left join items_by_order on orders_timed.order_id = items_by_order.order_id
    left join payments_by_order on orders_timed.order_id = payments_by_order.order_id
    left join reviews_by_order on orders_timed.order_id = reviews_by_order.order_id
)

select * from final
order by purchase_date nulls last, order_id
