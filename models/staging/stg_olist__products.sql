with

source as (
    select * from {{ source('olist', 'olist_products_dataset') }}
),

renamed as (
    select
        product_id,
        product_category_name as category_name,
        cast(product_name_lenght as integer) as name_length,
        cast(product_description_lenght as integer) as description_length,
        cast(product_photos_qty as integer) as photo_count,
        cast(product_weight_g as integer) as weight_g,
        cast(product_length_cm as integer) as length_cm,
        cast(product_height_cm as integer) as height_cm,
        cast(product_width_cm as integer) as width_cm
    from source
),

final as (
    {{ deduplicate('renamed', ['product_id'], [
        'category_name', 'name_length', 'description_length', 'photo_count', 'weight_g', 'length_cm', 'height_cm',
        'width_cm',
    ]) }}
)

select * from final
order by product_id
