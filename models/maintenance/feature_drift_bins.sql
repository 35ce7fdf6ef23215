with

reference as (
    select * from {{ ref('feature_drift_reference') }}
),

groups as (
    select
        model_version,
        population,
        feature,
        coalesce(sum(case when value is not null then customer_count end), 0) as known_count,
        coalesce(sum(case when value is null then customer_count end), 0) as missing_count
    from reference
    group by model_version, population, feature
),

known_bins as (
    select
        model_version,
        population,
        feature,
        bin_number,
        min(value) as smallest_value,
        sum(customer_count) as bin_count
    from reference
    where value is not null
    group by model_version, population, feature, bin_number
),

bounded_bins as (
    select
        *,
        case when bin_number > 1 then smallest_value end as lower_bound,
        lead(smallest_value) over (
            partition by model_version, population, feature
            order by bin_number
        ) as upper_bound
    from known_bins
),

all_bins as (
    select
        model_version,
        population,
        feature,
        'values' as aspect,
        bin_number,
        false as is_missing_bin,
        lower_bound,
        upper_bound,
        bin_count
    from bounded_bins
    union all
    select
        groups.model_version,
        groups.population,
        groups.feature,
        'missing' as aspect,
        halves.bin_number,
        halves.bin_number = 2 as is_missing_bin,
        cast(null as double) as lower_bound,
        cast(null as double) as upper_bound,
        case halves.bin_number when 1 then groups.known_count else groups.missing_count end as bin_count
    from groups
    cross join (
        select 1 as bin_number
        union all
        select 2 as bin_number
    ) as halves
),

totals as (
    select
        *,
        sum(bin_count) over (partition by model_version, population, feature, aspect) as reference_count,
        count(*) over (partition by model_version, population, feature, aspect) as bin_total
    from all_bins
),

final as (
    select
        model_version,
        population,
        feature,
        aspect,
        cast(bin_number as integer) as bin_number,
        is_missing_bin,
        lower_bound,
        upper_bound,
        cast(bin_count as integer) as customer_count,
        cast(bin_count as double) / nullif(cast(reference_count as double), 0) as customer_share,
        {{ smoothed_share('bin_count', 'reference_count', 'bin_total') }} as smoothed_share
    from totals
)

select * from final
order by model_version, population, feature, aspect, bin_number
