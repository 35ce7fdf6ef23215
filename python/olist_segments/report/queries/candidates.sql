select
    candidates.feature_set, candidates.algorithm, candidates.setting, candidates.k, candidates.shelf_life_days, candidates.selection_frequency,
    candidates.structure_gap, candidates.joint_gap, candidates.structure, candidates.jaccard_min, candidates.prediction_strength, candidates.ari_seeds,
    candidates.silhouette, candidates.davies_bouldin, candidates.calinski_harabasz, candidates.smallest_share,
    candidates.value_explained, candidates.is_eligible, candidates.is_chosen, candidates.reason, candidates.data_as_of
from segment_candidates as candidates
inner join segment_versions as versions on candidates.model_version = versions.model_version
where versions.is_in_force
order by
    candidates.is_chosen desc, candidates.is_eligible desc, candidates.shelf_life_days desc nulls last,
    candidates.structure_gap desc nulls last, candidates.feature_set, candidates.algorithm, candidates.setting
