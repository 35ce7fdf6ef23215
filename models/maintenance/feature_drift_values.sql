{{
    config(
        materialized='by_date',
        meta={'inputs': {
            'of_date': ['customer_features_monthly'],
        }}
    )
}}

with

features as (
    select
        *,
        {{ is_recent_buyer() }} as is_recent_buyer
    from {{ ref('customer_features_monthly') }}
    where as_of_date >= {{ first_date() }}
),

counts_by_kind as (
    {{ feature_value_counts('features', ['as_of_date', 'is_recent_buyer']) | indent(4) }}
),

counts as (
    select
        as_of_date,
        'everybody' as population,
        feature,
        value,
        sum(customer_count) as customer_count
    from counts_by_kind
    group by as_of_date, feature, value
    union all
    select
        as_of_date,
        'recent_buyers' as population,
        feature,
        value,
        customer_count
    from counts_by_kind
    where is_recent_buyer
),

final as (
    select
        as_of_date,
        population,
        feature,
        value,
        cast(customer_count as integer) as customer_count
    from counts
)

select * from final
order by as_of_date, population, feature, value nulls last
