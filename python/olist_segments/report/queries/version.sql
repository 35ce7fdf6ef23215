select
    versions.model_version, versions.data_as_of, versions.algorithm, versions.setting, versions.feature_set,
    versions.segment_count, versions.reason,
    exists(
        from segment_model as model
        where model.model_version = versions.model_version and model.feature = 'recency_days'
    ) as has_clock,
    (
        select array_agg(distinct model.feature order by model.feature)
        from segment_model as model
        where model.model_version = versions.model_version
    ) as features,
    (
        select candidates.structure
        from segment_candidates as candidates
        where candidates.model_version = versions.model_version and candidates.is_chosen
    ) as structure
from segment_versions as versions
where versions.is_in_force
