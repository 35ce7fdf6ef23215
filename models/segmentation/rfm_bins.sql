{{
    config(
        materialized='by_date',
        meta={'inputs': {
            'of_date': ['customer_features_monthly'],
            'of_all': ['rfm_score_bins', 'shop'],
        }}
    )
}}

with

score_bins as (
    select * from {{ ref('rfm_score_bins') }}
),

features as (
    select * from {{ ref('customer_features_monthly') }}
    where as_of_date >= {{ first_date() }}
),

shop as (
    select coalesce(currency, 'unknown') as currency from {{ ref('shop') }}
),

-- Known at the date: later customers move no limit of an earlier one. Amounts in BRL have limits of their own.
quintiles as (
    select
        features.as_of_date,
        features.is_newest,
        {% for fifth in range(1, 5) -%}
            percentile_cont(0.{{ 2 * fifth }}) within group (
                order by case when shop.currency <> 'BRL' then cast(features.total_spend as double) end
            ) as limit_{{ fifth }}{{ "," if not loop.last }}
        {% endfor %}
    from features
    cross join shop
    group by features.as_of_date, features.is_newest
),

-- The seed's limits of spend are amounts in BRL.
bins as (
    select
        quintiles.as_of_date,
        quintiles.is_newest,
        score_bins.dimension,
        score_bins.score,
        score_bins.lower_bound,
        score_bins.upper_bound,
        'seed' as bin_source
    from quintiles
    cross join score_bins
    cross join shop
    where score_bins.dimension <> 'total_spend' or shop.currency = 'BRL'
    {%- for score in range(1, 6) %}
    union all
    select
        quintiles.as_of_date,
        quintiles.is_newest,
        'total_spend' as dimension,
        {{ score }} as score,
        cast({{ 'quintiles.limit_' ~ (score - 1) if score > 1 else '0' }} as decimal(18, 2)) as lower_bound,
        cast({{ 'quintiles.limit_' ~ score if score < 5 else 'null' }} as decimal(18, 2)) as upper_bound,
        'quintiles' as bin_source
    from quintiles
    cross join shop
    where shop.currency <> 'BRL'
    {%- endfor %}
),

final as (
    select
        as_of_date,
        is_newest,
        dimension,
        cast(score as integer) as score,
        cast(lower_bound as decimal(18, 2)) as lower_bound,
        cast(upper_bound as decimal(18, 2)) as upper_bound,
        bin_source
    from bins
)

select * from final
order by as_of_date, dimension, score
