{%- set z = 1.959963984540054 -%}
with

past_outcomes as (
    select * from {{ ref('past_outcomes') }}
),

everybody as (
    select * from {{ ref('outcomes_of_everybody') }}
),

rankings as (
    select * from {{ ref('segmentation_rankings') }}
),

segmentations as (
    {%- for segmentation in ['clusters', 'clusters_by_stage', 'rfm', 'naive'] %}
    {{ "union all " if not loop.first }}select '{{ segmentation }}' as segmentation
    {%- endfor %}
),

memberships as (
    {{ past_memberships('past_outcomes') | indent(4) }}
),

outcomes as (
    select
        segmentation,
        as_of_date,
        segment_key,
        cast(sum(customer_count) as double) as customer_count,
        cast(sum(ordered_again_count) as double) as ordered_again_count,
        cast(sum(next_spend) as double) as next_spend
    from memberships
    where segment_key is not null
    group by 1, 2, 3
),

explained as (
    select
        outcomes.segmentation,
        outcomes.as_of_date,
        count(*) as segment_count,
        max(
            case
                when outcomes.customer_count >= {{ var('few_customers') }}
                    then
                        outcomes.ordered_again_count / outcomes.customer_count
                        / nullif(everybody.ordered_again_share, 0)
            end
        ) as best_lift,
        sum(
            outcomes.customer_count
            * (outcomes.next_spend / outcomes.customer_count - everybody.next_spend_per_customer)
            * (outcomes.next_spend / outcomes.customer_count - everybody.next_spend_per_customer)
        ) as between_squares,
        max(
            everybody.next_spend_squared
            - everybody.customer_count * everybody.next_spend_per_customer * everybody.next_spend_per_customer
        ) as total_squares
    from outcomes
    inner join everybody on outcomes.as_of_date = everybody.as_of_date
    group by 1, 2
),

rankings_of_dates as (
    select
        segmentation,
        as_of_date,
        max(case when other_segmentation = 'none' then auc_difference end) as ranking_auc
        {%- for other in ['rfm', 'naive'] %},
        max(case when other_segmentation = '{{ other }}' then auc_difference end) as auc_minus_{{ other }},
        max(case when other_segmentation = '{{ other }}' then auc_difference - {{ z }} * standard_error end)
            as auc_minus_{{ other }}_low,
        max(case when other_segmentation = '{{ other }}' then auc_difference + {{ z }} * standard_error end)
            as auc_minus_{{ other }}_high
        {%- endfor %}
    from rankings
    group by segmentation, as_of_date
),

measured as (
    select
        segmentations.segmentation,
        everybody.as_of_date,
        everybody.is_newest,
        everybody.outcome_until,
        cast(explained.segment_count as integer) as segment_count,
        everybody.customer_count,
        explained.best_lift,
        rankings_of_dates.ranking_auc,
        rankings_of_dates.auc_minus_rfm,
        rankings_of_dates.auc_minus_rfm_low,
        rankings_of_dates.auc_minus_rfm_high,
        rankings_of_dates.auc_minus_naive,
        rankings_of_dates.auc_minus_naive_low,
        rankings_of_dates.auc_minus_naive_high,
        -- Epsilon squared: the share of variance explained, less what as many random segments would explain.
        1 - (1 - explained.between_squares / nullif(explained.total_squares, 0))
        * (everybody.customer_count - 1) / nullif(everybody.customer_count - explained.segment_count, 0)
            as value_explained,
        case
            when segmentations.segmentation = 'rfm' then 'baseline'
            else {{ difference_status('auc_minus_rfm_low', 'auc_minus_rfm_high', 'rfm') | indent(12) }}
        end as comparison_status
    from everybody
    cross join segmentations
    left join explained
        on
            segmentations.segmentation = explained.segmentation
            and everybody.as_of_date = explained.as_of_date
    left join rankings_of_dates
        on
            segmentations.segmentation = rankings_of_dates.segmentation
            and everybody.as_of_date = rankings_of_dates.as_of_date
),

final as (
    select
        measured.*,
        measured.comparison_status as verdict
    from measured
)

select * from final
order by as_of_date, segmentation
