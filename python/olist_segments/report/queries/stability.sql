select
    stability.segment_key, stability.segment_name, versions.data_as_of, stability.jaccard, stability.jaccard_low,
    stability.jaccard_high, stability.resamples, stability.stability_status
from segment_stability as stability
inner join segment_versions as versions on stability.model_version = versions.model_version
where versions.is_in_force
order by stability.jaccard desc nulls last, stability.segment_key
