select
    segments.model_version,
    segments.segment_key,
    stability.segment_key as segment_key_measured
from {{ ref('segments') }} as segments
full outer join {{ ref('segment_stability') }} as stability
    on
        segments.model_version = stability.model_version
        and segments.segment_key = stability.segment_key
where segments.segment_key is null or stability.segment_key is null
