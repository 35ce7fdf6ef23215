with

source as (
    select * from {{ source('olist', 'olist_orders_dataset') }}
),

renamed as (
    select
        order_id,
        customer_id,
        order_status,
        cast(order_purchase_timestamp as timestamp) as purchased_at,
        cast(order_approved_at as timestamp) as approved_at,
        cast(order_delivered_carrier_date as timestamp) as handed_to_carrier_at,
        cast(order_delivered_customer_date as timestamp) as delivered_at,
        cast(order_estimated_delivery_date as timestamp) as estimated_delivery_at
    from source
),

final as (
    {{ deduplicate('renamed', ['order_id'], [
        'customer_id', 'order_status', 'purchased_at', 'approved_at', 'handed_to_carrier_at', 'delivered_at',
        'estimated_delivery_at',
    ]) }}
)

select * from final
order by order_id
