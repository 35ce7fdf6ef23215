with

source as (
    select * from {{ source('olist', 'olist_order_items_dataset') }}
),

renamed as (
    select
        order_id,
        cast(order_item_id as integer) as order_item_number,
        product_id,
        seller_id,
        cast(shipping_limit_date as timestamp) as shipping_limit_at,
        cast(price as decimal(18, 2)) as price,
        cast(freight_value as decimal(18, 2)) as freight,
        coalesce(cast(quantity as integer), 1) as quantity
    from source
),

final as (
    {{ deduplicate('renamed', ['order_id', 'order_item_number'], [
        'product_id', 'seller_id', 'shipping_limit_at', 'price', 'freight', 'quantity',
    ]) }}
)

select * from final
order by order_id, order_item_number
