with

orders as (
    select * from {{ ref('purchases').include(database=false) }}
),

items as (
    select * from {{ ref('stg_olist__order_items').include(database=false) }}
),

products as (
    select * from {{ ref('stg_olist__products').include(database=false) }}
),

categories as (
    select * from {{ ref('stg_olist__product_categories').include(database=false) }}
),

newest as (
    select as_of_date from {{ ref('as_of_dates').include(database=false) }}
    where is_newest
),

purchases as (
    select
        orders.*,
        newest.as_of_date,
        row_number() over (
            partition by orders.customer_unique_id
            order by orders.purchased_at nulls last, orders.order_id nulls last
        ) as purchase_number
    from orders
    inner join newest on orders.purchase_date <= newest.as_of_date
),

first_purchases as (
    select
        order_id,
        customer_unique_id,
        purchase_date
    from purchases
    where purchase_number = 1 and {{ dbt.datediff('purchase_date', 'as_of_date', 'day') }} >= 180
),

-- The category of a basket is that of its dearest item.
baskets as (
    select
        first_purchases.customer_unique_id,
        first_purchases.purchase_date,
        coalesce(categories.category_name_english, products.category_name, 'unknown') as category,
        row_number() over (
            partition by first_purchases.order_id
            order by items.price desc nulls last, items.order_item_number nulls last
        ) as price_rank
    from first_purchases
    inner join items on first_purchases.order_id = items.order_id
    left join products on items.product_id = products.product_id
    left join categories on products.category_name = categories.category_name
),

came_back as (
    select distinct baskets.customer_unique_id
    from baskets
    inner join purchases on baskets.customer_unique_id = purchases.customer_unique_id
    where {{ dbt.datediff('baskets.purchase_date', 'purchases.purchase_date', 'day') }} between 1 and 180
),

customers as (
    select
        baskets.customer_unique_id,
        came_back.customer_unique_id is not null as has_returned,
        -- A share of fewer customers says nothing.
        case
            when count(*) over (partition by baskets.category) >= 50 then baskets.category
            else 'all smaller categories'
        end as category
    from baskets
    left join came_back on baskets.customer_unique_id = came_back.customer_unique_id
    where baskets.price_rank = 1
),

counted as (
    select
        category,
        count(*) as customer_count,
        count(case when has_returned then 1 end) as returned_count
    from customers
    group by category
),

everybody as (
    select cast(sum(returned_count) as double) / nullif(sum(customer_count), 0) as returned_share
    from counted
),

measured as (
    select
        category,
        customer_count,
        returned_count,
        cast(returned_count as double) / customer_count as returned_share,
        {{ wilson_bound('returned_count', 'customer_count', 'low') }} as returned_low,
        {{ wilson_bound('returned_count', 'customer_count', 'high') }} as returned_high
    from counted
),

final as (
    select
        measured.category,
        measured.customer_count,
        measured.returned_count,
        measured.returned_share,
        measured.returned_low,
        measured.returned_high,
        measured.returned_share / nullif(everybody.returned_share, 0) as lift,
        case
            when measured.returned_low > everybody.returned_share and measured.returned_count >= 5
                then 'more than others'
            when measured.returned_high < everybody.returned_share then 'fewer than others'
            else 'no clear difference'
        end as verdict
    from measured
    cross join everybody
)

select * from final
-- Where nobody returned the low end is 0 but for rounding.
order by round(returned_low, 9) desc, category
