with today as (
    select
        versions.model_version, profiles.as_of_date, contract.refit_interval_days, contract.is_interval_at_least,
        contract.due_date, contract.is_broken_today
    from segment_versions as versions
    cross join (select max(as_of_date) as as_of_date from segment_profiles) as profiles
    left join maintenance_contract as contract on contract.is_the_contract
    where versions.is_in_force
),

published_before as (
    select
        versions.model_version, profiles.as_of_date, contract.refit_interval_days, contract.is_interval_at_least,
        contract.due_date, contract.is_broken_today
    from before.segment_versions as versions
    cross join (select max(as_of_date) as as_of_date from before.segment_profiles) as profiles
    left join before.maintenance_contract as contract on contract.is_the_contract
    where versions.is_in_force
)

select
    today.*, published_before.as_of_date as as_of_date_before, published_before.model_version as model_version_before,
    published_before.refit_interval_days as refit_interval_days_before,
    published_before.is_interval_at_least as is_interval_at_least_before,
    published_before.due_date as due_date_before, published_before.is_broken_today as is_broken_before
from today
cross join published_before
