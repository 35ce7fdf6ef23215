-- A date is forecast by nothing that was fitted after it, and a fit has learnt from outcomes only where a period had
-- ended by its own date: one outcome period for anything, a year for the figures of a year.
{%- set year_days = [365, checked_var('outcome_days')] | max %}
with

first_date as (
    select min(as_of_date) as as_of_date
    from {{ ref('as_of_dates') }}
),

parameters as (
    select distinct
        forecast_version,
        fitted_on,
        part
    from {{ ref('forecast_model') }}
    where part <> 'none'
)

select
    parameters.forecast_version,
    parameters.fitted_on,
    parameters.part
from parameters
cross join first_date
where
    parameters.fitted_on < cast({{ dbt.dateadd('day', checked_var('outcome_days'), 'first_date.as_of_date') }} as date)
    or (
        parameters.part = 'year'
        and parameters.fitted_on < cast({{ dbt.dateadd('day', year_days, 'first_date.as_of_date') }} as date)
    )
union all
select distinct
    forecast_version,
    fitted_on,
    'forecasts ' || cast(as_of_date as {{ dbt.type_string() }}) as part
from {{ ref('customer_forecasts_monthly') }}
where fitted_on > as_of_date
