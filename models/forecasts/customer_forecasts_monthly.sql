{{
    config(
        materialized='by_date',
        meta={'inputs': {
            'of_date': ['forecast_features', 'fit_forecast_lookup'],
            'of_all': ['fit_forecast_model'],
            'known_otherwise': ['forecast_model', 'forecast_versions'],
        }}
    )
}}

-- depends_on: {{ ref('fit_forecast_model') }}

with

features as (
    select * from {{ ref('forecast_features') }}
    where as_of_date >= {{ first_date() }}
),

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

versions as (
    select * from {{ ref('forecast_versions') }}
),

forecast_model as (
    select * from {{ ref('forecast_model') }}
),

forecast_lookup as (
    select * from {{ ref('fit_forecast_lookup') }}
),

versions_of_dates as (
    select
        as_of_dates.as_of_date,
        versions.forecast_version,
        versions.fitted_on,
        versions.model as forecast_model,
        versions.is_abstaining
    from as_of_dates
    inner join versions
        on as_of_dates.as_of_date between versions.in_force_from and versions.in_force_until
),

customers_to_score as (
    select
        features.*,
        versions_of_dates.forecast_version,
        versions_of_dates.fitted_on
    from features
    left join versions_of_dates on features.as_of_date = versions_of_dates.as_of_date
),

scored as (
    {{ score_forecasts('customers_to_score', 'forecast_model', 'forecast_lookup') | indent(4) }}
),

ranked as (
    select
        *,
        case
            when order_probability is not null
                then
                    cast(
                        ceil(
                            10 * cume_dist() over (partition by as_of_date order by order_probability desc nulls last)
                        ) as integer
                    )
        end as probability_tenth
    from scored
),

-- How far the tenths of the judged dates lay from their forecasts.
spreads as (
    select
        forecast_version,
        fitted_on,
        cast(level as integer) as probability_tenth,
        max(case when term = 'low' then coefficient end) as lowest_ratio,
        max(case when term = 'high' then coefficient end) as highest_ratio
    from forecast_model
    where part = 'spread'
    group by 1, 2, 3
),

final as (
    select
        ranked.customer_unique_id,
        ranked.as_of_date,
        ranked.is_newest,
        ranked.forecast_version,
        ranked.fitted_on,
        versions_of_dates.forecast_model,
        coalesce(versions_of_dates.is_abstaining, true) as is_abstaining,
        ranked.order_probability,
        -- Where all of them lay on one side, the interval reaches from the forecast to that side.
        case
            when spreads.lowest_ratio is not null then ranked.order_probability * least(spreads.lowest_ratio, 1)
        end as order_probability_low,
        case
            when spreads.highest_ratio is not null
                then least(ranked.order_probability * greatest(spreads.highest_ratio, 1), 1)
        end as order_probability_high,
        ranked.probability_tenth,
        ranked.expected_orders,
        ranked.expected_revenue,
        ranked.expected_orders_365_days,
        ranked.expected_revenue_365_days
    from ranked
    left join versions_of_dates on ranked.as_of_date = versions_of_dates.as_of_date
    left join spreads
        on
            ranked.forecast_version = spreads.forecast_version
            and ranked.fitted_on = spreads.fitted_on
            and ranked.probability_tenth = spreads.probability_tenth
)

select * from final
order by as_of_date, customer_unique_id
