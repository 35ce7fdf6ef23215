with

customers as (
    select * from {{ ref('customer_segments').include(database=false) }}
    where not is_dormant
),

dormant_segments as (
    select segment_key from {{ ref('segment_profiles').include(database=false) }}
    where is_dormant
),

moves as (
    select * from {{ ref('segment_migrations_monthly').include(database=false) }}
    where is_newest
),

-- Unsure and with a dormant segment in second place: one more month of silence decides.
judged as (
    select
        customers.*,
        dormant_segments.segment_key is not null and customers.segment_probability < 0.75 as is_at_risk
    from customers
    left join dormant_segments on customers.runner_up_segment_key = dormant_segments.segment_key
),

segments as (
    select
        segment_key,
        segment_name,
        count(*) as customer_count,
        count(case when is_at_risk then 1 end) as at_risk_count,
        sum(case when is_at_risk then total_spend else 0 end) as at_risk_spend,
        avg(case when is_at_risk then recency_days end) as at_risk_avg_recency_days
    from judged
    group by segment_key, segment_name
),

last_month as (
    select
        moves.from_segment_key as segment_key,
        cast(sum(moves.customer_count) as integer) as members_before,
        cast(
            sum(
                case when moves.is_move and moves.to_is_dormant then moves.customer_count else 0 end
            ) as integer
        ) as became_dormant_last_month
    from moves
    group by moves.from_segment_key
),

final as (
    select
        segments.segment_key,
        segments.segment_name,
        segments.customer_count,
        segments.at_risk_count,
        cast(segments.at_risk_count as double) / segments.customer_count as at_risk_share,
        segments.at_risk_spend,
        segments.at_risk_avg_recency_days,
        coalesce(last_month.became_dormant_last_month, 0) as became_dormant_last_month,
        cast(last_month.became_dormant_last_month as double) / nullif(last_month.members_before, 0)
            as became_dormant_share
    from segments
    left join last_month on segments.segment_key = last_month.segment_key
)

select * from final
order by at_risk_spend desc, segment_key
