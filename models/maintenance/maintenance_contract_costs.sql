{#- Ages that readers ask for, days: 1, 2, 3 and 6 months and a year. -#}
{%- set ages = [30, 61, 91, 182, 365] -%}
with

segment_ageing as (
    select * from {{ ref('segment_ageing') }}
    where variant = 'all features' and not is_model_in_force
),

segment_versions as (
    select * from {{ ref('segment_versions') }}
),

customer_segments as (
    select * from {{ ref('customer_segments') }}
),

today as (
    select
        max(as_of_date) as as_of_date,
        count(*) as customer_count,
        sum(total_spend) as total_spend
    from customer_segments
),

horizons as (
    select
        segment_ageing.model_version,
        segment_ageing.horizon_days,
        count(*) as origin_count,
        percentile_cont(0.5) within group (order by segment_ageing.reassigned_share)
            as reassigned_share,
        percentile_cont(0.5) within group (order by segment_ageing.reassigned_spend_share)
            as reassigned_spend_share
    from segment_ageing
    inner join segment_versions on segment_ageing.model_version = segment_versions.model_version
    where segment_versions.is_in_force
    group by 1, 2
),

ages as (
    {%- for age in ages %}
    {{ "union all" if not loop.first }}
    select {{ age }} as asked_days
    {%- endfor %}
),

-- Which ages were simulated depends on settings: the nearest one answers, under its own number of days.
horizons_ranked as (
    select
        ages.asked_days,
        horizons.*,
        row_number() over (
            partition by ages.asked_days
            order by abs(horizons.horizon_days - ages.asked_days), horizons.horizon_days
        ) as distance_rank
    from ages
    cross join horizons
),

horizons_reported as (
    select
        model_version,
        horizon_days,
        max(origin_count) as origin_count,
        max(reassigned_share) as reassigned_share,
        max(reassigned_spend_share) as reassigned_spend_share
    from horizons_ranked
    where distance_rank = 1
    group by 1, 2
),

final as (
    select
        horizons_reported.model_version,
        horizons_reported.horizon_days,
        today.as_of_date,
        cast(horizons_reported.origin_count as integer) as origin_count,
        horizons_reported.reassigned_share,
        cast(round(horizons_reported.reassigned_share * today.customer_count) as integer) as reassigned_customer_count,
        horizons_reported.reassigned_spend_share,
        cast(horizons_reported.reassigned_spend_share * cast(today.total_spend as double) as decimal(18, 2))
            as reassigned_spend
    from horizons_reported
    cross join today
)

select * from final
order by model_version, horizon_days
