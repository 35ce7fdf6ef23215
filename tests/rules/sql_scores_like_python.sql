-- Everybody whose features are as Python saw them at the fit has in SQL the segment that Python gave.
{%- set features = feature_names() | sort %}
with

python_labels as (
    select * from {{ ref('fit_segment_labels') }}
),

features as (
    select * from {{ ref('customer_features_monthly') }}
),

segment_model as (
    select * from {{ ref('segment_model') }}
),

segments as (
    select * from {{ ref('segments') }}
),

customers_to_score as (
    select
        features.*,
        python_labels.model_version,
        python_labels.segment_number as python_segment_number
    from features
    inner join python_labels
        on
            features.customer_unique_id = python_labels.customer_unique_id
            and features.as_of_date = cast(python_labels.as_of_date as date)
    where
        {% for feature in features -%}
            cast(features.{{ feature }} as double) is not distinct from cast(python_labels.{{ feature }} as double)
            {{ "and" if not loop.last }}
        {% endfor %}
),

scored as (
    {{ score_segments('customers_to_score', 'segment_model', 'segments') | indent(4) }}
)

select
    customers_to_score.customer_unique_id,
    customers_to_score.model_version,
    customers_to_score.python_segment_number,
    scored.segment_number as sql_segment_number
from customers_to_score
left join scored
    on
        customers_to_score.customer_unique_id = scored.customer_unique_id
        and customers_to_score.model_version = scored.model_version
where customers_to_score.python_segment_number is distinct from scored.segment_number
