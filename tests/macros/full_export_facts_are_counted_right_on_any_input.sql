-- The actual figures, counted here in another way; a null figure is a fact that was never computed.
with

facts as (
    {{ full_export_facts() }}
),

items_by_order as (
    select
        order_id,
        sum(quantity) as row_count
    from {{ ref('stg_olist__order_items') }}
    where order_id in (select orders.order_id from {{ ref('stg_olist__orders') }} as orders)
    group by order_id
),

orders_by_person as (
    select
        customers.customer_unique_id,
        count(distinct orders.order_id) as order_count,
        count(distinct customers.state) as state_count
    from {{ ref('stg_olist__orders') }} as orders
    inner join {{ ref('stg_olist__customers') }} as customers on orders.customer_id = customers.customer_id
    group by customers.customer_unique_id
),

counted_otherwise as (
    select
        'orders' as fact,
        (select cast(count(distinct order_id) as decimal(18, 2)) from {{ source('olist', 'olist_orders_dataset') }})
            as figure
    union all
    select
        'persons' as fact,
        (select count(*) from orders_by_person) as figure
    union all
    select
        'persons with one order' as fact,
        (
            select count(*) from orders_by_person
            where order_count = 1
        ) as figure
    union all
    select
        'persons with several orders' as fact,
        (
            select count(*) from orders_by_person
            where order_count > 1
        ) as figure
    union all
    select
        'most orders of a person' as fact,
        (select max(order_count) from orders_by_person) as figure
    union all
    select
        'persons with several states' as fact,
        (
            select count(*) from orders_by_person
            where state_count > 1
        ) as figure
    union all
    select
        'orders with several items' as fact,
        (
            select count(*) from items_by_order
            where row_count > 1
        ) as figure
    union all
    select
        'orders without item' as fact,
        (select count(*) from {{ ref('stg_olist__orders') }}) - (select count(*) from items_by_order) as figure
    union all
    select
        'orders without review' as fact,
        (
            select count(*) from {{ ref('stg_olist__orders') }}
            where
                order_id not in (
                    select reviews.order_id from {{ ref('stg_olist__order_reviews') }} as reviews
                    where reviews.review_score is not null
                )
        ) as figure
    union all
    select
        'reviews of score 5, percent' as fact,
        (
            select round(100 * avg(case when review_score = 5 then 1.0 else 0.0 end), 1)
            from {{ ref('stg_olist__order_reviews') }}
        ) as figure
    union all
    select
        'items and freight, BRL' as fact,
        (
            select sum(price + freight) from {{ ref('stg_olist__order_items') }}
            where order_id in (select items_by_order.order_id from items_by_order)
        ) as figure
    union all
    select
        'orders of 2017-11' as fact,
        (
            select count(*) from {{ ref('stg_olist__orders') }}
            where purchased_at >= cast('2017-11-01' as timestamp) and purchased_at < cast('2017-12-01' as timestamp)
        ) as figure
    union all
    select
        'newest as-of date' as fact,
        (
            select max(year(as_of_date) * 10000 + month(as_of_date) * 100 + day(as_of_date))
            from {{ ref('customer_features_monthly') }}
        ) as figure
),

-- A marketplace may lack a month or a type of payment; what every marketplace has must have a figure.
compared as (
    select
        counted_otherwise.fact,
        facts.actual,
        counted_otherwise.figure
    from counted_otherwise
    left join facts on counted_otherwise.fact = facts.fact
)

select * from compared
where
    coalesce(actual, -1) <> coalesce(figure, -2)
    and not (fact = 'orders of 2017-11' and actual is null and figure = 0)
    -- Of a shop without reviews there is no mean of them.
    and not (
        fact = 'reviews of score 5, percent'
        and actual is null
        and not exists (
            select 1 from {{ ref('stg_olist__order_reviews') }} as reviews
            where reviews.review_score is not null
        )
    )
    -- A build without rows (--empty) has neither figure.
    and exists (select 1 from {{ ref('stg_olist__orders') }})
