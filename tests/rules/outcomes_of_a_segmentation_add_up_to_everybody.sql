with

totals as (
    select
        segmentation,
        as_of_date,
        sum(customer_count) as customer_count,
        sum(ordered_again_count) as ordered_again_count,
        sum(next_spend) as next_spend
    from {{ ref('segment_outcomes') }}
    group by segmentation, as_of_date
)

select
    totals.*,
    everybody.customer_count as customers_of_everybody,
    everybody.ordered_again_count as again_of_everybody,
    everybody.next_spend as spend_of_everybody
from totals
inner join totals as everybody
    on
        totals.as_of_date = everybody.as_of_date
        and everybody.segmentation = 'everybody'
where
    totals.customer_count <> everybody.customer_count
    or totals.ordered_again_count <> everybody.ordered_again_count
    or totals.next_spend <> everybody.next_spend
