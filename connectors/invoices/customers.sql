select
    invoice as customer_id,
    max(customer) as customer_unique_id,
    max(country) as customer_state
from lines
where customer is not null and not {{ test_account }}
group by invoice
