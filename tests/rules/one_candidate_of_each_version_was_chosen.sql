select
    candidates.model_version,
    count(case when candidates.is_chosen then 1 end) as chosen_count,
    max(versions.model_version) as version_in_the_model
from {{ ref('segment_candidates') }} as candidates
left join {{ ref('segment_versions') }} as versions on candidates.model_version = versions.model_version
group by candidates.model_version
having count(case when candidates.is_chosen then 1 end) <> 1 or max(versions.model_version) is null
