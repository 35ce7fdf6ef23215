with

source as (
    select * from {{ source('olist', 'olist_order_payments_dataset') }}
),

renamed as (
    select
        order_id,
        cast(payment_sequential as integer) as payment_number,
        payment_type,
        cast(payment_installments as integer) as installments,
        cast(payment_value as decimal(18, 2)) as amount
    from source
),

final as (
    {{ deduplicate('renamed', ['order_id', 'payment_number'], ['payment_type', 'installments', 'amount']) }}
)

select * from final
order by order_id, payment_number
