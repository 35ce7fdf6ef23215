{{
    config(
        materialized='by_date',
        meta={'inputs': {
            'of_date': [
                'customer_features_monthly', 'rfm_segments_monthly',
                'as_of_date_digests.orders_digest', 'outcome_dates.outcome_until',
            ],
            'of_all': ['fit_segment_past_models'],
            'known_otherwise': ['next_purchases'],
            'dates': 'outcome_dates',
            'change_together': true,
        }}
    )
}}

{%- set features = feature_names() | sort %}

-- depends_on: {{ ref('as_of_date_digests') }}

with

features as (
    select * from {{ ref('customer_features_monthly') }}
),

outcome_dates as (
    select * from {{ ref('outcome_dates') }}
),

next_purchases as (
    select * from {{ ref('next_purchases') }}
),

rfm_segments as (
    select * from {{ ref('rfm_segments_monthly') }}
),

past_models as (
    select * from {{ ref('fit_segment_past_models') }}
),

-- One row: which features the models use.
features_used as (
    select
        {%- for feature in features %}
        coalesce(max(case when feature = '{{ feature }}' then 1 end), 0) as uses_{{ feature }}{{ "," if not loop.last }}
        {%- endfor %}
    from past_models
),

-- Customers who are the same to every model are scored once.
-- Read from the table again: a CTE that is read twice is kept whole.
kinds_of_customers as (
    select distinct
        {%- for feature in features %}
        case when features_used.uses_{{ feature }} = 1 then features.{{ feature }} end as {{ feature }}
        {{- "," if not loop.last }}
        {%- endfor %}
    from {{ ref('customer_features_monthly') }} as features
    inner join outcome_dates on features.as_of_date = outcome_dates.as_of_date
    cross join features_used
),

likenesses as (
    select
        *,
        row_number() over (order by {{ features | join(' nulls last, ') }} nulls last) as likeness_number
    from kinds_of_customers
),

final as (
    select
        features.customer_unique_id,
        features.as_of_date,
        {%- for feature in features %}
        features.{{ feature }},
        {%- endfor %}
        {%- for column in ['recency_days', 'purchase_day_count'] if column not in features %}
        features.{{ column }},
        {%- endfor %}
        rfm_segments.rfm_segment_key,
        next_purchases.customer_unique_id is not null as has_ordered_again,
        cast(coalesce(next_purchases.next_spend, 0) as decimal(18, 2)) as next_spend,
        cast(likenesses.likeness_number as integer) as likeness_number
    from features
    inner join outcome_dates on features.as_of_date = outcome_dates.as_of_date
    cross join features_used
    inner join likenesses
        on
            {%- for feature in features %}
            {{ "and " if not loop.first -}}
            case when features_used.uses_{{ feature }} = 1 then features.{{ feature }} end
            is not distinct from likenesses.{{ feature }}
            {%- endfor %}
    left join rfm_segments
        on
            features.customer_unique_id = rfm_segments.customer_unique_id
            and features.as_of_date = rfm_segments.as_of_date
    left join next_purchases
        on
            features.customer_unique_id = next_purchases.customer_unique_id
            and features.as_of_date = next_purchases.as_of_date
)

select * from final
order by as_of_date, customer_unique_id
