with

segment_ageing as (
    select * from {{ ref('segment_ageing') }}
    where not is_model_in_force
),

-- The middle of the simulated history: what had been seen by then makes the promise, what starts then judges it.
middles as (
    select
        model_version,
        variant,
        cast(
            {{ dbt.dateadd(
                'day',
                'cast(floor(' ~ dbt.datediff('min(origin_date)', 'max(later_date)', 'day') ~ ' / 2.0) as integer)',
                'min(origin_date)'
            ) }} as date
        ) as middle_date
    from segment_ageing
    group by model_version, variant
),

halves as (
    select
        segment_ageing.*,
        middles.middle_date,
        case
            when segment_ageing.later_date <= middles.middle_date then 'promise'
            when segment_ageing.origin_date >= middles.middle_date then 'judgement'
        end as half
    from segment_ageing
    inner join middles
        on
            segment_ageing.model_version = middles.model_version
            and segment_ageing.variant = middles.variant
),

promise_half as (
    select * from halves
    where half = 'promise'
),

promises as (
    {{ contract_intervals('promise_half', ['model_version', 'variant', 'middle_date']) | indent(4) }}
),

judged as (
    select
        promises.model_version,
        promises.variant,
        promises.middle_date,
        promises.threshold,
        promises.interval_days,
        promises.judged_from_days,
        promises.judged_until_days,
        promises.origin_count as promise_origin_count,
        count(halves.origin_date) as judged_origin_count,
        count(case when halves.ari >= promises.threshold then 1 end) as held_origin_count,
        min(halves.ari) as worst_agreement
    from promises
    left join halves
        on
            promises.model_version = halves.model_version
            and promises.variant = halves.variant
            and halves.half = 'judgement'
            and promises.interval_days = halves.horizon_days
    group by 1, 2, 3, 4, 5, 6, 7, 8
),

final as (
    select
        model_version,
        variant,
        threshold,
        middle_date,
        cast(interval_days as integer) as promised_interval_days,
        cast(judged_from_days as integer) as promise_judged_from_days,
        cast(judged_until_days as integer) as promise_judged_until_days,
        cast(promise_origin_count as integer) as promise_origin_count,
        cast(judged_origin_count as integer) as judged_origin_count,
        cast(held_origin_count as integer) as held_origin_count,
        cast(held_origin_count as double) / nullif(judged_origin_count, 0) as held_share,
        worst_agreement
    from judged
)

select * from final
order by model_version, variant, threshold
