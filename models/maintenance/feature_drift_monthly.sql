{%- set clock_driven = checked_var('drift_clock_driven_features') -%}
with

features as (
    select
        *,
        recency_days < {{ var('drift_recent_buyer_days') }} as is_recent_buyer
    from {{ ref('customer_features_monthly') }}
),

as_of_dates as (
    select
        *,
        lag(as_of_date) over (order by as_of_date) as previous_date
    from {{ ref('as_of_dates') }}
),

versions as (
    select * from {{ ref('segment_versions') }}
    where in_force_from is not null
),

model_features as (
    select
        model_version,
        feature
    from {{ ref('segment_model') }}
    where segment_number = 1
),

reference as (
    select * from {{ ref('feature_drift_reference') }}
),

bins as (
    select
        *,
        sum(customer_count) over (partition by model_version, population, feature, aspect) as reference_total,
        count(*) over (partition by model_version, population, feature, aspect) as bin_total
    from {{ ref('feature_drift_bins') }}
),

counts_by_kind as (
    {{ feature_value_counts('features', ['as_of_date', 'is_recent_buyer']) | indent(4) }}
),

counts as (
    select
        as_of_date,
        'everybody' as population,
        feature,
        value,
        sum(customer_count) as customer_count
    from counts_by_kind
    group by as_of_date, feature, value
    union all
    select
        as_of_date,
        'recent_buyers' as population,
        feature,
        value,
        customer_count
    from counts_by_kind
    where is_recent_buyer
),

totals as (
    select
        as_of_date,
        population,
        feature,
        sum(customer_count) as customer_count,
        coalesce(sum(case when value is not null then customer_count end), 0) as known_count
    from counts
    group by as_of_date, population, feature
),

-- The shape of the known values is one aspect, how many are missing another: each is judged by itself.
totals_of_aspects as (
    select
        as_of_date,
        population,
        feature,
        'values' as aspect,
        known_count as total
    from totals
    where known_count > 0
    union all
    select
        as_of_date,
        population,
        feature,
        'missing' as aspect,
        customer_count as total
    from totals
),

-- The frozen bins, filled with the people of every date.
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

bin_shares as (
    select
        bins.model_version,
        bins.population,
        bins.feature,
        bins.aspect,
        bins.bin_number,
        bins.bin_total,
        bins.reference_total,
        totals_of_aspects.as_of_date,
        totals_of_aspects.total,
        bins.smoothed_share as reference_share,
        {{ smoothed_share('coalesce(bin_counts.bin_count, 0)', 'totals_of_aspects.total', 'bins.bin_total') }}
            as bin_share
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
),

psi_from_fit as (
    select
        model_version,
        population,
        feature,
        aspect,
        as_of_date,
        {{ population_stability_index('bin_share', 'reference_share') }} as psi,
        {{ psi_by_chance('max(bin_total)', 'max(total)', 'max(reference_total)') }} as psi_by_chance
    from bin_shares
    group by 1, 2, 3, 4, 5
),

psi_of_pairs as (
    select
        later.model_version,
        later.population,
        later.feature,
        later.aspect,
        earlier.as_of_date as earlier_date,
        later.as_of_date as later_date,
        {{ population_stability_index('later.bin_share', 'earlier.bin_share') }} as psi,
        {{ psi_by_chance('max(later.bin_total)', 'max(later.total)', 'max(earlier.total)') }} as psi_by_chance
    from bin_shares as later
    inner join bin_shares as earlier
        on
            later.model_version = earlier.model_version
            and later.population = earlier.population
            and later.feature = earlier.feature
            and later.aspect = earlier.aspect
            and later.bin_number = earlier.bin_number
            and later.as_of_date > earlier.as_of_date
    group by 1, 2, 3, 4, 5, 6
),

-- What was usual up to the fit, between month ends so many months apart.
history_pairs as (
    select
        psi_of_pairs.model_version,
        psi_of_pairs.population,
        psi_of_pairs.feature,
        psi_of_pairs.aspect,
        {{ months_between_dates('psi_of_pairs.earlier_date', 'psi_of_pairs.later_date') }} as months_apart,
        psi_of_pairs.psi,
        psi_of_pairs.psi_by_chance
    from psi_of_pairs
    inner join versions
        on
            psi_of_pairs.model_version = versions.model_version
            and psi_of_pairs.later_date <= versions.data_as_of
    inner join as_of_dates
        on
            psi_of_pairs.later_date = as_of_dates.as_of_date
            and as_of_dates.is_month_end
),

