-- One row per order, from its first row: the others hold nothing but a line.
with

typed as (
    select
        file_name,
        file_row,
        name as order_id,
        lower(trim(email)) as email,
        lower(trim(financial_status)) as financial_status,
        upper(trim(currency)) as currency,
        coalesce(try_cast(total as decimal(18, 2)), 0) as order_amount,
        coalesce(try_cast(shipping as decimal(18, 2)), 0) as shipping_amount,
        coalesce(try_cast(refunded_amount as decimal(18, 2)), 0) as refunded_amount,
        -- The time on the shop's clock: the offset behind it is that of the shop's own zone.
        substring(created_at, 1, 19) as created_at,
        substring(paid_at, 1, 19) as paid_at,
        substring(fulfilled_at, 1, 19) as fulfilled_at,
        cancelled_at,
        lower(trim(payment_method)) as payment_method,
        lower(trim(tags)) as tags,
        coalesce(shipping_country, billing_country) as country,
        -- Shopify writes an apostrophe before digits, so that spreadsheets keep a leading zero.
        replace(coalesce(shipping_zip, billing_zip), '''', '') as zip,
        coalesce(shipping_city, billing_city) as city,
        coalesce(shipping_province, billing_province) as province,
        row_number() over (partition by file_name, name order by file_row) as row_of_order
    from orders_export
),

judged as (
    select
        *,
        case
            when {{ test_account }} then 'test'
            when email is null then 'no_customer'
            when {{ cancelled }} then 'canceled'
            when {{ refunded }} then 'refunded'
            when {{ purchase }} then 'purchase'
            else 'unknown'
        end as fate
    from typed
    where row_of_order = 1
),

-- What is not bought any more keeps its amount: its status says that it is no purchase.
netted as (
    select
        *,
        case when fate = 'purchase' then order_amount - refunded_amount else order_amount end as net_amount
    from judged
)

select
    *,
    case when shipping_amount < net_amount then shipping_amount else net_amount end as freight_amount
from netted
