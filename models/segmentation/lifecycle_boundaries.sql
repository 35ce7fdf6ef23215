{%- set own_days = checked_var('lifecycle_days') -%}
with

fitted as (
    select * from {{ ref('fit_lifecycle_boundaries') }}
),

stages as (
    select * from {{ ref('lifecycle_stages') }}
),

boundaries as (
    select
        model_version,
        boundary_number,
        {%- if own_days %}
        case boundary_number
            {%- for days in own_days %}
            when {{ loop.index }} then {{ days }}
            {%- endfor %}
        end as days,
        cast(null as double) as return_share,
        'setting' as boundary_source,
        {%- else %}
        days,
        return_share,
        boundary_source,
        {%- endif %}
        return_count
    from fitted
),

versions as (
    select
        model_version,
        boundary_source,
        return_count
    from boundaries
    where boundary_number = 1
),

-- Two stages share the first boundary: after a first purchase, and after a later one.
stages_of_versions as (
    select
        versions.model_version,
        versions.boundary_source,
        versions.return_count,
        stages.stage_key,
        stages.stage_number,
        stages.stage_number - 2 as lower_boundary,
        greatest(stages.stage_number - 1, 1) as upper_boundary
    from versions
    cross join stages
),

final as (
    select
        stages_of_versions.model_version,
        stages_of_versions.stage_key,
        stages_of_versions.stage_number,
        cast(coalesce(lower_boundaries.days + 1, 0) as integer) as from_days,
        cast(upper_boundaries.days as integer) as until_days,
        upper_boundaries.return_share,
        stages_of_versions.boundary_source,
        stages_of_versions.return_count
    from stages_of_versions
    left join boundaries as lower_boundaries
        on
            stages_of_versions.model_version = lower_boundaries.model_version
            and stages_of_versions.lower_boundary = lower_boundaries.boundary_number
    left join boundaries as upper_boundaries
        on
            stages_of_versions.model_version = upper_boundaries.model_version
            and stages_of_versions.upper_boundary = upper_boundaries.boundary_number
)

select * from final
order by model_version, stage_number
