with

outcomes as (
    select * from {{ ref('segment_outcomes') }}
),

everybody as (
    select * from {{ ref('outcomes_of_everybody') }}
),

-- What was already known of a segment on a date: its outcomes of the dates whose period had ended by then.
expectations as (
    select
        outcomes.segmentation,
        outcomes.as_of_date,
        outcomes.segment_key,
        sum(earlier.ordered_again_count) as ordered_again_count,
        sum(earlier.customer_count) as customer_count
    from outcomes
    inner join outcomes as earlier
        on
            outcomes.segmentation = earlier.segmentation
            and outcomes.segment_key = earlier.segment_key
            and outcomes.as_of_date >= earlier.outcome_until
    group by 1, 2, 3
),

ranked as (
    select
        outcomes.segmentation,
        outcomes.as_of_date,
        outcomes.customer_count,
        outcomes.ordered_again_count,
        outcomes.customer_count - outcomes.ordered_again_count as not_again_count,
        cast(expectations.ordered_again_count as double) / expectations.customer_count as expected_share
    from outcomes
    inner join expectations
        on
            outcomes.segmentation = expectations.segmentation
            and outcomes.as_of_date = expectations.as_of_date
            and outcomes.segment_key = expectations.segment_key
),

-- How many who did not order again stood in segments expected to do so no more often, and how many in equal ones.
ranked_pairs as (
    select
        segmentation,
        as_of_date,
        ordered_again_count,
        not_again_count,
        coalesce(
            sum(not_again_count) over (
                partition by segmentation, as_of_date
                order by expected_share
                range between unbounded preceding and current row
            ), 0
        ) as not_again_up_to,
        sum(not_again_count) over (partition by segmentation, as_of_date, expected_share) as not_again_tied
    from ranked
),

ranking as (
    select
        segmentation,
        as_of_date,
        sum(cast(ordered_again_count as double) * (not_again_up_to - not_again_tied / 2.0))
        / nullif(cast(sum(ordered_again_count) as double) * sum(not_again_count), 0) as ranking_auc
    from ranked_pairs
    group by segmentation, as_of_date
),

explained as (
    select
        outcomes.segmentation,
        outcomes.as_of_date,
        outcomes.is_newest,
        max(outcomes.outcome_until) as outcome_until,
        count(*) as segment_count,
        sum(outcomes.customer_count) as customer_count,
        max(
            case when outcomes.customer_count >= {{ var('few_customers') }} then outcomes.ordered_again_lift end
        ) as best_lift,
        sum(
            outcomes.customer_count
            * (outcomes.next_spend_per_customer - everybody.next_spend_per_customer)
            * (outcomes.next_spend_per_customer - everybody.next_spend_per_customer)
        ) as between_squares,
        max(
            everybody.next_spend_squared
            - everybody.customer_count * everybody.next_spend_per_customer * everybody.next_spend_per_customer
        ) as total_squares
    from outcomes
    inner join everybody on outcomes.as_of_date = everybody.as_of_date
    group by 1, 2, 3
),

measured as (
    select
        explained.segmentation,
        explained.as_of_date,
        explained.is_newest,
        explained.outcome_until,
        cast(explained.segment_count as integer) as segment_count,
        cast(explained.customer_count as integer) as customer_count,
        explained.best_lift,
        ranking.ranking_auc,
        -- Epsilon squared: the share of variance explained, less what as many random segments would explain.
        1 - (1 - explained.between_squares / nullif(explained.total_squares, 0))
        * (explained.customer_count - 1) / nullif(explained.customer_count - explained.segment_count, 0)
            as value_explained
    from explained
    left join ranking
        on
            explained.segmentation = ranking.segmentation
            and explained.as_of_date = ranking.as_of_date
),

compared as (
    select
        measured.*,
        case
            when measured.segmentation = 'rfm' then 'baseline'
            when measured.ranking_auc is null or baseline.ranking_auc is null then 'unknown'
            when measured.ranking_auc > baseline.ranking_auc then 'better than rfm'
            else 'no better than rfm'
        end as comparison_status
    from measured
    left join measured as baseline
        on
            measured.as_of_date = baseline.as_of_date
            and baseline.segmentation = 'rfm'
),

final as (
    select
        compared.*,
        compared.comparison_status as verdict
    from compared
)

select * from final
order by as_of_date, segmentation
