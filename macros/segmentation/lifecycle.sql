{#-
  The boundaries of the stages of life with one row per model version: model_version, active_until_days,
  cooling_until_days, dormant_until_days.

  Arguments:
    lifecycle_boundaries: relation, as the model of this name.
-#}
{% macro lifecycle_boundary_days(lifecycle_boundaries) -%}
    select
        model_version
        {%- for stage in ['active', 'cooling', 'dormant'] %},
        max(case when stage_key = '{{ stage }}' then until_days end) as {{ stage }}_until_days
        {%- endfor %}
    from {{ lifecycle_boundaries }}
    group by model_version
{%- endmacro %}

{#-
  The stage of life, 1 to 5: the one home of the rule. A stage holds the days up to and including its boundary.

  Arguments:
    customer: relation with recency_days and purchase_day_count.
    boundary_days: relation as lifecycle_boundary_days makes it.
-#}
{% macro lifecycle_stage_number(customer, boundary_days) -%}
    case
        when {{ customer }}.recency_days > {{ boundary_days }}.dormant_until_days then 5
        when {{ customer }}.recency_days > {{ boundary_days }}.cooling_until_days then 4
        when {{ customer }}.recency_days > {{ boundary_days }}.active_until_days then 3
        when {{ customer }}.purchase_day_count > 1 then 2
        else 1
    end
{%- endmacro %}

{#-
  Kind and stage in the words of people, like "Big spenders, cooling".

  Arguments:
    segment_name, stage_name: SQL expressions, texts.
-#}
{% macro segment_stage_name(segment_name, stage_name) -%}
    {{ segment_name }} || ', ' || lower({{ stage_name }})
{%- endmacro %}

{#-
  Key of a kind and a stage, like "big_spenders:cooling".

  Arguments:
    segment_key, stage_key: SQL expressions, texts.
-#}
{% macro segment_stage_key(segment_key, stage_key) -%}
    {{ segment_key }} || ':' || {{ stage_key }}
{%- endmacro %}
