-- All segmentations, on every date of either table; the customers of everybody are counted by no segmentation.
with

totals as (
    select
        segmentation,
        as_of_date,
        sum(customer_count) as customer_count,
        sum(ordered_again_count) as ordered_again_count,
        sum(next_order_count) as next_order_count,
        sum(next_spend) as next_spend,
        sum(next_review_count) as next_review_count
    from {{ ref('segment_outcomes') }}
    group by segmentation, as_of_date
),

expected as (
    select
        segmentations.segmentation,
        everybody.*
    from {{ ref('outcomes_of_everybody') }} as everybody
    cross join (
        select 'clusters' as segmentation
        union all
        select 'clusters_by_stage' as segmentation
        union all
        select 'rfm' as segmentation
    ) as segmentations
)

select
    coalesce(expected.segmentation, totals.segmentation) as segmentation,
    coalesce(expected.as_of_date, totals.as_of_date) as as_of_date,
    expected.customer_count as customers_of_everybody,
    totals.customer_count
from expected
full outer join totals
    on
        expected.segmentation = totals.segmentation
        and expected.as_of_date = totals.as_of_date
where
    totals.customer_count is distinct from expected.customer_count
    or totals.ordered_again_count is distinct from expected.ordered_again_count
    or totals.next_order_count is distinct from expected.next_order_count
    or totals.next_spend is distinct from expected.next_spend
    or totals.next_review_count is distinct from expected.next_review_count
