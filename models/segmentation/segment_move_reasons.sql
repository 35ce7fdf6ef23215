{{
    config(
        materialized='by_date',
        meta={'inputs': {
            'of_date': ['customer_segments_monthly', 'customer_features_monthly'],
            'of_date_before': ['customer_segments_monthly', 'customer_features_monthly'],
            'of_version': ['segment_model', 'segments'],
            'known_otherwise': ['customer_segments_at_switch'],
        }}
    )
}}

{#- input, reason of a move that it made, condition for a change of it between two dates -#}
{%- set inputs = [
    ('purchase', 'bought_again', 'after.purchase_day_count > before.purchase_day_count'),
    ('review', 'review_arrived', 'after.review_count > before.review_count'),
    ('delivery', 'delivery_arrived', 'after.delivered_order_count > before.delivered_order_count'),
    ('clock', 'clock_only', 'true'),
] -%}
{%- set input_of = feature_inputs() -%}
with

-- Twice each, as a CTE that is read twice is kept whole.
segments_after as (
    select * from {{ ref('customer_segments_monthly') }}
    where as_of_date >= {{ first_date() }}
),

segments_before as (
    select * from {{ ref('customer_segments_monthly') }}
    where as_of_date >= {{ date_before_first() }}
),

features_after as (
    select * from {{ ref('customer_features_monthly') }}
    where as_of_date >= {{ first_date() }}
),

features_before as (
    select * from {{ ref('customer_features_monthly') }}
    where as_of_date >= {{ date_before_first() }}
),

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

segment_model as (
    select * from {{ ref('segment_model') }}
),

segments as (
    select * from {{ ref('segments') }}
),

switch_labels as (
    select * from {{ ref('customer_segments_at_switch') }}
),

inputs_of_versions as (
    select
        model_version
        {%- for input, _, _ in inputs %}
        {%- set features_of_input = [] %}
        {%- for feature, input_of_feature in input_of.items() %}
        {#- Recency is counted from the last purchase: a purchase changes it, too. #}
        {%- if input_of_feature == input or (input == 'purchase' and feature == 'recency_days') %}
        {%- do features_of_input.append(feature) %}
        {%- endif %}
        {%- endfor %},
        count(
            case
                when inverse_variance > 0 and feature in ({{ sql_text_list(features_of_input) }})
                    then 1
            end
        ) > 0 as uses_{{ input }}
        {%- endfor %}
    from segment_model
    group by model_version
),

movers as (
    select
        arrived.customer_unique_id,
        arrived.as_of_date,
        departed.as_of_date as previous_as_of_date,
        arrived.model_version,
        departed.segment_key as from_segment_key,
        arrived.segment_key as to_segment_key,
        coalesce(switch_labels.segment_key_by_earlier_version = departed.segment_key, false) as is_model_change
    from segments_after as arrived
    inner join as_of_dates on arrived.as_of_date = as_of_dates.as_of_date
    inner join segments_before as departed
        on
            arrived.customer_unique_id = departed.customer_unique_id
            and as_of_dates.previous_as_of_date = departed.as_of_date
    left join switch_labels
        on
            arrived.customer_unique_id = switch_labels.customer_unique_id
            and arrived.as_of_date = switch_labels.as_of_date
    where arrived.segment_key <> departed.segment_key
),

changes as (
    select
        movers.*,
        {{ dbt.datediff('movers.previous_as_of_date', 'movers.as_of_date', 'day') }} as days_passed
        {%- for feature in input_of %},
        cast(before.{{ feature }} as double) as {{ feature }}__before,
        cast(after.{{ feature }} as double) as {{ feature }}__after
        {%- endfor %}
        {%- for input, _, condition in inputs %},
        inputs_of_versions.uses_{{ input }} and {{ condition }} as is_{{ input }}_changed
        {%- endfor %},
        after.purchase_day_count > before.purchase_day_count as has_bought
    from movers
    inner join inputs_of_versions on movers.model_version = inputs_of_versions.model_version
    inner join features_before as before
        on
            movers.customer_unique_id = before.customer_unique_id
            and movers.previous_as_of_date = before.as_of_date
    inner join features_after as after
        on
            movers.customer_unique_id = after.customer_unique_id
            and movers.as_of_date = after.as_of_date
),

counted as (
    select
        *,
        {% for input, _, _ in inputs -%}
            case when is_{{ input }}_changed then 1 else 0 end{{ " + " if not loop.last }}
        {%- endfor %} as changed_input_count
    from changes
),

-- Where several inputs changed, the customer is scored again with one of them changed alone, and with all but that one.
trials as (
    {%- for tried, _, _ in inputs %}
    {%- for form in ['alone', 'without'] %}
    {{ "union all" if not (loop.first and tried == inputs[0][0]) }}
    select
        '{{ tried }}' as input,
        '{{ form }}' as form,
        {%- for input, _, _ in inputs %}
        {{ (input == tried) == (form == 'alone') }} as has_{{ input }},
        {%- endfor %}
        *
    from counted
    where is_{{ tried }}_changed and changed_input_count > 1 and not is_model_change
    {%- endfor %}
    {%- endfor %}
),

customers_to_score as (
    select
        input,
        form,
        customer_unique_id,
        as_of_date,
        model_version
        {%- for feature, input in input_of.items() %},
        {%- if feature == 'recency_days' %}
        case
            -- The last purchase is what recency is counted from.
            when has_bought and has_purchase then recency_days__after
            when has_clock then recency_days__before + days_passed
            else recency_days__before
        end as recency_days
        {%- else %}
        case when has_{{ input }} then {{ feature }}__after else {{ feature }}__before end as {{ feature }}
        {%- endif %}
        {%- endfor %}
    from trials
),

scored as (
    {{ score_segments(
        'customers_to_score', 'segment_model', 'segments', ['input', 'form', 'customer_unique_id', 'as_of_date']
    ) | indent(4) }}
),

-- An input made the move when the move happens with it alone and does not happen without it.
inputs_judged as (
    select
        scored.customer_unique_id,
        scored.as_of_date,
        scored.input,
        count(
            case
                when scored.form = 'alone' and segments.segment_key = movers.to_segment_key then 1
                when scored.form = 'without' and segments.segment_key = movers.from_segment_key then 1
            end
        ) = 2 as is_reason
    from scored
    inner join segments
        on
            scored.model_version = segments.model_version
            and scored.segment_number = segments.segment_number
    inner join movers
        on
            scored.customer_unique_id = movers.customer_unique_id
            and scored.as_of_date = movers.as_of_date
    group by 1, 2, 3
),

only_reasons as (
    select
        customer_unique_id,
        as_of_date,
        max(input) as input
    from inputs_judged
    where is_reason
    group by 1, 2
    having count(*) = 1
),

final as (
    select
        counted.customer_unique_id,
        counted.as_of_date,
        counted.previous_as_of_date,
        counted.model_version,
        counted.from_segment_key,
        counted.to_segment_key,
        case
            when counted.is_model_change then 'model_changed'
            {%- for input, reason, _ in inputs %}
            when counted.changed_input_count = 1 and counted.is_{{ input }}_changed then '{{ reason }}'
            {%- endfor %}
            {%- for input, reason, _ in inputs %}
            when only_reasons.input = '{{ input }}' then '{{ reason }}'
            {%- endfor %}
            else 'several_reasons'
        end as reason
    from counted
    left join only_reasons
        on
            counted.customer_unique_id = only_reasons.customer_unique_id
            and counted.as_of_date = only_reasons.as_of_date
)

select * from final
order by as_of_date, customer_unique_id
