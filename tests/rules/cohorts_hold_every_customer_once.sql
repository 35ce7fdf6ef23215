-- Each customer of today is won in one month; who returned is who has bought twice; every purchase is in a month.
with

cohorts as (
    select * from {{ ref('acquisition_cohorts') }}
),

won as (
    select sum(customer_count) as customer_count
    from cohorts
    where months_since_first = 0
),

months_told as (
    select sum(total_spend) as total_spend
    from cohorts
),

returned as (
    select sum(returned_customer_count) as returned_customer_count
    from (
        select
            cohort_month,
            max(returned_customer_count) as returned_customer_count
        from cohorts
        group by cohort_month
    ) as by_cohort
),

features as (
    select
        count(*) as customer_count,
        count(case when purchase_day_count > 1 then 1 end) as returned_customer_count,
        sum(total_spend) as total_spend
    from {{ ref('customer_features') }}
)

select
    features.*,
    won.customer_count as customers_won,
    returned.returned_customer_count as customers_returned,
    months_told.total_spend as spend_told
from features
cross join won
cross join returned
cross join months_told
where
    features.customer_count != coalesce(won.customer_count, 0)
    or features.returned_customer_count != coalesce(returned.returned_customer_count, 0)
    or coalesce(features.total_spend, 0) != coalesce(months_told.total_spend, 0)
