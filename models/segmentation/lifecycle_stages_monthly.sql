{{
    config(
        materialized='by_date',
        meta={'inputs': {
            'of_date': ['customer_features_monthly'],
            'of_version': ['lifecycle_boundaries'],
            'of_all': ['lifecycle_stages'],
        }}
    )
}}

with

features as (
    select * from {{ ref('customer_features_monthly') }}
    where as_of_date >= {{ first_date() }}
),

segment_versions as (
    select * from {{ ref('segment_versions') }}
),

lifecycle_boundaries as (
    select * from {{ ref('lifecycle_boundaries') }}
),

stages as (
    select * from {{ ref('lifecycle_stages') }}
),

boundary_days as (
    {{ lifecycle_boundary_days('lifecycle_boundaries') | indent(4) }}
),

boundaries_in_force as (
    select
        boundary_days.*,
        segment_versions.in_force_from,
        segment_versions.in_force_until
    from boundary_days
    inner join segment_versions on boundary_days.model_version = segment_versions.model_version
),

staged as (
    select
        features.customer_unique_id,
        features.as_of_date,
        features.is_newest,
        boundaries_in_force.model_version,
        {{ lifecycle_stage_number('features', 'boundaries_in_force') | indent(8) }} as stage_number
    from features
    inner join boundaries_in_force
        on features.as_of_date between boundaries_in_force.in_force_from and boundaries_in_force.in_force_until
),

final as (
    select
        staged.customer_unique_id,
        staged.as_of_date,
        staged.is_newest,
        staged.model_version,
        stages.stage_key,
        stages.stage_name
    from staged
    inner join stages on staged.stage_number = stages.stage_number
)

select * from final
order by as_of_date, customer_unique_id
