{% set cancelled_breach = 'an order that was cancelled, or whose payment failed' -%}
{% set test_breach = 'a test order, of an address @example.com' -%}
{% set no_customer_breach = 'an order without an e-mail address or a name' -%}
with

{% include 'shared/fates_counted.sql' %},

others as (
    select
        count(case when fate = 'unavailable' then 1 end) as unpaid,
        count(case when source_name = 'analytics_orders' then 1 end) as named_only,
        count(*) as orders
    from placed
),

orderless as (
    select
        count(case when placed.order_id is null then 1 end) as refunds,
        count(*) as checked
    from entries
    left join placed on entries.order_id = placed.order_id
    where entries.source_name = 'analytics_orders'
)

select * from fates_counted
union all
select
    'stg_olist__orders',
    'payment_outstanding',
    'an order that waits for its first payment',
    'kept with the status unavailable: no purchase',
    false,
    unpaid,
    orders
from others
union all
select
    'stg_olist__customers',
    'customer_known_by_name_only',
    'an order of a WooCommerce Analytics file, which holds no e-mail addresses',
    'two customers of one name are taken for one',
    true,
    named_only,
    orders
from others
union all
select
    'stg_olist__orders',
    'refund_without_order',
    'a refund of an order that is in none of the files',
    'left out',
    true,
    refunds,
    checked
from orderless
