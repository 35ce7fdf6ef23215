with

fitted as (
    select * from {{ ref('fit_segment_model') }}
),

final as (
    select
        cast(model_version as integer) as model_version,
        cast(segment_number as integer) as segment_number,
        feature,
        transform,
        cast(shift as double) as shift,
        cast(scale as double) as scale,
        cast(impute_value as double) as impute_value,
        cast(lower_bound as double) as lower_bound,
        cast(upper_bound as double) as upper_bound,
        cast(is_constant as boolean) as is_constant,
        cast(centre as double) as centre,
        cast(inverse_variance as double) as inverse_variance,
        cast(mean_z as double) as z_score,
        cast(mean_z as double) as mean_z
    from fitted
)

select * from final
order by model_version, segment_number, feature
