-- One row per order: its key, the record of its customer, its status, when it was placed.
select
    order_number as order_id,
    order_number as customer_id,
    case
        when max(case when {{ cancelled }} then 1 else 0 end) = 1 then 'canceled'
        when max(case when {{ refunded }} then 1 else 0 end) = 1 then 'refunded'
        when max(case when {{ purchase }} then 1 else 0 end) = 1 then 'paid'
        else 'unavailable'
    end as order_status,
    min(ordered_at) as order_purchase_timestamp
from order_lines
where email is not null and not {{ test_account }}
group by order_number
