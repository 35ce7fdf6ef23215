{%- set features = [
    'recency_days', 'purchase_day_count', 'total_spend', 'avg_review_score', 'late_delivery_share',
    'order_probability',
] -%}
with

campaign_members as (
    select * from {{ ref('campaign_members') }}
    where not is_forgotten
),

members as (
    select
        campaign,
        arm,
        arm_number,
        {%- for feature in features %}
        cast({{ feature }} as double) as {{ feature }}{{ "," if not loop.last }}
        {%- endfor %}
    from campaign_members
),

-- Squares of distances from a value in the middle keep their digits.
middles as (
    select
        campaign,
        {%- for feature in features %}
        {{ sum_in_any_order(feature) }} / count({{ feature }}) as {{ feature }}{{ "," if not loop.last }}
        {%- endfor %}
    from members
    group by campaign
),

distances as (
    select
        members.campaign,
        members.arm,
        members.arm_number,
        {%- for feature in features %}
        members.{{ feature }} - middles.{{ feature }} as {{ feature }},
        middles.{{ feature }} as middle_{{ feature }}{{ "," if not loop.last }}
        {%- endfor %}
    from members
    inner join middles on members.campaign = middles.campaign
),

sums as (
    select
        campaign,
        arm,
        arm_number,
        {%- for feature in features %}
        count({{ feature }}) as count_{{ feature }},
        max(middle_{{ feature }}) as middle_{{ feature }},
        max({{ feature }}) > min({{ feature }}) as spreads_{{ feature }},
        {{ sum_in_any_order(feature) }} as sum_{{ feature }},
        {{ sum_in_any_order(feature ~ ' * ' ~ feature) }} as squares_{{ feature }}{{ "," if not loop.last }}
        {%- endfor %}
    from distances
    group by campaign, arm, arm_number
),

moments as (
    {%- for feature in features %}
    {{ "union all" if not loop.first }}
    select
        campaign,
        arm,
        arm_number,
        '{{ feature }}' as feature,
        count_{{ feature }} as customer_count,
        middle_{{ feature }} + sum_{{ feature }} / nullif(count_{{ feature }}, 0) as mean,
        case
            when spreads_{{ feature }}
                then
                    (squares_{{ feature }} - sum_{{ feature }} * sum_{{ feature }} / count_{{ feature }})
                    / (count_{{ feature }} - 1)
            when count_{{ feature }} > 1 then 0
        end as variance
    from sums
    {%- endfor %}
),

compared as (
    select
        treated.campaign,
        treated.arm,
        treated.feature,
        treated.customer_count,
        coalesce(holdout.customer_count, 0) as holdout_customer_count,
        treated.mean,
        holdout.mean as holdout_mean,
        (treated.mean - holdout.mean) / nullif(sqrt((treated.variance + holdout.variance) / 2), 0)
            as standardised_difference
    from moments as treated
    left join moments as holdout
        on
            treated.campaign = holdout.campaign
            and treated.feature = holdout.feature
            and holdout.arm_number = 0
    where treated.arm_number > 0
),

final as (
    select
        campaign,
        arm,
        feature,
        cast(customer_count as integer) as customer_count,
        cast(holdout_customer_count as integer) as holdout_customer_count,
        mean,
        holdout_mean,
        standardised_difference,
        abs(standardised_difference) < 0.1 as is_balanced
    from compared
)

select * from final
order by campaign, arm, feature