bands as (
    {{ drift_bands('history_pairs', ['model_version', 'population', 'feature', 'aspect']) | indent(4) }}
),

-- The two empirical distribution functions at every value that either has, on the scale of the feature.

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

dates_in_force as (
    select
        as_of_dates.as_of_date,
        as_of_dates.previous_date,
        versions.model_version,
        versions.data_as_of,
        {{ months_between_dates('versions.data_as_of', 'as_of_dates.as_of_date') }} as months_from_fit
    from as_of_dates
    inner join versions
        on as_of_dates.as_of_date between versions.in_force_from and versions.in_force_until
),

values_side_by_side as (
    select
        as_of_date,
        population,
        feature,
        value,
        sum(reference_count) as reference_count,
        sum(date_count) as date_count
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
        cast(reference_up_to as double) / cast(reference_total as double)
        - cast(date_up_to as double) / cast(date_total as double) as gap,
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

measured as (
    select
        dates_in_force.as_of_date,
        psi_from_fit.population,
        psi_from_fit.feature,
        psi_from_fit.aspect,
        dates_in_force.model_version,
        dates_in_force.months_from_fit,
        dates_in_force.as_of_date > dates_in_force.data_as_of as is_after_fit,
        totals.customer_count,
        cast(totals.customer_count - totals.known_count as double) / cast(totals.customer_count as double)
            as missing_rate,
        missing_bins.customer_share as reference_missing_rate,
        psi_from_fit.psi,
        psi_from_fit.psi_by_chance,
        steps.psi as psi_step,
        steps.psi_by_chance as psi_step_by_chance,
        distances.area / nullif(scales.scale, 0) as wasserstein,
        distances.signed_area / nullif(scales.scale, 0) as mean_shift,
        distances.ks_d
    from dates_in_force
    inner join psi_from_fit
        on
            dates_in_force.model_version = psi_from_fit.model_version
            and dates_in_force.as_of_date = psi_from_fit.as_of_date
    inner join totals
        on
            psi_from_fit.as_of_date = totals.as_of_date
            and psi_from_fit.population = totals.population
            and psi_from_fit.feature = totals.feature
    inner join bins as missing_bins
        on
            psi_from_fit.model_version = missing_bins.model_version
            and psi_from_fit.population = missing_bins.population
            and psi_from_fit.feature = missing_bins.feature
            and missing_bins.is_missing_bin
    left join psi_of_pairs as steps
        on
            psi_from_fit.model_version = steps.model_version
            and psi_from_fit.population = steps.population
            and psi_from_fit.feature = steps.feature
            and psi_from_fit.aspect = steps.aspect
            and dates_in_force.as_of_date = steps.later_date
            and dates_in_force.previous_date = steps.earlier_date
    left join distances
        on
            psi_from_fit.as_of_date = distances.as_of_date
            and psi_from_fit.population = distances.population
            and psi_from_fit.feature = distances.feature
            and psi_from_fit.aspect = 'values'
    left join scales
        on
            psi_from_fit.model_version = scales.model_version
            and psi_from_fit.feature = scales.feature
),

with_bands as (
    {{
        judge_drift('measured', 'bands', ['model_version', 'population', 'feature', 'aspect']) | indent(4)
    }}
),

final as (
    select
        with_bands.as_of_date,
        with_bands.as_of_date = max(with_bands.as_of_date) over () as is_newest,
        with_bands.population,
        with_bands.feature,
        with_bands.aspect,
        with_bands.model_version,
        with_bands.months_from_fit,
        {{ is_among('with_bands.feature', clock_driven) }} as is_clock_driven,
        model_features.feature is not null as is_in_model,
        cast(with_bands.customer_count as integer) as customer_count,
        with_bands.missing_rate,
        with_bands.reference_missing_rate,
        with_bands.psi,
        with_bands.psi_by_chance,
        with_bands.psi_step,
        with_bands.psi_step_by_chance,
        with_bands.wasserstein,
        with_bands.mean_shift,
        coalesce(
            with_bands.ks_d,
            case
                when with_bands.aspect = 'missing' then abs(with_bands.missing_rate - with_bands.reference_missing_rate)
            end
        ) as ks_d,
        with_bands.watch_from,
        with_bands.act_from,
        with_bands.calibration_pairs,
        with_bands.step_watch_from,
        with_bands.step_act_from,
        with_bands.step_calibration_pairs,
        with_bands.severity,
        with_bands.verdict
    from with_bands
    left join model_features
        on
            with_bands.model_version = model_features.model_version
            and with_bands.feature = model_features.feature
)

select * from final
order by as_of_date, population, feature, aspect
