-- The profiles by segment and stage hold every customer of today once, and all spend.
with

profiles as (
    select
        sum(customer_count) as customer_count,
        sum(total_spend) as total_spend,
        sum(customer_share) as customer_share,
        sum(revenue_share) as revenue_share
    from {{ ref('segment_lifecycle_profiles') }}
),

customers as (
    select
        count(*) as customer_count,
        sum(total_spend) as total_spend
    from {{ ref('customer_segments') }}
)

select
    profiles.*,
    customers.customer_count as customers_of_today,
    customers.total_spend as spend_of_today
from profiles
cross join customers
where
    customers.customer_count > 0
    and (
        profiles.customer_count <> customers.customer_count
        or profiles.total_spend <> customers.total_spend
        or abs(profiles.customer_share - 1) > 1e-9
        or (customers.total_spend > 0 and abs(profiles.revenue_share - 1) > 1e-9)
    )
