select
    versions.model_version, versions.data_as_of, versions.algorithm, versions.setting, versions.feature_set,
    versions.segment_count, versions.reason,
    exists(
        from segment_model as model
        where model.model_version = versions.model_version and model.feature = 'recency_days'
    ) as has_clock
from segment_versions as versions
where versions.is_in_force
