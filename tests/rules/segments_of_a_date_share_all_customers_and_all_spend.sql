with

profiles as (
    select
        as_of_date,
        sum(customer_count) as customer_count,
        sum(total_spend) as total_spend,
        sum(customer_share) as customer_share,
        sum(reviewed_customer_count) as reviewed_customer_count,
        sum(share_of_reviewed) as share_of_reviewed
    from {{ ref('segment_profiles_monthly') }}
    group by as_of_date
),

features as (
    select
        as_of_date,
        count(*) as customer_count,
        count(avg_review_score) as reviewed_customer_count,
        sum(total_spend) as total_spend
    from {{ ref('customer_features_monthly') }}
    group by as_of_date
)

select
    features.as_of_date,
    features.customer_count,
    profiles.customer_count as customers_in_profiles,
    features.reviewed_customer_count,
    profiles.reviewed_customer_count as reviewed_in_profiles,
    features.total_spend,
    profiles.total_spend as spend_in_profiles
from features
full outer join profiles on features.as_of_date = profiles.as_of_date
where
    features.customer_count is distinct from profiles.customer_count
    or features.total_spend is distinct from profiles.total_spend
    or features.reviewed_customer_count is distinct from profiles.reviewed_customer_count
    or abs(profiles.customer_share - 1) > 1e-9
    -- Null while nobody has written a review.
    or abs(profiles.share_of_reviewed - 1) > 1e-9
