-- The model in force is the least bad of candidates none of which met the rule: read its reason before acting on it.
{{ config(severity='warn') }}
select
    candidates.model_version,
    candidates.reason
from {{ ref('segment_candidates') }} as candidates
inner join {{ ref('segment_versions') }} as versions on candidates.model_version = versions.model_version
where candidates.is_chosen and not candidates.is_eligible and versions.is_in_force
