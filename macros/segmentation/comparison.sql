{#-
  Key of a segment of a model that was fitted at a past date, or of such a segment and a stage of life: its number,
  which means another segment on another date.

  Arguments:
    segment_number, stage_number: SQL expressions, whole numbers; the stage may be left out.
-#}
{% macro past_segment_key(segment_number, stage_number=none) -%}
    cast({{ segment_number }} as {{ dbt.type_string() }})
    {%- if stage_number %} || ':' || cast({{ stage_number }} as {{ dbt.type_string() }}){% endif %}
{%- endmacro %}

{#-
  Where everybody stood on each past date: the segment of the model fitted at it (null where none could be), and the
  stage of life by its boundaries.

  Arguments:
    past_customers, past_segments, boundaries: relations, as the models past_customers, past_segments and
      past_lifecycle_boundaries.

  Returns: the columns of past_customers, segment_number, stage_number.
-#}
{% macro past_places(past_customers, past_segments, boundaries) -%}
    select
        {{ past_customers }}.*,
        {{ past_segments }}.segment_number,
        {{ lifecycle_stage_number(past_customers, boundaries) | indent(8) }} as stage_number
    from {{ past_customers }}
    inner join {{ boundaries }} on {{ past_customers }}.as_of_date = {{ boundaries }}.as_of_date
    left join {{ past_segments }}
        on
            {{ past_customers }}.as_of_date = {{ past_segments }}.as_of_date
            and {{ past_customers }}.likeness_number = {{ past_segments }}.likeness_number
{%- endmacro %}

{#-
  The segmentations that segmentation_comparison compares by their segments: every group of past_outcomes with its
  segment in each.

  Arguments:
    past_outcomes: relation, as the model of this name.

  Returns: segmentation, segment_key (null where no model could be fitted), the columns of past_outcomes.
-#}
{% macro past_memberships(past_outcomes) -%}
    {%- set keys = {
        'clusters': past_segment_key('segment_number'),
        'clusters_by_stage': past_segment_key('segment_number', 'stage_number'),
        'rfm': 'rfm_segment_key',
    } -%}
    {%- for segmentation, segment_key in keys.items() -%}
    {{ "union all" if not loop.first }}
    select
        '{{ segmentation }}' as segmentation,
        {{ segment_key }} as segment_key,
        {{ past_outcomes }}.*
    from {{ past_outcomes }}
    {% endfor -%}
{%- endmacro %}

{#-
  The variance of a mean of placement values (DeLong, DeLong & Clarke-Pearson 1988), null with fewer than two of them.

  Arguments:
    number: SQL expression, how many values there are, a double.
    total, squares: SQL expressions, their sum and the sum of their squares.
-#}
{% macro variance_of_mean(number, total, squares) -%}
    greatest(cast({{ squares }} as double) - cast({{ total }} as double) * {{ total }} / nullif({{ number }}, 0), 0)
    / (nullif({{ number }} - 1, 0) * {{ number }})
{%- endmacro %}

{#-
  What an interval of a difference says: better, worse, no difference, or unknown where there is no interval.

  Arguments:
    low, high: SQL expressions, its ends.
    name: what the difference is to.
-#}
{% macro difference_status(low, high, name) -%}
    case
        when {{ low }} is null then 'unknown'
        when {{ low }} > 0 then 'better than {{ name }}'
        when {{ high }} < 0 then 'worse than {{ name }}'
        else 'no difference'
    end
{%- endmacro %}
