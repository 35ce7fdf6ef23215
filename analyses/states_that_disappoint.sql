with

orders as (
    select * from {{ ref('purchases').include(database=false) }}
),

brazil_states as (
    select * from {{ ref('brazil_states').include(database=false) }}
),

states as (
    select
        coalesce(state, 'unknown') as state,
        count(*) as order_count,
        sum(order_total) as revenue,
        count(is_late) as delivered_count,
        count(case when is_late then 1 end) as late_count,
        avg(cast(delivery_days as double)) as avg_delivery_days,
        avg(review_score) as avg_review_score,
        count(review_score) as reviewed_count,
        count(case when review_score <= 2 then 1 end) as dissatisfied_count
    from orders
    group by 1
),

country as (
    select cast(sum(dissatisfied_count) as double) / nullif(sum(reviewed_count), 0) as dissatisfied_share
    from states
),

measured as (
    select
        *,
        cast(dissatisfied_count as double) / nullif(reviewed_count, 0) as dissatisfied_share,
        {{ wilson_bound('dissatisfied_count', 'reviewed_count', 'low') }} as dissatisfied_low,
        {{ wilson_bound('dissatisfied_count', 'reviewed_count', 'high') }} as dissatisfied_high
    from states
),

final as (
    select
        measured.state,
        coalesce(brazil_states.state_name, measured.state) as state_name,
        measured.order_count,
        measured.revenue,
        cast(measured.late_count as double) / nullif(measured.delivered_count, 0) as late_delivery_share,
        measured.avg_delivery_days,
        measured.avg_review_score,
        measured.dissatisfied_share,
        measured.dissatisfied_low,
        measured.dissatisfied_high,
        case
            when measured.dissatisfied_low > country.dissatisfied_share then 'worse than the country'
            when measured.dissatisfied_high < country.dissatisfied_share then 'better than the country'
            else 'no clear difference'
        end as verdict
    from measured
    cross join country
    left join brazil_states on measured.state = brazil_states.state
)

select * from final
-- Where nobody is dissatisfied the low end is 0 but for rounding.
order by round(dissatisfied_low, 9) desc nulls last, state
