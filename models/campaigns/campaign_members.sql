with

campaign_log as (
    select * from {{ source('campaigns', 'campaign_log') }}
),

purchases as (
    select * from {{ ref('purchases') }}
),

reviews as (
    select * from {{ ref('reviews') }}
),

newest as (
    select as_of_date as today from {{ ref('as_of_dates') }}
    where is_newest
),

members_dated as (
    select
        campaign_log.*,
        cast({{ dbt.dateadd('day', 'campaign_log.outcome_days', 'campaign_log.as_of_date') }} as date) as outcome_until
    from campaign_log
),

members as (
    select
        members_dated.*,
        least(members_dated.outcome_until, newest.today) as observed_until,
        members_dated.outcome_until <= newest.today as is_complete
    from members_dated
    cross join newest
),

orders_of_period as (
    select
        members.campaign,
        members.customer_unique_id,
        members.observed_until,
        purchases.order_id,
        purchases.order_total
    from members
    inner join purchases
        on
            members.customer_unique_id = purchases.customer_unique_id
            and members.as_of_date < purchases.purchase_date
            and members.observed_until >= purchases.purchase_date
),

order_sums as (
    select
        campaign,
        customer_unique_id,
        count(*) as order_count,
        sum(order_total) as revenue
    from orders_of_period
    group by campaign, customer_unique_id
),

-- Known when they were answered, like those of features.
review_sums as (
    select
        orders_of_period.campaign,
        orders_of_period.customer_unique_id,
        count(*) as review_count,
        sum(reviews.review_score) as review_score_sum
    from orders_of_period
    inner join reviews on orders_of_period.order_id = reviews.order_id
    where reviews.review_score is not null and cast(reviews.answered_at as date) <= orders_of_period.observed_until
    group by orders_of_period.campaign, orders_of_period.customer_unique_id
),

-- A running campaign gives its people to a later one of higher priority.
takers_ranked as (
    select
        members.campaign,
        members.customer_unique_id,
        later.campaign as taken_over_by,
        row_number() over (
            partition by members.campaign, members.customer_unique_id
            order by later.launched_at nulls last, later.campaign nulls last
        ) as taker_rank
    from members
    inner join members as later
        on
            members.customer_unique_id = later.customer_unique_id
            and members.campaign <> later.campaign
            and members.launched_at < later.launched_at
            and members.priority < later.priority
            and members.as_of_date <= later.as_of_date
            and members.outcome_until > later.as_of_date
),

takers as (
    select * from takers_ranked
    where taker_rank = 1
),

final as (
    select
        members.campaign,
        members.customer_unique_id,
        members.arm,
        members.arm_number,
        members.arm_number = 0 as is_holdout,
        members.as_of_date,
        members.segment_key,
        members.segment_name,
        members.stage_key,
        members.stage_name,
        members.stratum,
        members.draw_number,
        members.recency_days,
        members.purchase_day_count,
        members.total_spend,
        members.avg_review_score,
        members.late_delivery_share,
        members.order_probability,
        members.observed_until,
        members.is_complete,
        members.customer_unique_id is null as is_forgotten,
        takers.taken_over_by,
        case when members.customer_unique_id is not null then coalesce(order_sums.order_count, 0) > 0 end
            as has_ordered,
        cast(
            case when members.customer_unique_id is not null then coalesce(order_sums.order_count, 0) end as integer
        ) as order_count,
        cast(
            case when members.customer_unique_id is not null then coalesce(order_sums.revenue, 0) end as decimal(18, 2)
        ) as revenue,
        cast(
            case when members.customer_unique_id is not null then coalesce(review_sums.review_count, 0) end as integer
        ) as review_count,
        cast(review_sums.review_score_sum as double) / review_sums.review_count as review_score
    from members
    left join order_sums
        on
            members.campaign = order_sums.campaign
            and members.customer_unique_id = order_sums.customer_unique_id
    left join review_sums
        on
            members.campaign = review_sums.campaign
            and members.customer_unique_id = review_sums.customer_unique_id
    left join takers
        on
            members.campaign = takers.campaign
            and members.customer_unique_id = takers.customer_unique_id
)

select * from final
order by campaign, arm_number, customer_unique_id nulls last
