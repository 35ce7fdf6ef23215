with signals as (
    select
        as_of_date, population, feature as followed, aspect, is_clock_driven, is_in_model, psi, psi_step, severity,
        drift_status, row_number() over (
            partition by as_of_date, population, feature order by severity desc, aspect
        ) as place
    from feature_drift_monthly
    where aspect = 'values' or population = 'everybody'
    union all
    select
        as_of_date, population, 'segment shares' as followed, 'values' as aspect, false as is_clock_driven,
        true as is_in_model, psi, psi_step, severity, drift_status, 1 as place
    from segment_share_drift_monthly
)

select
    as_of_date, population, followed, aspect, is_clock_driven, is_in_model, psi, psi_step, severity, drift_status
from signals
where place = 1
order by as_of_date, population, followed
