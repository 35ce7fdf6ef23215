-- A version in force needs a feature that is no longer listed in the var features: list it again, or refit.
select distinct
    segment_model.model_version,
    segment_model.feature
from {{ ref('segment_model') }} as segment_model
inner join {{ ref('segment_versions') }} as versions on segment_model.model_version = versions.model_version
where
    versions.in_force_from is not null
    and not {{ is_among('segment_model.feature', feature_names()) }}
