with

orders as (
    select * from {{ ref('purchases').include(database=false) }}
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

-- The clock starts at the delivery, before it nobody knows that it is late; everybody has the same 180 days.
first_deliveries as (
    select
        customer_unique_id,
        cast(delivered_at as date) as delivery_date,
        review_score,
        case
            when not is_late then 1
            when days_behind_estimate <= 7 then 2
            else 3
        end as band_number
    from purchases
    where
        purchase_number = 1 and delivered_at is not null
        and {{ dbt.datediff('delivered_at', 'as_of_date', 'day') }} >= 180
),

came_back as (
    select distinct first_deliveries.customer_unique_id
    from first_deliveries
    inner join purchases on first_deliveries.customer_unique_id = purchases.customer_unique_id
    where {{ dbt.datediff('first_deliveries.delivery_date', 'purchases.purchase_date', 'day') }} between 1 and 180
),

bands as (
    select
        first_deliveries.band_number,
        count(*) as customer_count,
        count(came_back.customer_unique_id) as returned_count,
        avg(first_deliveries.review_score) as avg_review_score
    from first_deliveries
    left join came_back on first_deliveries.customer_unique_id = came_back.customer_unique_id
    group by first_deliveries.band_number
),

final as (
    select
        band_number,
        case band_number
            when 1 then 'on time'
            when 2 then 'up to 7 days late'
            else 'more than 7 days late'
        end as first_delivery,
        customer_count,
        avg_review_score,
        returned_count,
        cast(returned_count as double) / customer_count as returned_share,
        {{ wilson_bound('returned_count', 'customer_count', 'low') }} as returned_low,
        {{ wilson_bound('returned_count', 'customer_count', 'high') }} as returned_high
    from bands
)

select * from final
order by band_number
