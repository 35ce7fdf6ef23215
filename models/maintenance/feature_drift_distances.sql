{{
    config(
        materialized='by_date',
        meta={'inputs': {
            'of_date': ['feature_drift_values'],
            'of_version': ['feature_drift_reference'],
        }}
    )
}}

with

counts as (
    select * from {{ ref('feature_drift_values') }}
    where as_of_date >= {{ first_date() }}
),

reference as (
    select * from {{ ref('feature_drift_reference') }}
),

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

versions as (
    select * from {{ ref('segment_versions') }}
),

dates_in_force as (
    select
        as_of_dates.as_of_date,
        versions.model_version
    from as_of_dates
    inner join versions
        on as_of_dates.as_of_date between versions.in_force_from and versions.in_force_until
    where as_of_dates.as_of_date >= {{ first_date() }}
),

scale_moments as (
    select
        model_version,
        feature,
        cast(
            sum(cast(customer_count * {{ on_feature_scale('feature', 'value') }} as decimal(38, 15))) as double
        ) / sum(customer_count) as mean_value
    from reference
    where population = 'everybody' and value is not null
    group by 1, 2
),

scales as (
    select
        reference.model_version,
        reference.feature,
        sqrt(
            cast(
                sum(
                    cast(
                        reference.customer_count * power(
                            {{ on_feature_scale('reference.feature', 'reference.value') }} - scale_moments.mean_value,
                            2
                        ) as decimal(38, 15)
                    )
                ) as double
            ) / sum(reference.customer_count)
        ) as scale
    from reference
    inner join scale_moments
        on
            reference.model_version = scale_moments.model_version
            and reference.feature = scale_moments.feature
    where reference.population = 'everybody' and reference.value is not null
    group by 1, 2
),

values_side_by_side as (
    select
        as_of_date,
        population,
        feature,
        value,
        -- As doubles, which hold every count exactly, running sums take half the time.
        cast(sum(reference_count) as double) as reference_count,
        cast(sum(date_count) as double) as date_count
    from (
        select
            dates_in_force.as_of_date,
            reference.population,
            reference.feature,
            reference.value,
            reference.customer_count as reference_count,
            0 as date_count
        from reference
        inner join dates_in_force on reference.model_version = dates_in_force.model_version
        where reference.value is not null
        union all
        select
            as_of_date,
            population,
            feature,
            value,
            0 as reference_count,
            customer_count as date_count
        from counts
        where value is not null
    ) as stacked
    group by 1, 2, 3, 4
),

-- The two empirical distribution functions at every value that either has, on the scale of the feature.
counts_up_to_value as (
    select
        *,
        {{ on_feature_scale('feature', 'value') }} as scaled_value,
        sum(reference_count) over (
            partition by as_of_date, population, feature
            order by value
            rows between unbounded preceding and current row
        ) as reference_up_to,
        sum(date_count) over (
            partition by as_of_date, population, feature
            order by value
            rows between unbounded preceding and current row
        ) as date_up_to,
        sum(reference_count) over (partition by as_of_date, population, feature) as reference_total,
        sum(date_count) over (partition by as_of_date, population, feature) as date_total
    from values_side_by_side
),

distribution_functions as (
    select
        as_of_date,
        population,
        feature,
        reference_up_to / reference_total - date_up_to / date_total as gap,
        lead(scaled_value) over (
            partition by as_of_date, population, feature
            order by value
        ) - scaled_value as step_width
    from counts_up_to_value
    where reference_total > 0 and date_total > 0
),

-- Areas are added up in decimals, so that the order of the rows can't change a digit.
distances as (
    select
        as_of_date,
        population,
        feature,
        max(abs(gap)) as ks_d,
        cast(coalesce(sum(cast(abs(gap) * step_width as decimal(38, 15))), 0) as double) as area,
        cast(coalesce(sum(cast(gap * step_width as decimal(38, 15))), 0) as double) as signed_area
    from distribution_functions
    group by 1, 2, 3
),

final as (
    select
        distances.as_of_date,
        dates_in_force.model_version,
        distances.population,
        distances.feature,
        distances.area / nullif(scales.scale, 0) as wasserstein,
        distances.signed_area / nullif(scales.scale, 0) as mean_shift,
        distances.ks_d
    from distances
    inner join dates_in_force on distances.as_of_date = dates_in_force.as_of_date
    left join scales
        on
            dates_in_force.model_version = scales.model_version
            and distances.feature = scales.feature
)

select * from final
order by as_of_date, population, feature
