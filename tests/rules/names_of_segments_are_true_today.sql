-- A name that has ceased to be true asks for a refit.
{{ config(severity='warn') }}
{%- set archetype_columns = adapter.get_columns_in_relation(ref('segment_archetypes')) | map(attribute='name') | list %}
{%- set features = feature_names() | select('in', archetype_columns) | list %}
with

traits as (
    select * from {{ ref('segment_traits') }}
),

archetypes as (
    select * from {{ ref('segment_archetypes') }}
)

{% for feature in features %}
    {{ "union all" if not loop.first }}
    select
        traits.segment_name,
        traits.feature,
        traits.z_score as distance_from_mean,
        archetypes.{{ feature }} as promised
    from traits
    inner join archetypes
        on
            traits.segment_key = archetypes.segment_key
            and traits.segment_name = archetypes.segment_name
    where traits.feature = '{{ feature }}' and archetypes.{{ feature }} * traits.z_score < 0
{% endfor %}
