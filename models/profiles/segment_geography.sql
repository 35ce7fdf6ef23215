with

customer_segments as (
    select * from {{ ref('customer_segments') }}
),

features as (
    select * from {{ ref('customer_features') }}
),

states as (
    select * from {{ ref('brazil_states') }}
),

members as (
    select
        customer_segments.segment_key,
        customer_segments.segment_name,
        customer_segments.as_of_date,
        customer_segments.model_version,
        coalesce(features.state, 'unknown') as state,
        features.total_spend,
        features.review_count,
        cast(features.avg_review_score * features.review_count as decimal(18, 4)) as review_score_sum,
        case when features.late_delivery_share is not null then features.delivered_order_count end
            as promised_order_count,
        cast(features.late_delivery_share * features.delivered_order_count as decimal(18, 4)) as late_order_count
    from customer_segments
    inner join features on customer_segments.customer_unique_id = features.customer_unique_id
),

segments_in_states as (
    select
        segment_key,
        segment_name,
        as_of_date,
        model_version,
        state,
        count(*) as customer_count,
        sum(total_spend) as total_spend,
        sum(review_count) as review_count,
        sum(review_score_sum) as review_score_sum,
        sum(promised_order_count) as promised_order_count,
        sum(late_order_count) as late_order_count
    from members
    group by 1, 2, 3, 4, 5
),

with_totals as (
    select
        *,
        sum(customer_count) over (partition by segment_key) as segment_customer_count,
        sum(customer_count) over (partition by state) as state_customer_count,
        sum(customer_count) over () as all_customer_count
    from segments_in_states
),

final as (
    select
        with_totals.segment_key,
        with_totals.segment_name,
        with_totals.as_of_date,
        with_totals.model_version,
        with_totals.state,
        coalesce(states.state_name, with_totals.state) as state_name,
        coalesce(states.region, 'unknown') as region,
        cast(with_totals.customer_count as integer) as customer_count,
        cast(with_totals.customer_count as double) / with_totals.segment_customer_count as share_of_segment,
        cast(with_totals.customer_count as double) / with_totals.state_customer_count as share_of_state,
        (cast(with_totals.customer_count as double) / with_totals.segment_customer_count)
        / (cast(with_totals.state_customer_count as double) / with_totals.all_customer_count) as concentration,
        cast(with_totals.total_spend as decimal(18, 2)) as total_spend,
        cast(with_totals.review_score_sum as double) / nullif(with_totals.review_count, 0) as avg_review_score,
        cast(with_totals.late_order_count as double) / nullif(with_totals.promised_order_count, 0)
            as late_delivery_share
    from with_totals
    left join states on with_totals.state = states.state
)

select * from final
order by segment_key, state
