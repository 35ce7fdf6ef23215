select
    segment_model.model_version,
    segment_model.segment_key,
    stability.segment_key as segment_key_measured
from (
    select distinct
        model_version,
        segment_key
    from {{ ref('segment_model') }}
) as segment_model
full outer join {{ ref('segment_stability') }} as stability
    on
        segment_model.model_version = stability.model_version
        and segment_model.segment_key = stability.segment_key
where segment_model.segment_key is null or stability.segment_key is null
