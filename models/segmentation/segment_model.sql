with

fitted as (
    select * from {{ ref('fit_segment_model') }}
),

final as (
    select
        cast(model_version as integer) as model_version,
        cast(segment_number as integer) as segment_number,
        segment_key,
        segment_name,
        name_source,
        cast(name_match_score as double) as name_match_score,
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
        cast(bias as double) as bias,
        cast(mean_z as double) as mean_z,
        cast(customer_count as integer) as customer_count,
        feature_set,
        algorithm,
        setting,
        reason,
        cast(data_as_of as date) as data_as_of,
        cast(fitted_at as timestamp) as fitted_at,
        cast(random_seed as integer) as random_seed,
        package_versions
    from fitted
)

select * from final
order by model_version, segment_number, feature
