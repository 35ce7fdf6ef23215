-- One row per order: who placed it. customer_unique_id tells customers apart.
select
    order_number as customer_id,
    max(email) as customer_unique_id,
    max(region) as customer_state
from order_lines
where email is not null and not {{ test_account }}
group by order_number
