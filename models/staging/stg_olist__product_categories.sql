with

source as (
    select * from {{ source('olist', 'product_category_name_translation') }}
),

renamed as (
    select
        product_category_name as category_name,
        product_category_name_english as category_name_english
    from source
),

final as (
    {{ deduplicate('renamed', ['category_name'], ['category_name_english']) }}
)

select * from final
order by category_name
