select
    model_version,
    population,
    feature,
    aspect,
    sum(customer_share) as customer_share,
    sum(smoothed_share) as smoothed_share
from {{ ref('feature_drift_bins') }}
group by model_version, population, feature, aspect
having abs(sum(customer_share) - 1) > 1e-9 or abs(sum(smoothed_share) - 1) > 1e-9
