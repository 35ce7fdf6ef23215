with

measured as (
    select * from {{ ref('fit_segment_stability') }}
),

final as (
    select
        cast(model_version as integer) as model_version,
        segment_key,
        segment_name,
        cast(jaccard as double) as jaccard,
        cast(jaccard_low as double) as jaccard_low,
        cast(jaccard_high as double) as jaccard_high,
        cast(dissolved_share as double) as dissolved_share,
        cast(recovered_share as double) as recovered_share,
        cast(resamples as integer) as resamples,
        verdict as stability_status,
        verdict
    from measured
)

select * from final
order by model_version, segment_key
