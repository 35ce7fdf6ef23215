-- A drift that is not measured would be read as calm.
with

expected as (
    select
        as_of_dates.as_of_date,
        segment_model.feature
    from {{ ref('as_of_dates') }} as as_of_dates
    inner join {{ ref('segment_versions') }} as versions
        on as_of_dates.as_of_date between versions.in_force_from and versions.in_force_until
    inner join {{ ref('segment_model') }} as segment_model
        on
            versions.model_version = segment_model.model_version
            and segment_model.segment_number = 1
            and not segment_model.is_constant
)

select expected.*
from expected
left join {{ ref('feature_drift_monthly') }} as drift
    on
        expected.as_of_date = drift.as_of_date
        and expected.feature = drift.feature
        and drift.population = 'everybody'
        and drift.aspect = 'missing'
where drift.feature is null
