-- The rows of both kinds of file in one form. A row below the first of its order may leave what is known of the order
-- empty, its number as well: a row without a number belongs to the order above it.
with

started as (
    select
        *,
        sum(case when order_number is not null then 1 else 0 end) over (
            partition by file_name order by file_row
            rows between unbounded preceding and current row
        ) as order_of_file
    from order_export
),

exported as (
    select
        *,
        max(order_number) over (partition by file_name, order_of_file) as order_id
    from started
),

united as (
    select
        'order_export' as source_name,
        file_name,
        file_row,
        order_id,
        status,
        ordered_on,
        paid_on,
        email as customer,
        total,
        refund,
        shipping,
        currency,
        coalesce(sku, item_name) as product_id,
        category,
        seller,
        coalesce(quantity_left, quantity) as quantity,
        unit_price,
        line_total,
        payment_method,
        coalesce(city, billing_city) as city,
        coalesce(state, billing_state) as state,
        coalesce(zip, billing_zip) as zip,
        coalesce(country, billing_country) as country,
        coalesce(sku, item_name, unit_price, line_total) is not null as is_line
    from exported
    union all
    select
        'analytics_orders' as source_name,
        file_name,
        file_row,
        order_number as order_id,
        status,
        ordered_on,
        cast(null as string) as paid_on,
        customer,
        net_sales as total,
        cast(null as string) as refund,
        cast(null as string) as shipping,
        cast(null as string) as currency,
        cast(null as string) as product_id,
        cast(null as string) as category,
        cast(null as string) as seller,
        items_sold as quantity,
        cast(null as string) as unit_price,
        net_sales as line_total,
        cast(null as string) as payment_method,
        cast(null as string) as city,
        cast(null as string) as state,
        cast(null as string) as zip,
        cast(null as string) as country,
        true as is_line
    from analytics_orders
),

timed as (
    select
        *,
        replace(ordered_on, 'T', ' ') as ordered_text,
        replace(paid_on, 'T', ' ') as paid_text,
        replace(replace(lower(trim(status)), ' ', '-'), 'wc-', '') as plain_status
    from united
)

select
    source_name,
    file_name,
    file_row,
    order_id,
    status as status_text,
    case when plain_status = 'pending-payment' then 'pending' else plain_status end as status,
    ordered_on,
    case
        when ordered_text like '____-__-__ __:__:__%' then substring(ordered_text, 1, 19)
        when ordered_text like '____-__-__ __:__' then ordered_text || ':00'
        when ordered_text like '____-__-__' then ordered_text || ' 00:00:00'
    end as ordered_at,
    case
        when paid_text like '____-__-__ __:__:__%' then substring(paid_text, 1, 19)
        when paid_text like '____-__-__ __:__' then paid_text || ':00'
    end as paid_at,
    lower(trim(customer)) as customer,
    total,
    refund,
    shipping,
    upper(trim(currency)) as currency,
    product_id,
    category,
    seller,
    quantity,
    unit_price,
    line_total,
    lower(trim(payment_method)) as payment_method,
    city,
    state,
    zip,
    country,
    is_line
from timed
