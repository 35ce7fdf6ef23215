-- Too many of the customers that the model in force was fitted on are absent: it belongs to another input. Build with
-- --vars '{refit: true}', or give each input its own OLIST_WAREHOUSE.
{{ config(severity='warn') }}
with

people_of_the_fit as (
    select labels.customer_unique_id
    from {{ ref('segment_labels') }} as labels
    inner join {{ ref('segment_versions') }} as versions on labels.model_version = versions.model_version
    where versions.is_in_force
),

presence as (
    select
        count(*) as fitted_count,
        count(today.customer_unique_id) as present_count
    from people_of_the_fit
    left join {{ ref('customer_segments') }} as today
        on people_of_the_fit.customer_unique_id = today.customer_unique_id
)

select * from presence
where present_count < {{ var('same_shop_min_known_share') }} * fitted_count
