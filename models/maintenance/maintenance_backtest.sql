with

segment_ageing as (
    select * from {{ ref('segment_ageing') }}
    where not is_model_in_force
),

promise_dates as (
    select distinct
        model_version,
        variant,
        origin_date as promise_date
    from segment_ageing
),

-- At every origin only what had been seen by then makes the promise.
known_pairs as (
    select
        segment_ageing.model_version,
        segment_ageing.variant,
        promise_dates.promise_date,
        segment_ageing.origin_date,
        segment_ageing.horizon_days,
        segment_ageing.ari
    from segment_ageing
    inner join promise_dates
        on
            segment_ageing.model_version = promise_dates.model_version
            and segment_ageing.variant = promise_dates.variant
            and segment_ageing.later_date <= promise_dates.promise_date
),

promises as (
    {{ contract_intervals('known_pairs', ['model_version', 'variant', 'promise_date']) | indent(4) }}
),

-- The model frozen on the day of the promise judges it: at every age up to the promised one it must have held so far.
judgements as (
    select
        promises.model_version,
        promises.variant,
        promises.threshold,
        promises.promise_date,
        segment_ageing.ari,
        min(segment_ageing.ari) over (
            partition by
                promises.model_version, promises.variant, promises.threshold, promises.promise_date
            order by segment_ageing.horizon_days
            rows between unbounded preceding and current row
        ) >= promises.threshold as is_kept
    from promises
    inner join segment_ageing
        on
            promises.model_version = segment_ageing.model_version
            and promises.variant = segment_ageing.variant
            and promises.promise_date = segment_ageing.origin_date
            and promises.interval_days >= segment_ageing.horizon_days
),

judged as (
    select
        model_version,
        variant,
        threshold,
        count(distinct promise_date) as judged_promise_count,
        count(*) as judgement_count,
        count(case when is_kept then 1 end) as kept_count,
        min(ari) as worst_agreement
    from judgements
    group by 1, 2, 3
),

promised as (
    select
        model_version,
        variant,
        threshold,
        count(*) as promise_count,
        min(promise_date) as first_promise_date,
        max(promise_date) as last_promise_date,
        min(interval_days) as shortest_promise_days,
        percentile_cont(0.5) within group (order by interval_days) as median_promise_days,
        max(interval_days) as longest_promise_days
    from promises
    group by 1, 2, 3
),

final as (
    select
        promised.model_version,
        promised.variant,
        promised.threshold,
        cast(promised.promise_count as integer) as promise_count,
        promised.first_promise_date,
        promised.last_promise_date,
        cast(promised.shortest_promise_days as integer) as shortest_promise_days,
        cast(promised.median_promise_days as double) as median_promise_days,
        cast(promised.longest_promise_days as integer) as longest_promise_days,
        cast(coalesce(judged.judged_promise_count, 0) as integer) as judged_promise_count,
        cast(coalesce(judged.judgement_count, 0) as integer) as judgement_count,
        cast(coalesce(judged.kept_count, 0) as integer) as kept_count,
        cast(judged.kept_count as double) / nullif(judged.judgement_count, 0) as kept_share,
        judged.worst_agreement
    from promised
    left join judged
        on
            promised.model_version = judged.model_version
            and promised.variant = judged.variant
            and promised.threshold = judged.threshold
)

select * from final
order by model_version, variant, threshold
