{#- Columns from before every feature had its row in segment_traits; null if the feature is not registered. -#}
{%- set z_columns = ['recency_days', 'purchase_day_count', 'total_spend', 'avg_review_score', 'late_delivery_share'] -%}
{%- set trait_count = described_features() | length -%}
{%- set quartiles = [
    ('recency_days', 'recency_days'),
    ('purchase_day_count', 'purchase_day_count'),
    ('order_count', 'order_count'),
    ('total_spend', 'cast(total_spend as double)'),
    ('review_score', 'avg_review_score'),
] -%}
with

customer_segments as (
    select * from {{ ref('customer_segments') }}
),

traits as (
    select * from {{ ref('segment_traits') }}
),

monthly_profiles as (
    select * from {{ ref('segment_profiles_monthly') }}
    where is_newest
),

archetypes as (
    select * from {{ ref('segment_archetypes') }}
),

outcomes as (
    select * from {{ ref('segment_outcomes') }}
    where segmentation = 'clusters' and is_newest
),

purchases as (
    select * from {{ ref('purchases') }}
),

items as (
    select * from {{ ref('stg_olist__order_items') }}
),

products as (
    select * from {{ ref('stg_olist__products') }}
),

categories as (
    select * from {{ ref('stg_olist__product_categories') }}
),

members as (
    select * from {{ ref('segment_months') }}
    where is_newest
),

spread as (
    select
        segment_key,
        segment_name
        {%- for name, expression in quartiles %}
        {%- for quartile, share in [('p25', 0.25), ('median', 0.5), ('p75', 0.75)] %},
        percentile_cont({{ share }}) within group (order by {{ expression }}) as {{ quartile }}_{{ name }}
        {%- endfor %}
        {%- endfor %},
        cast(sum(max_installments) as double) / count(max_installments) as avg_max_installments,
        cast(
            sum(cast(avg_delivery_days as decimal(18, 6))) as double
        ) / nullif(count(avg_delivery_days), 0) as avg_delivery_days
    from members
    group by segment_key, segment_name
),

traits_ranked as (
    select
        *,
        row_number() over (
            partition by segment_key order by abs(z_score) desc nulls last, trait_number nulls last
        ) as strength_rank
    from traits
),

strongest_traits as (
    select
        segment_key,
        max(case when strength_rank = 1 then trait end) as strongest_trait,
        max(case when strength_rank = 1 then z_score end) as strongest_trait_z_score,
        {%- for rank in range(1, trait_count + 1) %}
        {{ "|| " if not loop.first }}max(
            case
                when strength_rank = {{ rank }}
                    then {{ "', ' || " if not loop.first }}trait || case when z_score < 0 then ' -' else ' +' end
                    || cast(cast(abs(z_score) as decimal(18, 1)) as {{ dbt.type_string() }})
            end
        )
        {%- endfor %} as traits
    from traits_ranked
    group by segment_key
),

standard_profile as (
    select
        segment_key
        {%- for feature in z_columns %},
        max(case when feature = '{{ feature }}' then z_score end) as {{ feature }}_z
        {%- endfor %}
    from traits
    group by segment_key
),

categories_counted as (
    select
        customer_segments.segment_key,
        coalesce(categories.category_name_english, products.category_name, 'unknown') as label,
        count(*) as occurrences
    from customer_segments
    inner join purchases on customer_segments.customer_unique_id = purchases.customer_unique_id
    inner join items on purchases.order_id = items.order_id
    left join products on items.product_id = products.product_id
    left join categories on products.category_name = categories.category_name
    where purchases.purchase_date <= customer_segments.as_of_date
    group by 1, 2
),

states_counted as (
    select
        segment_key,
        coalesce(state, 'unknown') as label,
        count(*) as occurrences
    from customer_segments
    group by 1, 2
),

top_categories as (
    {{ top_three('categories_counted') | indent(4) }}
),

top_states as (
    {{ top_three('states_counted') | indent(4) }}
),

effects as (
    select
        monthly_profiles.segment_key,
        {{ smallest_effects('monthly_profiles.customer_count', 'outcomes') | indent(8) }}
    from monthly_profiles
    inner join outcomes on monthly_profiles.segment_key = outcomes.segment_key
),

final as (
    select
        monthly_profiles.segment_key,
        monthly_profiles.segment_name,
        monthly_profiles.as_of_date,
        monthly_profiles.model_version,
        monthly_profiles.customer_count,
        monthly_profiles.customer_share,
        monthly_profiles.total_spend,
        monthly_profiles.revenue_share,
        monthly_profiles.avg_recency_days,
        monthly_profiles.avg_purchase_day_count,
        monthly_profiles.avg_order_count,
        monthly_profiles.repeat_buyer_share,
        monthly_profiles.avg_total_spend,
        monthly_profiles.avg_review_score,
        monthly_profiles.review_missing_share,
        monthly_profiles.reviewed_customer_count,
        monthly_profiles.reviewed_customer_share,
        monthly_profiles.share_of_reviewed,
        monthly_profiles.review_imputed_share,
        monthly_profiles.late_delivery_share,
        monthly_profiles.avg_segment_probability,
        monthly_profiles.is_dissatisfied,
        monthly_profiles.is_dormant,
        {% for name, expression in quartiles -%}
            spread.p25_{{ name }},
            spread.median_{{ name }},
            spread.p75_{{ name }},
        {% endfor -%}
        spread.avg_max_installments,
        spread.avg_delivery_days,
        {% for feature in z_columns -%}
            standard_profile.{{ feature }}_z,
        {% endfor -%}
        standard_profile.purchase_day_count_z as order_count_z,
        strongest_traits.strongest_trait,
        strongest_traits.strongest_trait_z_score,
        strongest_traits.strongest_trait_z_score as strongest_trait_z,
        strongest_traits.traits,
        top_categories.top_three as top_categories,
        top_states.top_three as top_states,
        outcomes.as_of_date as outcome_from,
        {%- for column in ['ordered_again_share', 'next_spend_per_customer'] %}
        case when outcomes.customer_count >= {{ checked_var('few_customers') }} then outcomes.{{ column }} end
            as {{ column }},
        {%- endfor %}
        cast({{ checked_var('holdout_share') }} as double) as holdout_share,
        effects.smallest_detectable_share,
        effects.smallest_detectable_spend_difference,
        effects.smallest_detectable_share <= 2 * outcomes.ordered_again_share as is_doubling_detectable,
        archetypes.meaning,
        archetypes.recommended_action,
        archetypes.channel,
        archetypes.kpi,
        archetypes.stop_rule
    from spread
    inner join monthly_profiles on spread.segment_key = monthly_profiles.segment_key
    inner join strongest_traits on spread.segment_key = strongest_traits.segment_key
    inner join standard_profile on spread.segment_key = standard_profile.segment_key
    left join top_categories on spread.segment_key = top_categories.segment_key
    left join top_states on spread.segment_key = top_states.segment_key
    left join outcomes on spread.segment_key = outcomes.segment_key
    left join effects on spread.segment_key = effects.segment_key
    -- A segment that kept its key but not its name has no playbook until somebody writes one.
    left join archetypes
        on
            spread.segment_key = archetypes.segment_key
            and spread.segment_name = archetypes.segment_name
)

select * from final
order by segment_key
