with

refits as (
    select * from {{ ref('fit_segment_refits') }}
    where resample > 0
),

bins as (
    {%- for margin_bin in range(margin_bins()) %}
    {{ "union all " if not loop.first }}select {{ margin_bin }} as margin_bin
    {%- endfor %}
),

counts as (
    select
        model_version,
        margin_bin,
        sum(case when resample = 1 then customer_count else 0 end) as customer_count,
        sum(customer_count) as label_count,
        sum(kept_count) as kept_count
    from refits
    group by model_version, margin_bin
),

versions as (
    select distinct model_version from refits
),

counts_of_all_bins as (
    select
        versions.model_version,
        bins.margin_bin,
        coalesce(counts.customer_count, 0) as customer_count,
        coalesce(counts.label_count, 0) as label_count,
        coalesce(counts.kept_count, 0) as kept_count
    from versions
    cross join bins
    left join counts
        on
            versions.model_version = counts.model_version
            and bins.margin_bin = counts.margin_bin
),

counts_up_to_bins as (
    select
        *,
        sum(label_count) over (
            partition by model_version order by margin_bin nulls last
            rows between unbounded preceding and current row
        ) as label_sum,
        sum(kept_count) over (
            partition by model_version order by margin_bin nulls last
            rows between unbounded preceding and current row
        ) as kept_sum
    from counts_of_all_bins
),

-- Isotonic regression (Barlow et al. 1972): a bin's value is the smallest, over the bins that a stretch may end at, of
-- the largest mean of a stretch that begins at the bin or before. A bin without customers has that of the bin before.
stretches as (
    select
        beginnings.model_version,
        beginnings.margin_bin as first_bin,
        endings.margin_bin as last_bin,
        cast(endings.kept_sum - beginnings.kept_sum + beginnings.kept_count as double)
        / nullif(cast(endings.label_sum - beginnings.label_sum + beginnings.label_count as double), 0) as kept_share
    from counts_up_to_bins as beginnings
    inner join counts_up_to_bins as endings
        on
            beginnings.model_version = endings.model_version
            and beginnings.margin_bin <= endings.margin_bin
),

largest_means as (
    select
        model_version,
        first_bin as margin_bin,
        max(kept_share) over (
            partition by model_version, last_bin order by first_bin nulls last
            rows between unbounded preceding and current row
        ) as kept_share
    from stretches
),

isotonic as (
    select
        model_version,
        margin_bin,
        min(kept_share) as kept_share
    from largest_means
    group by model_version, margin_bin
),

final as (
    select
        cast(counts_of_all_bins.model_version as integer) as model_version,
        cast(counts_of_all_bins.margin_bin as integer) as margin_bin,
        cast(counts_of_all_bins.margin_bin as double) / {{ margin_bins() }} as margin_from,
        cast(counts_of_all_bins.customer_count as integer) as customer_count,
        cast(counts_of_all_bins.kept_count as double) / nullif(cast(counts_of_all_bins.label_count as double), 0)
            as observed_kept_share,
        isotonic.kept_share
    from counts_of_all_bins
    inner join isotonic
        on
            counts_of_all_bins.model_version = isotonic.model_version
            and counts_of_all_bins.margin_bin = isotonic.margin_bin
)

select * from final
order by model_version, margin_bin
