with

fitted as (
    select
        labels.model_version,
        count(*) as customer_count
    from {{ ref('fit_segment_labels') }} as labels
    inner join {{ ref('segment_versions') }} as versions on labels.model_version = versions.model_version
    where versions.in_force_from is not null
    group by labels.model_version
),

reference as (
    select
        model_version,
        feature,
        sum(customer_count) as customer_count
    from {{ ref('feature_drift_reference') }}
    where population = 'everybody'
    group by model_version, feature
)

select
    fitted.model_version,
    reference.feature,
    fitted.customer_count,
    reference.customer_count as customers_in_reference
from fitted
left join reference on fitted.model_version = reference.model_version
where fitted.customer_count is distinct from reference.customer_count
