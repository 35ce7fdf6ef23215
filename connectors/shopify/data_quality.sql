{% set cancelled_breach = 'an order that was cancelled, or whose payment was voided' -%}
{% set test_breach = 'a test order: paid by the Bogus gateway, tagged test, or of an address @example.com' -%}
{% set no_customer_breach = 'an order without an e-mail address' -%}
with

{% include 'shared/fates_counted.sql' %},

unpaid as (
    select
        count(case when fate = 'purchase' and financial_status in ('pending', 'authorized') then 1 end)
            as unpaid_orders,
        count(*) as orders
    from placed
)

select * from fates_counted
union all
select
    'stg_olist__orders',
    'payment_outstanding',
    'an order that is not paid yet',
    'kept as a purchase',
    false,
    unpaid_orders,
    orders
from unpaid
