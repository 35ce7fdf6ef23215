with

fitted as (
    select * from {{ ref('fit_segment_candidates') }}
),

final as (
    select
        cast(model_version as integer) as model_version,
        feature_set,
        algorithm,
        setting,
        cast(k as integer) as k,
        cast(customers as integer) as customer_count,
        cast(silhouette as double) as silhouette,
        cast(silhouette_low as double) as silhouette_low,
        cast(silhouette_high as double) as silhouette_high,
        cast(davies_bouldin as double) as davies_bouldin,
        cast(calinski_harabasz as double) as calinski_harabasz,
        cast(prediction_strength as double) as prediction_strength,
        cast(prediction_strength_se as double) as prediction_strength_se,
        cast(jaccard_min as double) as jaccard_min,
        cast(jaccard_min_se as double) as jaccard_min_se,
        cast(jaccard_mean as double) as jaccard_mean,
        cast(ari_seeds as double) as ari_seeds,
        cast(ari_seeds_se as double) as ari_seeds_se,
        cast(ari_resamples as double) as ari_resamples,
        cast(fidelity as double) as fidelity,
        cast(collapsed_segments as integer) as collapsed_segment_count,
        cast(structure_gap as double) as structure_gap,
        cast(structure_gap_se as double) as structure_gap_se,
        cast(joint_gap as double) as joint_gap,
        cast(joint_gap_se as double) as joint_gap_se,
        case
            when joint_gap - 2 * joint_gap_se > {{ checked_var('types_min_joint_gap') }} then 'types'
            when joint_gap is not null then 'bands'
        end as structure,
        cast(shelf_life_days as integer) as shelf_life_days,
        cast(shelf_life_se_days as double) as shelf_life_se_days,
        cast(shelf_life_judged_days as integer) as shelf_life_judged_days,
        cast(smallest_share as double) as smallest_share,
        cast(selection_frequency as double) as selection_frequency,
        cast(value_explained as double) as value_explained,
        cast(value_explained_low as double) as value_explained_low,
        cast(value_explained_high as double) as value_explained_high,
        cast(seconds as double) as seconds,
        cast(is_eligible as boolean) as is_eligible,
        cast(is_chosen as boolean) as is_chosen,
        reason,
        cast(data_as_of as date) as data_as_of,
        cast(fitted_at as timestamp) as fitted_at
    from fitted
)

select * from final
order by model_version, feature_set, algorithm, setting
