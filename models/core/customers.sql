with

orders as (
    select * from {{ ref('orders') }}
    where customer_unique_id is not null
),

sums as (
    select
        customer_unique_id,
        count(*) as order_count,
        count(case when is_valid_purchase then 1 end) as purchase_count,
        min(purchased_at) as first_purchased_at,
        max(purchased_at) as last_purchased_at,
        coalesce(sum(case when is_valid_purchase then order_total end), 0) as total_spend,
        max(zip_code_prefix) as zip_code_prefix,
        max(city) as city,
        max(state) as state
    from orders
    group by customer_unique_id
),

-- Most customers have one order: only those of several are sorted.
orders_of_several as (
    select
        customer_unique_id,
        zip_code_prefix,
        city,
        state,
        row_number() over (
            partition by customer_unique_id
            order by purchased_at desc nulls last, order_id nulls last
        ) as newest_rank
    from orders
    where
        customer_unique_id in (
            select sums.customer_unique_id
            from sums
            where sums.order_count > 1
        )
),

places_of_several as (
    select
        customer_unique_id,
        max(case when newest_rank = 1 then zip_code_prefix end) as zip_code_prefix,
        max(case when newest_rank = 1 then city end) as city,
        max(case when newest_rank = 1 then state end) as state,
        count(distinct zip_code_prefix) as zip_code_prefix_count,
        count(distinct state) as state_count
    from orders_of_several
    group by customer_unique_id
),

final as (
    select
        sums.customer_unique_id,
        cast(sums.order_count as integer) as lifetime_order_count,
        cast(sums.order_count as integer) as order_count,
        cast(sums.purchase_count as integer) as lifetime_purchase_count,
        cast(sums.purchase_count as integer) as valid_order_count,
        sums.first_purchased_at,
        sums.last_purchased_at,
        cast(sums.total_spend as decimal(18, 2)) as total_spend,
        {% for place in ['zip_code_prefix', 'city', 'state'] -%}
            case when sums.order_count > 1 then places.{{ place }} else sums.{{ place }} end as {{ place }},
        {% endfor -%}
        {% for place in ['zip_code_prefix', 'state'] -%}
            cast(
                case
                    when sums.order_count > 1 then places.{{ place }}_count
                    when sums.{{ place }} is not null then 1
                    else 0
                end as integer
            ) as {{ place }}_count{{ "," if not loop.last }}
        {% endfor -%}
    from sums
    left join places_of_several as places on sums.customer_unique_id = places.customer_unique_id
)

select * from final
order by customer_unique_id
