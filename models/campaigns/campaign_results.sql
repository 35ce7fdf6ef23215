{%- set nan = "cast('NaN' as double)" -%}
with

effects as (
    select * from {{ ref('fit_campaign_effects') }}
),

-- Python has no null among its numbers.
final as (
    select
        campaign,
        arm,
        outcome,
        grouping,
        segment_key,
        segment_name,
        stage_key,
        stage_name,
        cast(customer_count as integer) as customer_count,
        cast(holdout_customer_count as integer) as holdout_customer_count,
        {%- for column in [
            'value', 'holdout_value', 'difference', 'difference_low', 'difference_high', 'relative_uplift', 'p_value',
            'adjusted_p_value', 'earned_total', 'earned_low', 'earned_high',
        ] %}
        nullif(cast({{ column }} as double), {{ nan }}) as {{ column }},
        {%- endfor %}
        cast(is_promised as boolean) as is_promised,
        cast(is_complete as boolean) as is_complete,
        cast(observed_until as date) as observed_until,
        verdict,
        verdict_sentence
    from effects
)

select * from final
order by campaign, outcome, grouping, segment_key, stage_key, arm
