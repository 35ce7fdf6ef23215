with

suppressed as (
    select * from {{ source('campaigns', 'suppressed_customers') }}
),

final as (
    select
        customer_unique_id,
        reason,
        suppressed_since
    from suppressed
    where customer_unique_id is not null
)

select * from final
order by customer_unique_id
