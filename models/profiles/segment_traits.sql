{%- set every_feature = feature_registry() -%}
{%- set registry = {} -%}
{%- for feature in described_features() -%}
{%- do registry.update({feature: every_feature[feature]}) -%}
{%- endfor -%}
{%- set scaled = {} -%}
{%- for feature, entry in registry.items() -%}
{%- do scaled.update({
    feature: transform_formulas('cast(' ~ feature ~ ' as double)')[entry.profile_transform]
}) -%}
{%- endfor -%}
with

members as (
    select * from {{ ref('segment_months') }}
    where is_newest
),

shop as (
    select * from {{ ref('shop') }}
),

-- Sums of rounded decimals: a sum of doubles would depend on the order of its terms.
segment_sums as (
    select
        segment_key,
        segment_name,
        as_of_date,
        model_version
        {%- for feature, expression in scaled.items() %},
        count({{ feature }}) as {{ feature }}__n,
        coalesce(sum(cast({{ expression }} as decimal(28, 6))), 0) as {{ feature }}__sum,
        coalesce(sum(cast(({{ expression }}) * ({{ expression }}) as decimal(28, 6))), 0) as {{ feature }}__squares
        {%- endfor %}
    from members
    group by 1, 2, 3, 4
),

everybody as (
    select
        {% for feature in registry -%}
            cast(sum({{ feature }}__sum) as double) / nullif(sum({{ feature }}__n), 0) as {{ feature }}__mean,
            sqrt(
                greatest(
                    cast(sum({{ feature }}__squares) as double) / nullif(sum({{ feature }}__n), 0)
                    - power(cast(sum({{ feature }}__sum) as double) / nullif(sum({{ feature }}__n), 0), 2), 0
                )
            ) as {{ feature }}__spread{{ "," if not loop.last }}
        {% endfor %}
    from segment_sums
),

traits as (
    {% for feature, entry in registry.items() %}
        {{ "union all" if not loop.first }}
        select
            segment_sums.segment_key,
            segment_sums.segment_name,
            segment_sums.as_of_date,
            segment_sums.model_version,
            {{ loop.index }} as trait_number,
            '{{ feature }}' as feature,
            {{ sql_text(entry.label) }} as trait,
            {% if entry.unit == 'currency' -%}
                shop.currency as unit,
            {%- else -%}
                {{ sql_text(entry.unit) if entry.unit else 'cast(null as ' ~ dbt.type_string() ~ ')' }} as unit,
            {%- endif %}
            {{ sql_text(entry.better) if entry.better else 'cast(null as ' ~ dbt.type_string() ~ ')' }} as better_side,
            cast(segment_sums.{{ feature }}__sum as double) / nullif(segment_sums.{{ feature }}__n, 0) as segment_mean,
            everybody.{{ feature }}__mean as customer_mean,
            everybody.{{ feature }}__spread as customer_spread
        from segment_sums
        cross join everybody
        cross join shop
    {% endfor %}
),

final as (
    select
        segment_key,
        segment_name,
        as_of_date,
        model_version,
        trait_number,
        feature,
        trait,
        unit,
        better_side,
        segment_mean,
        customer_mean,
        coalesce((segment_mean - customer_mean) / nullif(customer_spread, 0), 0) as z_score,
        coalesce((segment_mean - customer_mean) / nullif(customer_spread, 0), 0) as gap
    from traits
    -- Nothing is said of a feature that nobody has a value of.
    where customer_mean is not null
)

select * from final
order by segment_key, trait_number
