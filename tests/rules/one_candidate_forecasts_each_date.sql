-- Every set is that of the one candidate that was chosen on its date, a rule of thumb where forecasts abstain.
with

candidates as (
    select
        forecast_version,
        cast(as_of_date as date) as as_of_date,
        max(case when is_chosen then model end) as model,
        count(case when is_chosen then 1 end) as chosen_count,
        count(case when is_chosen and model_role = 'segmentation' then 1 end) as segmentation_count,
        count(case when is_chosen and is_abstaining <> (model_role = 'rule of thumb') then 1 end) as wrong_count
    from {{ ref('fit_forecast_candidates') }}
    where tenth = 0 and as_of_date is not null
    group by 1, 2
)

select
    versions.forecast_version,
    versions.fitted_on,
    versions.model,
    candidates.model as chosen_model,
    candidates.chosen_count
from {{ ref('forecast_versions') }} as versions
left join candidates
    on
        versions.forecast_version = candidates.forecast_version
        and versions.fitted_on = candidates.as_of_date
where
    versions.model <> 'none'
    and not coalesce(
        candidates.chosen_count = 1 and candidates.segmentation_count = 0 and candidates.wrong_count = 0
        and candidates.model = versions.model, false
    )
