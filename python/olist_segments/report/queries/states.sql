with customers as (
    select
        state, max(as_of_date) as as_of_date, sum(customer_count) as customer_count, sum(total_spend) as total_spend
    from segment_geography
    group by state
)

select
    states.state, states.state_name, states.region, states.tile_row, states.tile_column, customers.as_of_date,
    coalesce(customers.customer_count, 0) as customer_count,
    coalesce(customers.customer_count, 0) / (select sum(customer_count) from customers) as customer_share,
    coalesce(customers.total_spend, 0) as total_spend,
    customers.total_spend / customers.customer_count as spend_per_customer
from brazil_states as states
left join customers on states.state = customers.state
order by customer_count desc, states.state
