{{
    config(
        materialized='by_date',
        meta={'inputs': {
            'of_date': ['customer_features_monthly', 'rfm_bins'],
            'of_all': ['rfm_segment_rules'],
        }}
    )
}}

{%- set dimensions = {
    'recency': 'recency_days', 'frequency': 'purchase_day_count', 'monetary': 'total_spend',
} -%}
{%- set scores = range(1, 6) | list -%}
with

features as (
    select * from {{ ref('customer_features_monthly') }}
    where as_of_date >= {{ first_date() }}
),

score_bins as (
    select * from {{ ref('rfm_bins') }}
    where as_of_date >= {{ first_date() }}
),

segment_rules as (
    select * from {{ ref('rfm_segment_rules') }}
),

possible_scores as (
    {%- for score in scores %}
    {{ "union all " if not loop.first }}select {{ score }} as score
    {%- endfor %}
),

-- One row a date, so that customers are placed without a join for each dimension; doubles, as Spark
-- compares decimals slowly.
bins_of_dates as (
    select
        as_of_date
        {%- for dimension in dimensions.values() %}
        {%- for score in scores %}
        {%- for bound in ['lower_bound', 'upper_bound'] %},
        cast(max(case when dimension = '{{ dimension }}' and score = {{ score }} then {{ bound }} end) as double)
            as {{ dimension }}__{{ bound }}_{{ score }}
        {%- endfor %}
        {%- endfor %}
        {%- endfor %}
    from score_bins
    group by as_of_date
),

scored as (
    select
        features.customer_unique_id,
        features.as_of_date,
        features.is_newest
        {%- for name, dimension in dimensions.items() %},
        case
            {%- for score in scores %}
            {%- set upper_bound = 'bins.' ~ dimension ~ '__upper_bound_' ~ score %}
            when
                cast(features.{{ dimension }} as double) >= bins.{{ dimension }}__lower_bound_{{ score }}
                and (cast(features.{{ dimension }} as double) < {{ upper_bound }} or {{ upper_bound }} is null)
                then {{ score }}
            {%- endfor %}
        end as {{ name }}_score
        {%- endfor %}
    from features
    inner join bins_of_dates as bins on features.as_of_date = bins.as_of_date
),

score_combinations as (
    select
        recency.score as recency_score,
        frequency.score as frequency_score,
        monetary.score as monetary_score
    from possible_scores as recency
    cross join possible_scores as frequency
    cross join possible_scores as monetary
),

rules_that_fit as (
    select
        score_combinations.*,
        segment_rules.rfm_segment_key,
        segment_rules.rfm_segment_name,
        row_number() over (
            partition by
                score_combinations.recency_score,
                score_combinations.frequency_score,
                score_combinations.monetary_score
            order by segment_rules.rule_number nulls last
        ) as fit_rank
    from score_combinations
    inner join segment_rules
        on
            score_combinations.recency_score
            between segment_rules.min_recency_score and segment_rules.max_recency_score
            and score_combinations.frequency_score
            between segment_rules.min_frequency_score and segment_rules.max_frequency_score
            and score_combinations.monetary_score
            between segment_rules.min_monetary_score and segment_rules.max_monetary_score
),

final as (
    select
        scored.customer_unique_id,
        scored.as_of_date,
        scored.is_newest,
        cast(scored.recency_score as integer) as recency_score,
        cast(scored.frequency_score as integer) as frequency_score,
        cast(scored.monetary_score as integer) as monetary_score,
        rules_that_fit.rfm_segment_key,
        rules_that_fit.rfm_segment_name
    from scored
    inner join rules_that_fit
        on
            scored.recency_score = rules_that_fit.recency_score
            and scored.frequency_score = rules_that_fit.frequency_score
            and scored.monetary_score = rules_that_fit.monetary_score
            and rules_that_fit.fit_rank = 1
)

select * from final
order by as_of_date, customer_unique_id
