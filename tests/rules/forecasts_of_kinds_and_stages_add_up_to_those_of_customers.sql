-- What is forecast of the kinds and stages together is what is forecast of all customers.
{%- set figures = ['expected_orders', 'expected_revenue', 'expected_orders_365_days', 'expected_revenue_365_days'] %}
with

of_segments as (
    select
        sum(customer_count) as customer_count,
        {%- for figure in figures %}
        sum({{ figure }}) as {{ figure }},
        {%- endfor %}
        sum(order_probability * customer_count) as returning_customers
    from {{ ref('segment_forecasts') }}
),

of_customers as (
    select
        count(*) as customer_count,
        {%- for figure in figures %}
        sum({{ figure }}) as {{ figure }},
        {%- endfor %}
        sum(order_probability) as returning_customers
    from {{ ref('customer_forecasts') }}
)

select
    of_segments.*,
    of_customers.customer_count as all_customer_count
from of_segments
cross join of_customers
where
    coalesce(of_segments.customer_count, 0) <> of_customers.customer_count
    {%- for figure in figures + ['returning_customers'] %}
    or (of_segments.{{ figure }} is null) <> (of_customers.{{ figure }} is null)
    or abs(of_segments.{{ figure }} - of_customers.{{ figure }}) > 1e-6 * (1 + of_customers.{{ figure }})
    {%- endfor %}
