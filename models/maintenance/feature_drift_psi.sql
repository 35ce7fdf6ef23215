with

bin_shares as (
    select * from {{ ref('feature_drift_bin_shares') }}
),

from_fit as (
    select
        model_version,
        population,
        feature,
        aspect,
        as_of_date,
        cast(null as date) as earlier_date,
        {{ population_stability_index('smoothed_share', 'reference_share') }} as psi,
        {{ psi_by_chance('max(bin_total)', 'max(total)', 'max(reference_total)') }} as psi_by_chance
    from bin_shares
    group by 1, 2, 3, 4, 5
),

between_dates as (
    {{ psi_between_dates('bin_shares', ['population', 'feature', 'aspect'], 'bin_number', 'bin_total') | indent(4) }}
),

final as (
    select * from from_fit
    union all
    select * from between_dates
)

select * from final
order by model_version, population, feature, aspect, as_of_date, earlier_date nulls first
