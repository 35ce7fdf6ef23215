with

tenths as (
    select * from {{ ref('fit_forecast_candidates') }}
    where tenth > 0
),

final as (
    select
        cast(forecast_version as integer) as forecast_version,
        model,
        cast(as_of_date as date) as as_of_date,
        coalesce(cast(as_of_date as date) = max(cast(as_of_date as date)) over (), false) as is_newest,
        cast(tenth as integer) as tenth,
        cast(customer_count as integer) as customer_count,
        cast(returned_count as integer) as returned_count,
        cast(predicted_share as double) as predicted_share,
        cast(observed_share as double) as observed_share,
        {{ wilson_bound('returned_count', 'customer_count', 'low') }} as observed_share_low,
        {{ wilson_bound('returned_count', 'customer_count', 'high') }} as observed_share_high
    from tenths
)

select * from final
order by forecast_version, model, as_of_date nulls first, tenth
