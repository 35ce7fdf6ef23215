-- Today's stage holds the customer's days since the last purchase day, by the boundaries of the version in force.
with

customers as (
    select * from {{ ref('customer_segments') }}
),

lifecycle_boundaries as (
    select * from {{ ref('lifecycle_boundaries') }}
)

select
    customers.customer_unique_id,
    customers.stage_key,
    customers.recency_days,
    customers.purchase_day_count,
    lifecycle_boundaries.from_days,
    lifecycle_boundaries.until_days
from customers
left join lifecycle_boundaries
    on
        customers.model_version = lifecycle_boundaries.model_version
        and customers.stage_key = lifecycle_boundaries.stage_key
where
    lifecycle_boundaries.stage_key is null
    or customers.recency_days < lifecycle_boundaries.from_days
    or customers.recency_days > lifecycle_boundaries.until_days
    or (customers.stage_key = 'new' and customers.purchase_day_count > 1)
    or (customers.stage_key = 'active' and customers.purchase_day_count = 1)
