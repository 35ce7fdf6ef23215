{%- set few = checked_var('few_customers') -%}
with

customer_segments as (
    select * from {{ ref('customer_segments') }}
),

features as (
    select * from {{ ref('customer_features') }}
),

stages as (
    select * from {{ ref('lifecycle_stages') }}
),

archetypes as (
    select * from {{ ref('segment_archetypes') }}
),

playbook as (
    select * from {{ ref('segment_stage_playbook') }}
),

outcome_dates as (
    select * from {{ ref('outcome_dates') }}
    where is_newest
),

outcomes as (
    select * from {{ ref('segment_outcomes') }}
    where segmentation = 'clusters_by_stage' and is_newest
),

members as (
    select
        customer_segments.segment_key,
        customer_segments.segment_name,
        customer_segments.stage_key,
        customer_segments.segment_stage_name,
        customer_segments.as_of_date,
        customer_segments.total_spend,
        customer_segments.purchase_day_count,
        features.review_count,
        cast(features.avg_review_score * features.review_count as decimal(18, 4)) as review_score_sum
    from customer_segments
    inner join features on customer_segments.customer_unique_id = features.customer_unique_id
),

groups_counted as (
    select
        segment_key,
        segment_name,
        stage_key,
        segment_stage_name,
        as_of_date,
        count(*) as customer_count,
        sum(total_spend) as total_spend,
        sum(review_count) as review_count,
        sum(review_score_sum) as review_score_sum,
        count(case when purchase_day_count > 1 then 1 end) as repeat_buyer_count
    from members
    group by 1, 2, 3, 4, 5
),

with_totals as (
    select
        *,
        sum(customer_count) over () as all_customer_count,
        sum(total_spend) over () as all_spend,
        {{ segment_stage_key('segment_key', 'stage_key') }} as outcome_key
    from groups_counted
),

effects as (
    select
        with_totals.outcome_key,
        {{ smallest_effects('with_totals.customer_count', 'outcomes') | indent(8) }}
    from with_totals
    inner join outcomes on with_totals.outcome_key = outcomes.segment_key
),

final as (
    select
        with_totals.segment_key,
        with_totals.segment_name,
        with_totals.stage_key,
        stages.stage_name,
        stages.stage_number,
        with_totals.segment_stage_name,
        with_totals.as_of_date,
        cast(with_totals.customer_count as integer) as customer_count,
        cast(with_totals.customer_count as double) / with_totals.all_customer_count as customer_share,
        cast(with_totals.total_spend as decimal(18, 2)) as total_spend,
        cast(with_totals.total_spend as double) / nullif(cast(with_totals.all_spend as double), 0) as revenue_share,
        cast(with_totals.total_spend as double) / with_totals.customer_count as avg_total_spend,
        cast(with_totals.review_score_sum as double) / nullif(with_totals.review_count, 0) as avg_review_score,
        cast(with_totals.repeat_buyer_count as double) / with_totals.customer_count as repeat_buyer_share,
        outcome_dates.as_of_date as outcome_from,
        outcome_dates.outcome_until,
        coalesce(outcomes.customer_count, 0) as outcome_customer_count,
        coalesce(outcomes.ordered_again_count, 0) as ordered_again_count,
        {%- for column in [
            'ordered_again_share', 'ordered_again_low', 'ordered_again_high', 'next_spend_per_customer',
        ] %}
        case when outcomes.customer_count >= {{ few }} then outcomes.{{ column }} end as {{ column }},
        {%- endfor %}
        cast({{ checked_var('holdout_share') }} as double) as holdout_share,
        effects.smallest_detectable_share,
        effects.smallest_detectable_spend_difference,
        effects.smallest_detectable_share <= 2 * outcomes.ordered_again_share as is_doubling_detectable,
        {%- for column in ['recommended_action', 'channel', 'kpi', 'stop_rule'] %}
        case
            when playbook.segment_key is not null then playbook.{{ column }}
            when archetypes.segment_key is not null then archetypes.{{ column }}
            else stages.{{ column }}
        end as {{ column }},
        {%- endfor %}
        case
            when playbook.segment_key is not null then 'pair'
            when archetypes.segment_key is not null then 'kind'
            else 'stage'
        end as action_source,
        stages.recommended_action as stage_action
    from with_totals
    inner join stages on with_totals.stage_key = stages.stage_key
    -- A segment that kept its key but not its name has no playbook until somebody writes one.
    left join archetypes
        on
            with_totals.segment_key = archetypes.segment_key
            and with_totals.segment_name = archetypes.segment_name
    left join playbook
        on
            archetypes.segment_key = playbook.segment_key
            and with_totals.stage_key = playbook.stage_key
    left join outcomes on with_totals.outcome_key = outcomes.segment_key
    left join effects on with_totals.outcome_key = effects.outcome_key
    left join outcome_dates on true
)

select * from final
order by segment_key, stage_number
