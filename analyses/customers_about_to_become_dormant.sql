with

customers as (
    select * from {{ ref('customer_segments').include(database=false) }}
    where stage_key not in ('dormant', 'lapsed')
),

kinds_monthly as (
    select * from {{ ref('customer_segments_monthly').include(database=false) }}
),

stages_monthly as (
    select * from {{ ref('lifecycle_stages_monthly').include(database=false) }}
),

as_of_dates as (
    select * from {{ ref('as_of_dates').include(database=false) }}
    where is_newest
),

dormancy as (
    select
        model_version,
        from_days
    from {{ ref('lifecycle_boundaries').include(database=false) }}
    where stage_key = 'dormant'
),

judged as (
    select
        customers.*,
        dormancy.from_days - customers.recency_days as days_left
    from customers
    inner join dormancy on customers.model_version = dormancy.model_version
),

kinds as (
    select
        segment_key,
        segment_name,
        count(*) as customer_count,
        count(case when days_left <= 30 then 1 end) as at_risk_count,
        coalesce(sum(case when days_left <= 30 then total_spend end), 0) as at_risk_spend,
        avg(case when days_left <= 30 then days_left end) as avg_days_left
    from judged
    group by segment_key, segment_name
),

awake_before as (
    select
        kinds_monthly.customer_unique_id,
        kinds_monthly.segment_key
    from kinds_monthly
    inner join as_of_dates on kinds_monthly.as_of_date = as_of_dates.previous_as_of_date
    inner join stages_monthly
        on
            kinds_monthly.customer_unique_id = stages_monthly.customer_unique_id
            and kinds_monthly.as_of_date = stages_monthly.as_of_date
    where stages_monthly.stage_key not in ('dormant', 'lapsed')
),

last_month as (
    select
        awake_before.segment_key,
        count(*) as members_before,
        count(case when today.stage_key in ('dormant', 'lapsed') then 1 end) as became_dormant_last_month
    from awake_before
    left join stages_monthly as today
        on awake_before.customer_unique_id = today.customer_unique_id and today.is_newest
    group by awake_before.segment_key
),

final as (
    select
        kinds.segment_key,
        kinds.segment_name,
        kinds.customer_count,
        kinds.at_risk_count,
        cast(kinds.at_risk_count as double) / kinds.customer_count as at_risk_share,
        kinds.at_risk_spend,
        kinds.avg_days_left,
        coalesce(last_month.became_dormant_last_month, 0) as became_dormant_last_month,
        cast(last_month.became_dormant_last_month as double) / nullif(last_month.members_before, 0)
            as became_dormant_share
    from kinds
    left join last_month on kinds.segment_key = last_month.segment_key
)

select * from final
order by at_risk_spend desc, segment_key
