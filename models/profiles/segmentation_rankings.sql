with

past_outcomes as (
    select * from {{ ref('past_outcomes') }}
),

past_expectations as (
    select * from {{ ref('past_expectations') }}
),

judged_dates as (
    select distinct as_of_date from past_expectations
    where segmentation = 'rfm'
),

expectations_of_everybody as (
    select distinct
        segmentation,
        as_of_date,
        expected_share_of_everybody
    from past_expectations
),

memberships as (
    {{ past_memberships('past_outcomes') | indent(4) }}
),

scored as (
    select
        memberships.segmentation,
        memberships.as_of_date,
        memberships.group_number,
        memberships.ordered_again_count as again_count,
        memberships.customer_count - memberships.ordered_again_count as not_again_count,
        coalesce(past_expectations.expected_share, expectations_of_everybody.expected_share_of_everybody) as score
    from memberships
    inner join expectations_of_everybody
        on
            memberships.segmentation = expectations_of_everybody.segmentation
            and memberships.as_of_date = expectations_of_everybody.as_of_date
    left join past_expectations
        on
            memberships.segmentation = past_expectations.segmentation
            and memberships.as_of_date = past_expectations.as_of_date
            and memberships.segment_key = past_expectations.segment_key
    union all
    -- The rule of thumb needs no outcomes, but is judged where the others are.
    select
        'naive' as segmentation,
        past_outcomes.as_of_date,
        past_outcomes.group_number,
        past_outcomes.ordered_again_count as again_count,
        past_outcomes.customer_count - past_outcomes.ordered_again_count as not_again_count,
        cast(case when past_outcomes.has_come_back then 1000000 else 0 end - past_outcomes.recency_days as double)
            as score
    from past_outcomes
    inner join judged_dates on past_outcomes.as_of_date = judged_dates.as_of_date
),

-- Placement values times twice the customers of the other side, so that they are whole: for those who ordered again,
-- how many who did not stand below, and for those who did not, how many who did stand above; equals count half.
placed as (
    select
        segmentation,
        as_of_date,
        group_number,
        again_count,
        not_again_count,
        2 * sum(not_again_count) over (
            partition by segmentation, as_of_date order by score range between unbounded preceding and current row
        ) - sum(not_again_count) over (partition by segmentation, as_of_date, score) as again_place,
        2 * sum(again_count) over (
            partition by segmentation, as_of_date
            order by score desc range between unbounded preceding and current row
        ) - sum(again_count) over (partition by segmentation, as_of_date, score) as not_again_place
    from scored
),

-- Against each other one, and against nobody, whose places are 0.
paired as (
    select
        placed.segmentation,
        others.segmentation as other_segmentation,
        placed.as_of_date,
        placed.again_count,
        placed.not_again_count,
        cast(placed.again_place - others.again_place as decimal(19, 0)) as again_place,
        cast(placed.not_again_place - others.not_again_place as decimal(19, 0)) as not_again_place
    from placed
    inner join placed as others
        on
            placed.as_of_date = others.as_of_date
            and placed.group_number = others.group_number
            and placed.segmentation <> others.segmentation
            and others.segmentation in ('rfm', 'naive')
    union all
    select
        segmentation,
        'none' as other_segmentation,
        as_of_date,
        again_count,
        not_again_count,
        cast(again_place as decimal(19, 0)) as again_place,
        cast(not_again_place as decimal(19, 0)) as not_again_place
    from placed
),

-- Whole numbers, whose sums are the same in any order.
sums as (
    select
        segmentation,
        other_segmentation,
        as_of_date,
        cast(sum(again_count) as double) as again_count,
        cast(sum(not_again_count) as double) as not_again_count,
        sum(again_count * again_place) as again_places,
        sum(not_again_count * not_again_place) as not_again_places,
        sum(again_count * (again_place * again_place)) as again_squares,
        sum(not_again_count * (not_again_place * not_again_place)) as not_again_squares
    from paired
    group by segmentation, other_segmentation, as_of_date
),

final as (
    select
        segmentation,
        as_of_date,
        other_segmentation,
        cast(again_count as integer) as ordered_again_count,
        cast(not_again_count as integer) as not_again_count,
        cast(again_places as double) / nullif(2 * again_count * not_again_count, 0) as auc_difference,
        sqrt(
            {{ variance_of_mean('again_count', 'again_places', 'again_squares') | indent(12) }}
            / nullif(4 * not_again_count * not_again_count, 0)
            + {{ variance_of_mean('not_again_count', 'not_again_places', 'not_again_squares') | indent(12) }}
            / nullif(4 * again_count * again_count, 0)
        ) as standard_error
    from sums
)

select * from final
order by as_of_date, segmentation, other_segmentation
