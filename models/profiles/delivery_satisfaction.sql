{%- set bands = [
    ('days_behind_estimate < -14', 'more than 14 days early'),
    ('days_behind_estimate < -7', '8 to 14 days early'),
    ('days_behind_estimate < 0', '1 to 7 days early'),
    ('days_behind_estimate = 0', 'on the promised day'),
    ('days_behind_estimate <= 7', '1 to 7 days late'),
    ('days_behind_estimate <= 14', '8 to 14 days late'),
    ('days_behind_estimate > 14', 'more than 14 days late'),
    ('days_behind_estimate is null', 'not delivered'),
] -%}
with

orders as (
    select * from {{ ref('purchases') }}
),

reviews as (
    select * from {{ ref('reviews') }}
),

newest as (
    select max(as_of_date) as as_of_date from {{ ref('as_of_dates') }}
),

-- Of a shop that does not tell what it promised, or when it delivered, there is nothing to say.
deliveries as (
    select count(days_behind_estimate) as judged_count from orders
),

purchases as (
    select
        orders.order_id,
        newest.as_of_date,
        case when cast(orders.delivered_at as date) <= newest.as_of_date then orders.days_behind_estimate end
            as days_behind_estimate
    from orders
    inner join newest on orders.purchase_date <= newest.as_of_date
    cross join deliveries
    where
        deliveries.judged_count > 0
        -- A delivery without a promised date is neither early nor late.
        and (orders.delivered_at is null or orders.days_behind_estimate is not null)
),

purchases_in_bands as (
    select
        order_id,
        as_of_date,
        case
            {% for condition, words in bands -%}
                when {{ condition }} then {{ loop.index }}
            {% endfor %}
        end as band_number
    from purchases
),

reviews_by_order as (
    select
        reviews.order_id,
        count(*) as review_count,
        sum(reviews.review_score) as review_score_sum,
        count(case when reviews.review_score = 1 then 1 end) as one_star_count,
        count(case when reviews.review_score = 5 then 1 end) as five_star_count
    from reviews
    inner join newest on cast(reviews.answered_at as date) <= newest.as_of_date
    where reviews.review_score is not null
    group by reviews.order_id
),

by_band as (
    select
        purchases_in_bands.as_of_date,
        purchases_in_bands.band_number,
        count(*) as order_count,
        count(reviews_by_order.order_id) as reviewed_order_count,
        sum(reviews_by_order.review_count) as review_count,
        sum(reviews_by_order.review_score_sum) as review_score_sum,
        sum(reviews_by_order.one_star_count) as one_star_count,
        sum(reviews_by_order.five_star_count) as five_star_count
    from purchases_in_bands
    left join reviews_by_order on purchases_in_bands.order_id = reviews_by_order.order_id
    group by 1, 2
),

final as (
    select
        as_of_date,
        band_number,
        case
            {% for condition, words in bands -%}
                when band_number = {{ loop.index }} then '{{ words }}'
            {% endfor %}
        end as delivery_band,
        cast(order_count as integer) as order_count,
        cast(order_count as double) / sum(order_count) over () as share_of_orders,
        cast(reviewed_order_count as integer) as reviewed_order_count,
        cast(coalesce(review_count, 0) as integer) as review_count,
        cast(review_score_sum as double) / nullif(review_count, 0) as avg_review_score,
        cast(one_star_count as double) / nullif(review_count, 0) as one_star_share,
        cast(five_star_count as double) / nullif(review_count, 0) as five_star_share
    from by_band
)

select * from final
order by band_number
