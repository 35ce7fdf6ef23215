with

orders as (
    select * from {{ ref('purchases').include(database=false) }}
),

newest as (
    select as_of_date from {{ ref('as_of_dates').include(database=false) }}
    where is_newest
),

purchases as (
    select
        orders.customer_unique_id,
        orders.purchase_date,
        newest.as_of_date,
        min(orders.purchase_date) over (partition by orders.customer_unique_id) as first_purchase_date
    from orders
    inner join newest on orders.purchase_date <= newest.as_of_date
),

customers as (
    select
        customer_unique_id,
        max(as_of_date) as as_of_date,
        min(first_purchase_date) as first_purchase_date,
        cast({{ dbt.date_trunc('month', 'min(first_purchase_date)') }} as date) as cohort_month,
        min(case when purchase_date > first_purchase_date then purchase_date end) as next_purchase_date
    from purchases
    group by customer_unique_id
),

timed as (
    select
        cohort_month,
        {{ dbt.datediff('first_purchase_date', 'next_purchase_date', 'day') }} as days_to_next,
        {{ dbt.datediff(dbt.last_day('cohort_month', 'month'), 'as_of_date', 'day') }} as days_observed
    from customers
),

-- A share is told once the last customer of the cohort has had the whole time.
final as (
    select
        cohort_month,
        count(*) as customer_count,
        case
            when min(days_observed) >= 90
                then cast(count(case when days_to_next <= 90 then 1 end) as double) / count(*)
        end as returned_in_90_days_share,
        case
            when min(days_observed) >= 180
                then cast(count(case when days_to_next <= 180 then 1 end) as double) / count(*)
        end as returned_in_180_days_share,
        count(days_to_next) as returned_so_far_count
    from timed
    group by cohort_month
)

select * from final
order by cohort_month
