-- A warning: profiles by state show such a value as a state of its own. Other countries write their regions otherwise.
{{ config(severity='warn') }}
select
    customers.customer_id,
    customers.state
from {{ ref('stg_olist__customers') }} as customers
cross join {{ ref('shop') }} as shop
where shop.has_states_of_brazil and not (length(customers.state) = 2 and customers.state = upper(customers.state))
