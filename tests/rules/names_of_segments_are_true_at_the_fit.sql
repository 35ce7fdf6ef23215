-- What an archetype promises of its segment (dissatisfied, big spenders, recent …) holds for the members at the fit:
-- for their mean, and for most of them.
{%- set archetype_columns = adapter.get_columns_in_relation(ref('segment_archetypes')) | map(attribute='name') | list %}
{%- set features = feature_names() | select('in', archetype_columns) | sort %}
with

labelled as (
    select * from {{ ref('fit_segment_labels') }}
),

named as (
    select * from {{ ref('segments') }}
),

everybody as (
    select
        model_version
        {%- for feature in features %},
        avg({{ feature }}) as {{ feature }}
        {%- endfor %}
    from labelled
    group by model_version
),

segment_means as (
    select
        labelled.model_version,
        labelled.segment_key
        {%- for feature in features %},
        avg(labelled.{{ feature }}) as {{ feature }},
        count(case when labelled.{{ feature }} > everybody.{{ feature }} then 1 end)
        / nullif(cast(count(labelled.{{ feature }}) as double), 0) as {{ feature }}__share_above,
        count(case when labelled.{{ feature }} < everybody.{{ feature }} then 1 end)
        / nullif(cast(count(labelled.{{ feature }}) as double), 0) as {{ feature }}__share_below
        {%- endfor %}
    from labelled
    inner join everybody on labelled.model_version = everybody.model_version
    group by labelled.model_version, labelled.segment_key
),

means as (
    {% for feature in features %}
        {{ "union all" if not loop.first }}
        select
            segment_means.model_version,
            segment_means.segment_key,
            '{{ feature }}' as feature,
            segment_means.{{ feature }} as segment_mean,
            everybody.{{ feature }} as overall_mean,
            segment_means.{{ feature }}__share_above as share_above,
            segment_means.{{ feature }}__share_below as share_below
        from segment_means
        inner join everybody on segment_means.model_version = everybody.model_version
    {% endfor %}
),

promises as (
    {% for feature in features %}
        {{ "union all" if not loop.first }}
        select
            segment_key,
            segment_name,
            '{{ feature }}' as feature,
            {{ feature }} as promised
        from {{ ref('segment_archetypes') }}
        where coalesce({{ feature }}, 0) <> 0
    {% endfor %}
)

select
    named.model_version,
    named.segment_name,
    promises.feature,
    promises.promised,
    means.segment_mean,
    means.overall_mean,
    means.share_above,
    means.share_below
from named
inner join promises
    on
        named.segment_key = promises.segment_key
        and named.segment_name = promises.segment_name
inner join means
    on
        named.model_version = means.model_version
        and named.segment_key = means.segment_key
        and promises.feature = means.feature
where
    (means.segment_mean - means.overall_mean) * promises.promised <= 0
    or case when promises.promised > 0 then means.share_above else means.share_below end <= 0.5
