with

customers as (
    select * from {{ ref('customer_segments').include(database=false) }}
),

forecasts as (
    select * from {{ ref('customer_forecasts').include(database=false) }}
),

orders as (
    select * from {{ ref('purchases').include(database=false) }}
),

reviews as (
    select * from {{ ref('reviews').include(database=false) }}
),

threshold as (
    select percentile_cont(0.75) within group (order by cast(total_spend as double)) as least_spend
    from customers
),

detractors as (
    select customers.*
    from customers
    inner join threshold on cast(customers.total_spend as double) >= threshold.least_spend
    where customers.avg_review_score <= 2
),

-- The newest bad review known today is what the call is about.
complaints as (
    select
        detractors.customer_unique_id,
        orders.order_id,
        orders.is_late,
        reviews.review_score,
        cast(reviews.answered_at as date) as answered_on,
        reviews.comment_message,
        {{ dbt.datediff('reviews.answered_at', 'detractors.as_of_date', 'day') }} as days_ago,
        row_number() over (
            partition by detractors.customer_unique_id
            order by reviews.answered_at desc, reviews.review_id nulls last, orders.order_id nulls last
        ) as newest_rank
    from detractors
    inner join orders on detractors.customer_unique_id = orders.customer_unique_id
    inner join reviews on orders.order_id = reviews.order_id
    where reviews.review_score <= 2 and cast(reviews.answered_at as date) <= detractors.as_of_date
),

final as (
    select
        row_number() over (
            order by
                forecasts.expected_revenue desc nulls last,
                detractors.total_spend desc nulls last,
                detractors.customer_unique_id nulls last
        ) as call_number,
        detractors.customer_unique_id,
        detractors.segment_name,
        detractors.state,
        detractors.total_spend,
        detractors.order_count,
        forecasts.order_probability,
        forecasts.expected_revenue,
        detractors.avg_review_score,
        complaints.order_id,
        complaints.review_score,
        complaints.answered_on,
        complaints.days_ago,
        complaints.is_late as came_late,
        complaints.comment_message
    from detractors
    inner join complaints
        on detractors.customer_unique_id = complaints.customer_unique_id and complaints.newest_rank = 1
    left join forecasts on detractors.customer_unique_id = forecasts.customer_unique_id
)

select * from final
order by call_number
