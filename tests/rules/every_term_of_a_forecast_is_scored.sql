-- A term that scoring does not know would weigh nothing in silence.
select
    forecast_version,
    fitted_on,
    term
from {{ ref('forecast_model') }}
where
    part = 'terms'
    and term not in ('intercept', {{ sql_text_list(forecast_terms()) }})
