with

-- Python writes a row per parameter: what is said of the set is the same on each.
fitted as (
    select
        *,
        row_number() over (
            partition by forecast_version, fitted_on order by part nulls last, term nulls last, level nulls last
        ) as row_rank
    from {{ ref('fit_forecast_model') }}
),

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

sets as (
    select
        cast(forecast_version as integer) as forecast_version,
        cast(fitted_on as date) as fitted_on,
        cast(data_as_of as date) as data_as_of,
        model,
        cast(is_abstaining as boolean) as is_abstaining,
        reason
    from fitted
    where row_rank = 1
),

-- A date is forecast by the newest fit that knew nothing after it.
sets_ranked as (
    select
        as_of_dates.as_of_date,
        as_of_dates.is_newest,
        sets.forecast_version,
        sets.fitted_on,
        row_number() over (
            partition by as_of_dates.as_of_date
            order by sets.fitted_on desc nulls last, sets.forecast_version desc nulls last
        ) as force_rank
    from as_of_dates
    inner join sets on as_of_dates.as_of_date >= sets.fitted_on
),

dates_in_force as (
    select
        forecast_version,
        fitted_on,
        min(as_of_date) as in_force_from,
        max(as_of_date) as in_force_until,
        bool_or(is_newest) as is_in_force
    from sets_ranked
    where force_rank = 1
    group by forecast_version, fitted_on
),

final as (
    select
        sets.forecast_version,
        sets.fitted_on,
        sets.data_as_of,
        sets.model,
        sets.is_abstaining,
        sets.reason,
        sets.fitted_on < sets.data_as_of as is_simulated,
        dates_in_force.in_force_from,
        dates_in_force.in_force_until,
        coalesce(dates_in_force.is_in_force, false) as is_in_force
    from sets
    left join dates_in_force
        on
            sets.forecast_version = dates_in_force.forecast_version
            and sets.fitted_on = dates_in_force.fitted_on
)

select * from final
order by forecast_version, fitted_on
