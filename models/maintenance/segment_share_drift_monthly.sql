{#- Which customers of the fit bought recently is known if recency is one of the features that Python saw. -#}
{%- set knows_recent_buyers = 'recency_days' in feature_names() -%}
{#- Likewise whether a customer of the fit had a review. -#}
{%- set knows_reviews = 'avg_review_score' in feature_names() -%}
with

labels as (
    select * from {{ ref('fit_segment_labels') }}
),

counts_by_kind as (
    select * from {{ ref('segment_counts_monthly') }}
),

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

versions as (
    select * from {{ ref('segment_versions') }}
),

segments as (
    select
        model_version,
        segment_key,
        count(*) over (partition by model_version) as segment_total
    from {{ ref('segments') }}
),

label_counts as (
    select
        as_of_date,
        model_version,
        'everybody' as population,
        segment_key,
        sum(customer_count) as customer_count
    from counts_by_kind
    group by as_of_date, model_version, segment_key
    union all
    select
        as_of_date,
        model_version,
        'recent_buyers' as population,
        segment_key,
        sum(customer_count) as customer_count
    from counts_by_kind
    where is_recent_buyer
    group by as_of_date, model_version, segment_key
    union all
    select
        as_of_date,
        model_version,
        'reviewed' as population,
        segment_key,
        sum(customer_count) as customer_count
    from counts_by_kind
    where is_reviewed
    group by as_of_date, model_version, segment_key
),

label_totals as (
    select
        as_of_date,
        model_version,
        population,
        sum(customer_count) as total
    from label_counts
    group by as_of_date, model_version, population
),

reference_counts as (
    select
        cast(model_version as integer) as model_version,
        'everybody' as population,
        segment_key,
        count(*) as customer_count
    from labels
    group by cast(model_version as integer), segment_key
    {%- if knows_recent_buyers %}
    union all
    select
        cast(model_version as integer) as model_version,
        'recent_buyers' as population,
        segment_key,
        count(*) as customer_count
    from labels
    where {{ is_recent_buyer() }}
    group by cast(model_version as integer), segment_key
    {%- endif %}
    {%- if knows_reviews %}
    union all
    select
        cast(model_version as integer) as model_version,
        'reviewed' as population,
        segment_key,
        count(*) as customer_count
    from labels
    where avg_review_score is not null
    group by cast(model_version as integer), segment_key
    {%- endif %}
),

reference_totals as (
    select
        model_version,
        population,
        sum(customer_count) as total
    from reference_counts
    group by model_version, population
),

shares as (
    select
        label_totals.as_of_date,
        label_totals.model_version,
        label_totals.population,
        label_totals.total,
        segments.segment_key,
        segments.segment_total,
        cast(coalesce(label_counts.customer_count, 0) as double) / cast(label_totals.total as double) as segment_share,
        {{ smoothed_share('coalesce(label_counts.customer_count, 0)', 'label_totals.total', 'segments.segment_total') }}
            as smoothed_share
    from label_totals
    inner join segments on label_totals.model_version = segments.model_version
    left join label_counts
        on
            label_totals.as_of_date = label_counts.as_of_date
            and label_totals.model_version = label_counts.model_version
            and label_totals.population = label_counts.population
            and segments.segment_key = label_counts.segment_key
),

reference_shares as (
    select
        reference_totals.model_version,
        reference_totals.population,
        reference_totals.total,
        segments.segment_key,
        cast(coalesce(reference_counts.customer_count, 0) as double) / cast(reference_totals.total as double)
            as segment_share,
        {{ smoothed_share(
            'coalesce(reference_counts.customer_count, 0)', 'reference_totals.total', 'segments.segment_total'
        ) }} as smoothed_share
    from reference_totals
    inner join segments on reference_totals.model_version = segments.model_version
    left join reference_counts
        on
            reference_totals.model_version = reference_counts.model_version
            and reference_totals.population = reference_counts.population
            and segments.segment_key = reference_counts.segment_key
),

changes as (
    select
        shares.as_of_date,
        shares.model_version,
        shares.population,
        shares.segment_key,
        shares.segment_share - reference_shares.segment_share as share_change,
        shares.smoothed_share,
        reference_shares.smoothed_share as reference_share,
        {{ psi_by_chance('shares.segment_total', 'shares.total', 'reference_shares.total') }} as psi_by_chance,
        row_number() over (
            partition by shares.as_of_date, shares.model_version, shares.population
            order by
                abs(shares.segment_share - reference_shares.segment_share) desc nulls last,
                shares.segment_key nulls last
        ) as change_rank
    from shares
    inner join reference_shares
        on
            shares.model_version = reference_shares.model_version
            and shares.population = reference_shares.population
            and shares.segment_key = reference_shares.segment_key
),

from_fit as (
    select
        as_of_date,
        model_version,
        population,
        {{ population_stability_index('smoothed_share', 'reference_share') }} as psi,
        max(psi_by_chance) as psi_by_chance,
        cast(sum(cast(abs(share_change) / 2 as decimal(38, 15))) as double) as share_moved,
        max(case when change_rank = 1 and share_change <> 0 then segment_key end) as most_changed_segment_key,
        max(case when change_rank = 1 then share_change end) as largest_share_change
    from changes
    group by as_of_date, model_version, population
),

-- Two dates compare when one and the same version labelled both.
between_dates as (
    {{ psi_between_dates('shares', ['population'], 'segment_key', 'segment_total') | indent(4) }}
),

psi as (
    select
        model_version,
        population,
        as_of_date,
        cast(null as date) as earlier_date,
        psi,
        psi_by_chance
    from from_fit
    union all
    select * from between_dates
),

judged as (
    {{ judge_drift('psi', 'as_of_dates', 'versions', ['population'], is_of_any_version=true) | indent(4) }}
),

final as (
    select
        judged.as_of_date,
        judged.as_of_date = max(judged.as_of_date) over () as is_newest,
        judged.population,
        judged.model_version,
        judged.months_from_fit,
        cast(label_totals.total as integer) as customer_count,
        judged.psi,
        judged.psi_by_chance,
        judged.psi_step,
        judged.psi_step_by_chance,
        from_fit.share_moved,
        from_fit.most_changed_segment_key,
        from_fit.largest_share_change,
        judged.watch_from,
        judged.act_from,
        judged.calibration_pairs,
        judged.step_watch_from,
        judged.step_act_from,
        judged.step_calibration_pairs,
        judged.severity,
        judged.drift_status,
        judged.drift_status as verdict
    from judged
    inner join from_fit
        on
            judged.as_of_date = from_fit.as_of_date
            and judged.model_version = from_fit.model_version
            and judged.population = from_fit.population
    inner join label_totals
        on
            judged.as_of_date = label_totals.as_of_date
            and judged.model_version = label_totals.model_version
            and judged.population = label_totals.population
)

select * from final
order by as_of_date, population
