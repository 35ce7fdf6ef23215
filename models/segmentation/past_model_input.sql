{{
    config(
        materialized='by_date',
        meta={'inputs': {
            'of_date': ['customer_features_monthly'],
            'known_otherwise': ['outcome_dates'],
            'dates': 'outcome_dates',
        }}
    )
}}

{%- set features = feature_names() -%}
with

features as (
    select * from {{ ref('customer_features_monthly') }}
    where as_of_date >= {{ first_date() }}
),

outcome_dates as (
    select * from {{ ref('outcome_dates') }}
),

-- The place in the draw, from 0 to 1, follows from the customer alone: nothing of later dates moves it.
customers_placed as (
    select
        features.*,
        {{ digest_number('features.customer_unique_id') }} / cast({{ 2 ** 60 }} as double) as draw_position,
        count(*) over (partition by features.as_of_date) as known_customer_count
    from features
    inner join outcome_dates on features.as_of_date = outcome_dates.as_of_date
),

final as (
    select
        as_of_date,
        {% for feature in features -%}
            cast({{ feature }} as double) as {{ feature }},
        {% endfor -%}
        customer_unique_id,
        inputs_digest,
        cast(count(*) over (partition by as_of_date) as bigint) as customer_count
    from customers_placed
    where draw_position < {{ var('ageing_max_customers') }} / cast(known_customer_count as double)
)

select * from final
order by as_of_date, customer_unique_id
