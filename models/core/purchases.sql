with

orders as (
    select * from {{ ref('orders') }}
),

final as (
    select
        order_id,
        customer_id,
        customer_unique_id,
        zip_code_prefix,
        city,
        state,
        order_status,
        purchased_at,
        approved_at,
        handed_to_carrier_at,
        delivered_at,
        estimated_delivery_at,
        purchase_date,
        item_count,
        seller_count,
        item_total,
        freight_total,
        order_total,
        payment_count,
        payment_total,
        main_payment_type,
        max_installments,
        review_count,
        review_score,
        first_review_answered_at,
        last_review_answered_at,
        delivery_days,
        days_behind_estimate,
        is_late
    from orders
    where is_valid_purchase and customer_unique_id is not null
)

select * from final
order by purchase_date, order_id
