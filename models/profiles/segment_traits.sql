{%- set traits = [
    ('recency_days', 'recency_days', 'recency'),
    ('order_count', 'order_count', 'frequency'),
    ('total_spend', 'ln(1 + cast(total_spend as double))', 'spend'),
    ('avg_review_score', 'avg_review_score', 'review score'),
    ('late_delivery_share', 'late_delivery_share', 'late deliveries'),
] -%}
with

members as (
    select * from {{ ref('customer_months') }}
    where is_newest
),

-- Sums of rounded decimals: a sum of doubles would depend on the order of its terms.
segment_sums as (
    select
        segment_key,
        segment_name,
        as_of_date,
        model_version
        {%- for feature, expression, words in traits %},
        count({{ expression }}) as {{ feature }}__n,
        coalesce(sum(cast({{ expression }} as decimal(18, 6))), 0) as {{ feature }}__sum,
        coalesce(sum(cast(({{ expression }}) * ({{ expression }}) as decimal(18, 6))), 0) as {{ feature }}__squares
        {%- endfor %}
    from members
    group by 1, 2, 3, 4
),

everybody as (
    select
        {% for feature, expression, words in traits -%}
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
    {% for feature, expression, words in traits %}
        {{ "union all" if not loop.first }}
        select
            segment_sums.segment_key,
            segment_sums.segment_name,
            segment_sums.as_of_date,
            segment_sums.model_version,
            {{ loop.index }} as trait_number,
            '{{ feature }}' as feature,
            '{{ words }}' as trait,
            cast(segment_sums.{{ feature }}__sum as double) / nullif(segment_sums.{{ feature }}__n, 0) as segment_mean,
            everybody.{{ feature }}__mean as customer_mean,
            everybody.{{ feature }}__spread as customer_spread
        from segment_sums
        cross join everybody
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
        segment_mean,
        customer_mean,
        coalesce((segment_mean - customer_mean) / nullif(customer_spread, 0), 0) as gap
    from traits
)

select * from final
order by segment_key, trait_number
