with

source as (
    select * from {{ source('olist', 'olist_geolocation_dataset') }}
),

final as (
    select distinct
        geolocation_zip_code_prefix as zip_code_prefix,
        cast(geolocation_lat as double) as latitude,
        cast(geolocation_lng as double) as longitude,
        geolocation_city as city,
        geolocation_state as state
    from source
)

select * from final
