with

features as (
    select * from {{ ref('customer_features_monthly') }}
),

newest as (
    select as_of_date from {{ ref('as_of_dates') }}
    where is_newest
),

customers as (
    select * from {{ ref('customers') }}
),

final as (
    select
        features.*,
        customers.state,
        customers.city
    from features
    inner join newest on features.as_of_date = newest.as_of_date
    left join customers on features.customer_unique_id = customers.customer_unique_id
)

select * from final
order by customer_unique_id
