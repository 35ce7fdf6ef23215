-- The actual figures, counted here in another way; a null figure is a fact that was never computed.
with

facts as (
    {{ full_export_facts() }}
),

items_by_order as (
    select
        order_id,
        count(*) as row_count
    from {{ ref('stg_olist__order_items') }}
    where order_id in (select order_id from {{ ref('stg_olist__orders') }})
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
    select 'persons', (select count(*) from orders_by_person)
    union all
    select 'persons with one order', (select count(*) from orders_by_person where order_count = 1)
    union all
    select 'persons with several orders', (select count(*) from orders_by_person where order_count > 1)
    union all
    select 'most orders of a person', (select max(order_count) from orders_by_person)
    union all
    select 'persons with several states', (select count(*) from orders_by_person where state_count > 1)
    union all
    select 'orders with several items', (select count(*) from items_by_order where row_count > 1)
    union all
    select
        'orders without item',
        (select count(*) from {{ ref('stg_olist__orders') }}) - (select count(*) from items_by_order)
    union all
    select
        'orders without review',
        (
            select count(*) from {{ ref('stg_olist__orders') }}
            where order_id not in (select order_id from {{ ref('stg_olist__order_reviews') }})
        )
    union all
    select
        'reviews of score 5, percent',
        (
            select round(100 * avg(case when review_score = 5 then 1.0 else 0.0 end), 1)
            from {{ ref('stg_olist__order_reviews') }}
        )
    union all
    select
        'items and freight, BRL',
        (
            select sum(price + freight) from {{ ref('stg_olist__order_items') }}
            where order_id in (select order_id from items_by_order)
        )
    union all
    select
        'orders of 2017-11',
        (
            select count(*) from {{ ref('stg_olist__orders') }}
            where purchased_at >= cast('2017-11-01' as timestamp) and purchased_at < cast('2017-12-01' as timestamp)
        )
    union all
    select
        'newest as-of date',
        (
            select max(year(as_of_date) * 10000 + month(as_of_date) * 100 + day(as_of_date))
            from {{ ref('customer_features_monthly') }}
        )
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
