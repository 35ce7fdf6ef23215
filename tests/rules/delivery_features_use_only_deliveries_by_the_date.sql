-- Recomputed from staging at every as-of date: purchased and delivered by the end of that day, at a time that can be.
{%- set last_moment = "interval '" ~ var('max_days_after_purchase').delivery ~ " days'" %}
with

valid_purchases as (
    select
        orders.order_id,
        customers.customer_unique_id,
        orders.purchased_at,
        orders.delivered_at,
        cast(orders.purchased_at as date) as purchase_date,
        cast(orders.delivered_at as date) as delivery_date,
        case
            when
                orders.estimated_delivery_at between
                cast(orders.purchased_at as date) and cast(orders.purchased_at as date) + {{ last_moment }}
                then orders.delivered_at > orders.estimated_delivery_at
        end as is_late
    from {{ ref('stg_olist__orders') }} as orders
    inner join {{ ref('stg_olist__customers') }} as customers on orders.customer_id = customers.customer_id
    where
        not {{ is_among("coalesce(orders.order_status, 'unknown')", var('invalid_order_statuses')) }}
        and orders.purchased_at is not null
        and orders.order_id in (select items.order_id from {{ ref('stg_olist__order_items') }} as items)
),

features as (
    select * from {{ ref('customer_features_monthly') }}
),

expected as (
    select
        features.customer_unique_id,
        features.as_of_date,
        features.delivered_order_count,
        features.late_delivery_share,
        features.avg_delivery_days,
        count(valid_purchases.order_id) as expected_count,
        avg(case when valid_purchases.is_late then 1.0e0 when not valid_purchases.is_late then 0.0e0 end)
            as expected_share,
        avg(
            cast(
                {{ dbt.datediff('valid_purchases.purchase_date', 'valid_purchases.delivery_date', 'day') }} as double
            )
        ) as expected_days
    from features
    left join valid_purchases
        on
            features.customer_unique_id = valid_purchases.customer_unique_id
            and features.as_of_date >= valid_purchases.purchase_date
            and features.as_of_date >= valid_purchases.delivery_date
            and valid_purchases.delivered_at between
            valid_purchases.purchased_at and valid_purchases.purchased_at + {{ last_moment }}
    group by
        features.customer_unique_id,
        features.as_of_date,
        features.delivered_order_count,
        features.late_delivery_share,
        features.avg_delivery_days
)

select * from expected
where
    delivered_order_count <> expected_count
    or (late_delivery_share is null) <> (expected_share is null)
    or abs(coalesce(late_delivery_share, 0) - coalesce(expected_share, 0)) > 1e-9
    or abs(coalesce(avg_delivery_days, 0) - coalesce(expected_days, 0)) > 1e-9
