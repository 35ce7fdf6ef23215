{{
    config(
        materialized='by_date',
        meta={'inputs': {
            'of_date': ['as_of_date_digests.inputs_digest'],
            'known_otherwise': ['outcome_dates', 'purchases'],
            'dates': 'outcome_dates',
        }}
    )
}}

{%- set own_days = checked_var('lifecycle_days') %}

-- depends_on: {{ ref('as_of_date_digests') }}

with

purchases as (
    select * from {{ ref('purchases') }}
),

outcome_dates as (
    select
        as_of_date,
        as_of_date as data_as_of
    from {{ ref('outcome_dates') }}
    where as_of_date >= {{ first_date() }}
),

of_the_curve as (
    {{ return_curve_boundaries('purchases', 'outcome_dates', 'as_of_date') | indent(4) }}
),

final as (
    select
        as_of_date,
        {%- for stage in ['active', 'cooling', 'dormant'] %}
        {%- set days = own_days[loop.index0] if own_days else 'days' %}
        cast(max(case when boundary_number = {{ loop.index }} then {{ days }} end) as integer)
            as {{ stage }}_until_days,
        {%- endfor %}
        max({{ "'setting'" if own_days else 'boundary_source' }}) as boundary_source,
        max(return_count) as return_count
    from of_the_curve
    group by as_of_date
)

select * from final
order by as_of_date
