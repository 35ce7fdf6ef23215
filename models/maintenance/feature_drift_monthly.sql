with

bin_shares as (
    select * from {{ ref('feature_drift_bin_shares') }}
),

psi as (
    select * from {{ ref('feature_drift_psi') }}
),

distances as (
    select * from {{ ref('feature_drift_distances') }}
),

bins as (
    select * from {{ ref('feature_drift_bins') }}
),

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

versions as (
    select * from {{ ref('segment_versions') }}
),

model_features as (
    select
        model_version,
        feature
    from {{ ref('segment_model') }}
    where segment_number = 1
),

totals as (
    select
        as_of_date,
        model_version,
        population,
        feature,
        total as customer_count,
        customer_count as missing_count
    from bin_shares
    where is_missing_bin
),

judged as (
    {{ judge_drift('psi', 'as_of_dates', 'versions', ['population', 'feature', 'aspect']) | indent(4) }}
),

described as (
    select
        judged.*,
        model_features.feature is not null as is_in_model,
        totals.customer_count,
        cast(totals.missing_count as double) / cast(totals.customer_count as double) as missing_rate,
        missing_bins.customer_share as reference_missing_rate,
        distances.wasserstein,
        distances.mean_shift,
        distances.ks_d as known_ks_d
    from judged
    inner join totals
        on
            judged.as_of_date = totals.as_of_date
            and judged.model_version = totals.model_version
            and judged.population = totals.population
            and judged.feature = totals.feature
    inner join bins as missing_bins
        on
            judged.model_version = missing_bins.model_version
            and judged.population = missing_bins.population
            and judged.feature = missing_bins.feature
            and missing_bins.is_missing_bin
    left join distances
        on
            judged.as_of_date = distances.as_of_date
            and judged.population = distances.population
            and judged.feature = distances.feature
            and judged.aspect = 'values'
    left join model_features
        on
            judged.model_version = model_features.model_version
            and judged.feature = model_features.feature
),

final as (
    select
        as_of_date,
        as_of_date = max(as_of_date) over () as is_newest,
        population,
        feature,
        aspect,
        model_version,
        months_from_fit,
        {{ is_among('feature', checked_var('drift_clock_driven_features')) }} as is_clock_driven,
        is_in_model,
        customer_count,
        missing_rate,
        reference_missing_rate,
        psi,
        psi_by_chance,
        psi_step,
        psi_step_by_chance,
        wasserstein,
        mean_shift,
        coalesce(known_ks_d, case when aspect = 'missing' then abs(missing_rate - reference_missing_rate) end) as ks_d,
        watch_from,
        act_from,
        calibration_pairs,
        step_watch_from,
        step_act_from,
        step_calibration_pairs,
        severity,
        drift_status,
        drift_status as verdict
    from described
    where is_in_model or {{ is_among('feature', described_features()) }}
)

select * from final
order by as_of_date, population, feature, aspect
