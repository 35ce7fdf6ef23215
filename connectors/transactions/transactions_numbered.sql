-- A transaction has no number of its own: customer, day and place among those of the day make one.
select
    customer || '-' || date || '-' || cast(
        row_number() over (partition by customer, date order by amount desc, file_name, file_row) as string
    ) as order_id,
    customer,
    date,
    amount
from all_rows
where customer is not null and {{ purchase }} and not {{ test_account }} and not {{ cancelled }}
