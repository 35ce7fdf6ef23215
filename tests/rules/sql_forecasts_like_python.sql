-- Everybody has on the newest date the probability that the parameters Python wrote give, added up term by term; by a
-- rule of thumb, the past rate of the group.
with

fitted as (
    select * from {{ ref('fit_forecast_model') }}
),

features as (
    select * from {{ ref('forecast_features') }}
    where is_newest
),

forecasts as (
    select * from {{ ref('customer_forecasts') }}
),

in_force as (
    select
        fitted.part,
        fitted.term,
        coalesce(fitted.level, '') as level,
        fitted.shift,
        fitted.scale,
        fitted.coefficient
    from fitted
    inner join {{ ref('forecast_versions') }} as versions
        on
            fitted.forecast_version = versions.forecast_version
            and cast(fitted.fitted_on as date) = versions.fitted_on
    where versions.is_in_force
),

values_of_terms as (
    {%- for term in forecast_terms() %}
    {{ "union all " if not loop.first }}select customer_unique_id, '{{ term }}' as term, {{ term }} as x from features
    {%- endfor %}
),

by_terms as (
    select
        values_of_terms.customer_unique_id,
        1 / (
            1 + exp(
                -sum(in_force.coefficient * (values_of_terms.x - in_force.shift) / in_force.scale)
                - max(intercept.coefficient)
            )
        ) as order_probability
    from values_of_terms
    inner join in_force on in_force.part = 'terms' and values_of_terms.term = in_force.term
    inner join in_force as intercept on intercept.part = 'terms' and intercept.term = 'intercept'
    group by values_of_terms.customer_unique_id
),

by_groups as (
    select
        features.customer_unique_id,
        coalesce(of_group.coefficient, of_everybody.coefficient) as order_probability
    from features
    inner join in_force as of_everybody on of_everybody.part = 'group' and of_everybody.level = ''
    left join in_force as of_group
        on
            of_group.part = 'group'
            and case of_everybody.term when 'naive_group' then features.naive_group else features.hiatus_group end
            = of_group.level
),

-- A purchase process is looked up as Python wrote it.
scored_by as (
    select count(*) as parameter_count from in_force
    where part in ('terms', 'group')
),

expected as (
    select * from by_terms
    union all
    select * from by_groups
)

select
    forecasts.customer_unique_id,
    forecasts.order_probability,
    expected.order_probability as python_probability
from forecasts
cross join scored_by
left join expected on forecasts.customer_unique_id = expected.customer_unique_id
where
    scored_by.parameter_count > 0
    and not coalesce(abs(forecasts.order_probability - expected.order_probability) < 1e-9, false)
