with

-- Python writes a row per feature, too: what is said of the segment is the same on each.
fitted as (
    select
        *,
        row_number() over (partition by model_version, segment_number order by feature) as feature_rank
    from {{ ref('fit_segment_model') }}
),

final as (
    select
        cast(model_version as integer) as model_version,
        cast(segment_number as integer) as segment_number,
        segment_key,
        segment_name,
        name_source,
        cast(name_match_score as double) as name_match_score,
        cast(bias as double) as bias,
        cast(customer_count as integer) as customer_count
    from fitted
    where feature_rank = 1
)

select * from final
order by model_version, segment_number
