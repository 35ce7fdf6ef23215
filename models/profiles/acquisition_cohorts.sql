with

orders as (
    select * from {{ ref('purchases') }}
),

order_months as (
    select * from {{ ref('order_months') }}
),

newest as (
    select max(as_of_date) as as_of_date from {{ ref('as_of_dates') }}
),

purchases as (
    select
        orders.customer_unique_id,
        orders.order_id,
        orders.order_total,
        orders.purchase_date,
        cast({{ dbt.date_trunc('month', 'orders.purchase_date') }} as date) as purchase_month
    from orders
    inner join newest on orders.purchase_date <= newest.as_of_date
),

purchase_days_numbered as (
    select
        *,
        dense_rank() over (partition by customer_unique_id order by purchase_date) as purchase_day_number
    from purchases
),

customers_won as (
    select
        customer_unique_id,
        min(purchase_month) as cohort_month,
        min(case when purchase_day_number = 2 then purchase_month end) as return_month
    from purchase_days_numbered
    group by customer_unique_id
),

cohorts as (
    select
        cohort_month,
        count(*) as customer_count
    from customers_won
    group by cohort_month
),

cohort_months as (
    select
        cohorts.cohort_month,
        cohorts.customer_count,
        later.month_start,
        first_month.is_in_window,
        later.month_end <= newest.as_of_date as is_whole_month
    from cohorts
    inner join order_months as first_month on cohorts.cohort_month = first_month.month_start
    inner join order_months as later on cohorts.cohort_month <= later.month_start
    inner join newest on later.month_start <= newest.as_of_date
),

active as (
    select
        customers_won.cohort_month,
        purchases.purchase_month,
        count(distinct purchases.customer_unique_id) as active_customer_count,
        sum(purchases.order_total) as total_spend
    from purchases
    inner join customers_won on purchases.customer_unique_id = customers_won.customer_unique_id
    group by 1, 2
),

returns as (
    select
        cohort_month,
        return_month,
        count(*) as customer_count
    from customers_won
    where return_month is not null
    group by 1, 2
),

returned as (
    select
        cohort_months.cohort_month,
        cohort_months.month_start,
        sum(returns.customer_count) as returned_customer_count
    from cohort_months
    inner join returns
        on
            cohort_months.cohort_month = returns.cohort_month
            and cohort_months.month_start >= returns.return_month
    group by 1, 2
),

final as (
    select
        cohort_months.cohort_month,
        cast({{ dbt.datediff('cohort_months.cohort_month', 'cohort_months.month_start', 'month') }} as integer)
            as months_since_first,
        cohort_months.is_in_window,
        cohort_months.is_whole_month,
        coalesce(
            cohort_months.month_start
            = max(case when cohort_months.is_whole_month then cohort_months.month_start end) over (), false
        ) as is_newest,
        cast(cohort_months.customer_count as integer) as customer_count,
        cast(coalesce(active.active_customer_count, 0) as integer) as active_customer_count,
        cast(coalesce(active.active_customer_count, 0) as double) / cohort_months.customer_count as active_share,
        cast(coalesce(returned.returned_customer_count, 0) as integer) as returned_customer_count,
        cast(coalesce(returned.returned_customer_count, 0) as double) / cohort_months.customer_count as returned_share,
        cast(coalesce(active.total_spend, 0) as decimal(18, 2)) as total_spend
    from cohort_months
    left join active
        on
            cohort_months.cohort_month = active.cohort_month
            and cohort_months.month_start = active.purchase_month
    left join returned
        on
            cohort_months.cohort_month = returned.cohort_month
            and cohort_months.month_start = returned.month_start
)

select * from final
order by cohort_month, months_since_first
