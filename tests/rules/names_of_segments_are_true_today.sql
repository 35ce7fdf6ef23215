-- A name that has ceased to be true asks for a refit.
{{ config(severity='warn') }}
{%- set traits = {
    'recency_days': 'recency_days_z', 'order_count': 'order_count_z', 'total_spend': 'total_spend_z',
    'avg_review_score': 'avg_review_score_z', 'late_delivery_share': 'late_delivery_share_z',
} %}
{% for feature, column in traits.items() %}
    {{ "union all" if not loop.first }}
    select
        profiles.segment_name,
        '{{ feature }}' as feature,
        profiles.{{ column }} as distance_from_mean,
        archetypes.{{ feature }} as promised
    from {{ ref('segment_profiles') }} as profiles
    inner join {{ ref('segment_archetypes') }} as archetypes
        on
            profiles.segment_key = archetypes.segment_key
            and profiles.segment_name = archetypes.segment_name
    where archetypes.{{ feature }} * profiles.{{ column }} < 0
{% endfor %}
