{{
    config(
        materialized='by_date',
        meta={'inputs': {
            'of_date': ['segment_months'],
        }}
    )
}}

with

segment_months as (
    select * from {{ ref('segment_months') }}
    where as_of_date >= {{ first_date() }}
),

segments as (
    select
        as_of_date,
        is_newest,
        segment_key,
        segment_name,
        model_version,
        count(*) as customer_count,
        sum(total_spend) as total_spend,
        sum(purchase_day_count) as purchase_day_count,
        sum(order_count) as order_count,
        sum(recency_days) as recency_days,
        sum(review_count) as review_count,
        sum(cast(avg_review_score * review_count as decimal(18, 4))) as review_score_sum,
        count(case when is_review_missing then 1 end) as unreviewed_count,
        count(case when purchase_day_count > 1 then 1 end) as repeat_buyer_count,
        sum(case when late_delivery_share is not null then delivered_order_count end) as promised_order_count,
        sum(cast(late_delivery_share * delivered_order_count as decimal(18, 4))) as late_order_count,
        percentile_cont(0.5) within group (order by recency_days) as median_recency_days,
        percentile_cont(0.5) within group (order by cast(total_spend as double)) as median_total_spend,
        sum(cast(segment_probability as decimal(18, 9))) as probability_sum
    from segment_months
    group by as_of_date, is_newest, segment_key, segment_name, model_version
),

totals as (
    select
        as_of_date,
        sum(customer_count) as customer_count,
        sum(customer_count - unreviewed_count) as reviewed_count,
        sum(total_spend) as total_spend
    from segments
    group by as_of_date
),

final as (
    select
        segments.as_of_date,
        segments.is_newest,
        segments.segment_key,
        segments.segment_name,
        segments.model_version,
        cast(segments.customer_count as integer) as customer_count,
        cast(segments.customer_count as double) / totals.customer_count as customer_share,
        cast(segments.total_spend as decimal(18, 2)) as total_spend,
        cast(segments.total_spend as double) / nullif(cast(totals.total_spend as double), 0) as revenue_share,
        cast(segments.total_spend as double) / segments.customer_count as avg_total_spend,
        segments.median_total_spend,
        cast(segments.recency_days as double) / segments.customer_count as avg_recency_days,
        segments.median_recency_days,
        cast(segments.purchase_day_count as double) / segments.customer_count as avg_purchase_day_count,
        cast(segments.order_count as double) / segments.customer_count as avg_order_count,
        cast(segments.repeat_buyer_count as double) / segments.customer_count as repeat_buyer_share,
        cast(segments.review_score_sum as double) / nullif(segments.review_count, 0) as avg_review_score,
        cast(segments.unreviewed_count as double) / segments.customer_count as review_missing_share,
        cast(segments.customer_count - segments.unreviewed_count as integer) as reviewed_customer_count,
        cast(segments.customer_count - segments.unreviewed_count as double) / segments.customer_count
            as reviewed_customer_share,
        cast(segments.customer_count - segments.unreviewed_count as double)
        / nullif(cast(totals.reviewed_count as double), 0) as share_of_reviewed,
        cast(segments.unreviewed_count as double) / segments.customer_count as review_imputed_share,
        cast(segments.late_order_count as double) / nullif(segments.promised_order_count, 0) as late_delivery_share,
        cast(segments.probability_sum as double) / segments.customer_count as avg_segment_probability,
        {{ is_dissatisfied('cast(segments.review_score_sum as double) / nullif(segments.review_count, 0)') }}
            as is_dissatisfied,
        {{ is_dormant('segments.median_recency_days') }} as is_dormant
    from segments
    inner join totals on segments.as_of_date = totals.as_of_date
)

select * from final
order by as_of_date, segment_key
