with

customers as (
    select * from {{ ref('customer_segments').include(database=false) }}
),

threshold as (
    select percentile_cont(0.9) within group (order by cast(total_spend as double)) as least_spend
    from customers
),

-- Whoever spent as much as the last of the best tenth is one of them.
best_customers as (
    select customers.*
    from customers
    inner join threshold on cast(customers.total_spend as double) >= threshold.least_spend
),

totals as (
    select
        count(case when cast(customers.total_spend as double) >= threshold.least_spend then 1 end)
            as best_customer_count,
        sum(customers.total_spend) as total_spend
    from customers
    cross join threshold
),

final as (
    select
        best_customers.segment_key,
        best_customers.segment_name,
        count(*) as best_customer_count,
        cast(count(*) as double) / max(totals.best_customer_count) as share_of_best_customers,
        cast(sum(best_customers.total_spend) as double) / nullif(cast(max(totals.total_spend) as double), 0)
            as share_of_all_revenue,
        avg(best_customers.avg_review_score) as avg_review_score,
        cast(count(case when best_customers.avg_review_score <= 2 then 1 end) as double)
        / nullif(count(best_customers.avg_review_score), 0) as dissatisfied_share,
        cast(count(case when best_customers.is_review_missing then 1 end) as double) / count(*) as no_review_share
    from best_customers
    cross join totals
    group by best_customers.segment_key, best_customers.segment_name
)

select * from final
order by best_customer_count desc, segment_key
