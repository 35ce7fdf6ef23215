with

fitted as (
    select * from {{ ref('fit_forecast_model') }}
),

final as (
    select
        cast(forecast_version as integer) as forecast_version,
        cast(fitted_on as date) as fitted_on,
        model,
        part,
        term,
        coalesce(level, '') as level,
        cast(shift as double) as shift,
        cast(scale as double) as scale,
        cast(coefficient as double) as coefficient
    from fitted
)

select * from final
order by forecast_version, fitted_on, part, term, level
