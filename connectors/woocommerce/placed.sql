-- One row per order. In an Analytics file an order's refunds are rows of its number with what was paid back as negative
-- net sales, in any of the files, for they are dated later.
with

typed as (
    select
        *,
        coalesce(try_cast(total as decimal(18, 2)), 0) as total_amount,
        coalesce(try_cast(shipping as decimal(18, 2)), 0) as shipping_amount,
        coalesce(abs(try_cast(refund as decimal(18, 2))), 0) as exported_refund
    from entries
),

ranked as (
    select
        *,
        sum(
            case when source_name = 'analytics_orders' and total_amount < 0 then -total_amount else 0 end
        ) over (partition by order_id) as analytics_refund,
        row_number() over (
            partition by order_id
            order by
                case when source_name = 'analytics_orders' then total_amount else 0 end desc,
                file_name,
                file_row
        ) as row_of_order
    from typed
),

-- A refund whose order was exported by nobody is none.
amounts as (
    select
        *,
        total_amount as order_amount,
        exported_refund + analytics_refund as refunded_amount
    from ranked
    where row_of_order = 1 and total_amount >= 0
),

judged as (
    select
        *,
        case
            when {{ test_account }} then 'test'
            when customer is null or customer = '' then 'no_customer'
            when {{ cancelled }} then 'canceled'
            when {{ refunded }} then 'refunded'
            when {{ unpaid }} then 'unavailable'
            when {{ purchase }} then 'purchase'
            else 'unknown'
        end as fate
    from amounts
),

-- What is not bought any more keeps its amount: its status says that it is no purchase.
netted as (
    select
        *,
        case when fate = 'purchase' then order_amount - refunded_amount else order_amount end as net_amount
    from judged
)

select
    source_name,
    file_name,
    file_row,
    order_id,
    status_text,
    status,
    ordered_at,
    paid_at,
    customer,
    currency,
    payment_method,
    city,
    state,
    zip,
    country,
    order_amount,
    refunded_amount,
    fate,
    net_amount,
    case when shipping_amount < net_amount then shipping_amount else net_amount end as freight_amount
from netted
