{{
    config(
        materialized='by_date',
        meta={'inputs': {
            'of_date': ['customer_features_monthly', 'rfm_bins'],
            'of_all': ['rfm_segment_rules'],
        }}
    )
}}

with

features as (
    select * from {{ ref('customer_features_monthly') }}
    where as_of_date >= {{ first_date() }}
),

score_bins as (
    select * from {{ ref('rfm_bins') }}
),

segment_rules as (
    select * from {{ ref('rfm_segment_rules') }}
),

scored as (
    select
        features.customer_unique_id,
        features.as_of_date,
        features.is_newest,
        recency.score as recency_score,
        frequency.score as frequency_score,
        monetary.score as monetary_score
    from features
    {% for dimension, bins in [
        ('recency_days', 'recency'), ('purchase_day_count', 'frequency'), ('total_spend', 'monetary'),
    ] %}
        inner join score_bins as {{ bins }}
            on
                {{ bins }}.dimension = '{{ dimension }}'
                and features.as_of_date = {{ bins }}.as_of_date
                and features.{{ dimension }} >= {{ bins }}.lower_bound
                and (features.{{ dimension }} < {{ bins }}.upper_bound or {{ bins }}.upper_bound is null)
    {% endfor %}
),

score_combinations as (
    select distinct
        recency_score,
        frequency_score,
        monetary_score
    from scored
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
