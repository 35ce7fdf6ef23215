{{
    config(
        materialized='by_date',
        meta={'inputs': {
            'of_date': ['as_of_date_digests.inputs_digest'],
            'known_otherwise': ['purchases', 'reviews'],
        }}
    )
}}

with

digests as (
    select * from {{ ref('as_of_date_digests') }}
    where as_of_date >= {{ first_date() }}
),

purchases as (
    select * from {{ ref('purchases') }}
),

reviews as (
    select * from {{ ref('reviews') }}
),

features as (
    {{ customer_features_at('digests', 'purchases', 'reviews') | indent(4) }}
),

final as (
    select
        features.*,
        digests.inputs_digest,
        digests.is_newest
    from features
    inner join digests on features.as_of_date = digests.as_of_date
)

select * from final
order by as_of_date, customer_unique_id
