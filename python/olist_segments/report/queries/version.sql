select model_version, data_as_of, algorithm, setting, feature_set, segment_count, reason
from segment_versions
where is_in_force
