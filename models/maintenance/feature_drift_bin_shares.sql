{{
    config(
        materialized='by_date',
        meta={'inputs': {
            'of_date': ['feature_drift_values'],
            'of_all': ['feature_drift_bins'],
        }}
    )
}}

with

counts as (
    select * from {{ ref('feature_drift_values') }}
    where as_of_date >= {{ first_date() }}
),

bins as (
    select
        *,
        sum(customer_count) over (partition by model_version, population, feature, aspect) as reference_total,
        count(*) over (partition by model_version, population, feature, aspect) as bin_total
    from {{ ref('feature_drift_bins') }}
),

-- The shape of the known values is one aspect, how many are missing another: each is judged by itself.
totals_of_aspects as (
    select
        as_of_date,
        population,
        feature,
        'values' as aspect,
        sum(customer_count) as total
    from counts
    where value is not null
    group by as_of_date, population, feature
    union all
    select
        as_of_date,
        population,
        feature,
        'missing' as aspect,
        sum(customer_count) as total
    from counts
    group by as_of_date, population, feature
),

-- The frozen bins, filled with the customers of every date.
bin_counts as (
    select
        bins.model_version,
        bins.population,
        bins.feature,
        bins.aspect,
        bins.bin_number,
        counts.as_of_date,
        sum(counts.customer_count) as bin_count
    from counts
    inner join bins
        on
            counts.population = bins.population
            and counts.feature = bins.feature
            and (counts.value is null) = bins.is_missing_bin
            and (counts.value >= bins.lower_bound or bins.lower_bound is null)
            and (counts.value < bins.upper_bound or bins.upper_bound is null)
    group by 1, 2, 3, 4, 5, 6
),

final as (
    select
        totals_of_aspects.as_of_date,
        bins.model_version,
        bins.population,
        bins.feature,
        bins.aspect,
        bins.bin_number,
        bins.is_missing_bin,
        cast(coalesce(bin_counts.bin_count, 0) as integer) as customer_count,
        cast(totals_of_aspects.total as integer) as total,
        cast(bins.bin_total as integer) as bin_total,
        cast(bins.reference_total as integer) as reference_total,
        bins.smoothed_share as reference_share,
        {{ smoothed_share('coalesce(bin_counts.bin_count, 0)', 'totals_of_aspects.total', 'bins.bin_total') }}
            as smoothed_share
    from bins
    inner join totals_of_aspects
        on
            bins.population = totals_of_aspects.population
            and bins.feature = totals_of_aspects.feature
            and bins.aspect = totals_of_aspects.aspect
    left join bin_counts
        on
            bins.model_version = bin_counts.model_version
            and bins.population = bin_counts.population
            and bins.feature = bin_counts.feature
            and bins.aspect = bin_counts.aspect
            and bins.bin_number = bin_counts.bin_number
            and totals_of_aspects.as_of_date = bin_counts.as_of_date
)

select * from final
order by as_of_date, model_version, population, feature, aspect, bin_number
