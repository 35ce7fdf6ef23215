with

orders as (
    select * from {{ ref('orders') }}
    where customer_unique_id is not null
),

orders_numbered as (
    select
        *,
        row_number() over (
            partition by customer_unique_id
            order by purchased_at desc nulls last, order_id nulls last
        ) as newest_rank
    from orders
),

final as (
    select
        customer_unique_id,
        cast(count(*) as integer) as lifetime_order_count,
        cast(count(*) as integer) as order_count,
        cast(count(case when is_valid_purchase then 1 end) as integer) as lifetime_purchase_count,
        cast(count(case when is_valid_purchase then 1 end) as integer) as valid_order_count,
        min(purchased_at) as first_purchased_at,
        max(purchased_at) as last_purchased_at,
        cast(coalesce(sum(case when is_valid_purchase then order_total end), 0) as decimal(18, 2)) as total_spend,
        max(case when newest_rank = 1 then zip_code_prefix end) as zip_code_prefix,
        max(case when newest_rank = 1 then city end) as city,
        max(case when newest_rank = 1 then state end) as state,
        cast(count(distinct zip_code_prefix) as integer) as zip_code_prefix_count,
        cast(count(distinct state) as integer) as state_count
    from orders_numbered
    group by customer_unique_id
)

select * from final
order by customer_unique_id
