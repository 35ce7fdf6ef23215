{{
    config(
        materialized='by_date',
        meta={'inputs': {
            'of_date': ['past_customers'],
            'of_all': ['fit_segment_past_models'],
            'dates': 'outcome_dates',
            'change_together': true,
        }}
    )
}}

{%- set features = feature_names() | sort -%}
with

past_customers as (
    select * from {{ ref('past_customers') }}
),

-- The macro tells models apart by their version: here by their date.
past_models as (
    select
        past_models.*,
        cast(past_models.as_of_date as date) as model_version
    from {{ ref('fit_segment_past_models') }} as past_models
),

past_model_segments as (
    select distinct
        model_version,
        segment_number,
        bias
    from past_models
),

-- Of those who are alike, a feature that the models use has one value; one that they do not weighs nothing.
likenesses as (
    select
        likeness_number,
        min(as_of_date) as first_as_of_date
        {%- for feature in features %},
        max({{ feature }}) as {{ feature }}
        {%- endfor %}
    from past_customers
    group by likeness_number
),

past_model_dates as (
    select distinct model_version
    from past_models
),

likenesses_to_score as (
    select
        likenesses.*,
        past_model_dates.model_version
    from likenesses
    inner join past_model_dates on likenesses.first_as_of_date <= past_model_dates.model_version
),

scored as (
    {{ score_segments(
        'likenesses_to_score', 'past_models', 'past_model_segments', ['likeness_number'], 'fit_segment_past_models'
    ) | indent(4) }}
),

final as (
    select
        model_version as as_of_date,
        likeness_number,
        segment_number
    from scored
)

select * from final
order by as_of_date, likeness_number
