with

invoices as (
    select
        invoice,
        min(invoiced_at) as invoiced_at,
        max(case when {{ cancelled }} then 1 else 0 end) as is_cancelled,
        max(case when {{ purchase }} then 1 else 0 end) as has_sales
    from lines
    where customer is not null and not {{ test_account }}
    group by invoice
),

kept_invoices as (
    select distinct invoice from sold_lines
)

select
    invoices.invoice as order_id,
    invoices.invoice as customer_id,
    case
        when invoices.is_cancelled = 1 then 'canceled'
        when kept_invoices.invoice is null and invoices.has_sales = 1 then 'refunded'
        else 'invoiced'
    end as order_status,
    invoices.invoiced_at as order_purchase_timestamp
from invoices
left join kept_invoices on invoices.invoice = kept_invoices.invoice
