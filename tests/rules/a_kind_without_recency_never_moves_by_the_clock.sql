-- Where a version weighs no feature that the clock moves, no move between its segments is put down to the clock; and
-- where nothing else changed, nobody moves.
{%- set clock_features = [] -%}
{%- for feature, input in feature_inputs().items() if input == 'clock' -%}
{%- do clock_features.append(feature) -%}
{%- endfor %}

with

versions_with_a_clock as (
    select distinct model_version
    from {{ ref('segment_model') }}
    where inverse_variance > 0 and {{ is_among('feature', clock_features) }}
),

-- Twice, as a CTE that is read twice is kept whole.
features_after as (
    select * from {{ ref('customer_features_monthly') }}
),

features_before as (
    select * from {{ ref('customer_features_monthly') }}
),

move_reasons as (
    select * from {{ ref('segment_move_reasons') }}
)

select
    move_reasons.customer_unique_id,
    move_reasons.as_of_date,
    move_reasons.model_version,
    move_reasons.reason
from move_reasons
inner join features_after as arrived
    on
        move_reasons.customer_unique_id = arrived.customer_unique_id
        and move_reasons.as_of_date = arrived.as_of_date
inner join features_before as departed
    on
        move_reasons.customer_unique_id = departed.customer_unique_id
        and move_reasons.previous_as_of_date = departed.as_of_date
left join versions_with_a_clock on move_reasons.model_version = versions_with_a_clock.model_version
where
    versions_with_a_clock.model_version is null
    and {{ dates_to_test(['customer_features_monthly', 'segment_move_reasons'], 'move_reasons.') }}
    and (
        move_reasons.reason = 'clock_only'
        or (
            move_reasons.reason <> 'model_changed'
            and arrived.purchase_day_count = departed.purchase_day_count
            and arrived.order_count = departed.order_count
            and arrived.review_count = departed.review_count
            and arrived.delivered_order_count = departed.delivered_order_count
        )
    )
