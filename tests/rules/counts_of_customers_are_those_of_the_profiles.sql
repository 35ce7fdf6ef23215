-- Customers and spend by stage and state add up to those of the segment, on every date.
with

counted as (
    select
        as_of_date,
        segment_key,
        sum(customer_count) as customer_count,
        sum(total_spend) as total_spend
    from {{ ref('customer_counts_monthly') }}
    where {{ dates_to_test(['customer_counts_monthly']) }}
    group by as_of_date, segment_key
),

profiled as (
    select * from {{ ref('segment_profiles_monthly') }}
    where {{ dates_to_test(['customer_counts_monthly']) }}
)

select
    coalesce(counted.as_of_date, profiled.as_of_date) as as_of_date,
    coalesce(counted.segment_key, profiled.segment_key) as segment_key,
    counted.customer_count,
    profiled.customer_count as customer_count_of_profile
from counted
full outer join profiled
    on
        counted.as_of_date = profiled.as_of_date
        and counted.segment_key = profiled.segment_key
where
    counted.customer_count is distinct from profiled.customer_count
    or counted.total_spend is distinct from profiled.total_spend
