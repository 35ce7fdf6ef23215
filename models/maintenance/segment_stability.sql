with

refits as (
    select * from {{ ref('fit_segment_refits') }}
),

segments as (
    select * from {{ ref('segments') }}
),

-- Every bin of a resample and segment carries its similarity; resample 0 says that nothing was measured.
similarities as (
    select
        model_version,
        segment_number,
        resample,
        max(jaccard) as jaccard
    from refits
    group by model_version, segment_number, resample
),

summaries as (
    select
        model_version,
        segment_number,
        count(jaccard) as resamples,
        cast(sum(cast(jaccard as decimal(18, 12))) as double) / nullif(count(jaccard), 0) as jaccard,
        percentile_cont(0.025) within group (order by jaccard) as jaccard_low,
        percentile_cont(0.975) within group (order by jaccard) as jaccard_high,
        cast(count(case when jaccard <= 0.5 then 1 end) as double) / nullif(count(jaccard), 0) as dissolved_share,
        cast(count(case when jaccard >= 0.75 then 1 end) as double) / nullif(count(jaccard), 0) as recovered_share
    from similarities
    group by model_version, segment_number
),

judged as (
    select
        *,
        -- Hennig's words and bounds.
        case
            when jaccard is null then 'not measured'
            when jaccard >= 0.85 then 'highly stable'
            when jaccard >= 0.75 then 'stable'
            when jaccard >= 0.6 then 'pattern'
            when jaccard >= 0.5 then 'not to be trusted'
            else 'dissolved'
        end as stability_status
    from summaries
),

final as (
    select
        cast(judged.model_version as integer) as model_version,
        segments.segment_key,
        segments.segment_name,
        judged.jaccard,
        judged.jaccard_low,
        judged.jaccard_high,
        judged.dissolved_share,
        judged.recovered_share,
        cast(judged.resamples as integer) as resamples,
        judged.stability_status,
        judged.stability_status as verdict
    from judged
    inner join segments
        on
            judged.model_version = segments.model_version
            and judged.segment_number = segments.segment_number
)

select * from final
order by model_version, segment_key
