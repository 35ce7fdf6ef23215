with

source as (
    select * from {{ source('olist', 'olist_sellers_dataset') }}
),

renamed as (
    select
        seller_id,
        seller_zip_code_prefix as zip_code_prefix,
        seller_city as city,
        seller_state as state
    from source
),

final as (
    {{ deduplicate('renamed', ['seller_id'], ['zip_code_prefix', 'city', 'state']) }}
)

select * from final
order by seller_id
