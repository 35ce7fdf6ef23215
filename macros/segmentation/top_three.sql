{#-
  The three most frequent labels of each segment as one text, like "SP 42 %, RJ 13 %, MG 12 %".

  Arguments:
    counts: relation with segment_key, label, occurrences; one row per segment and label.

  Returns: segment_key, top_three.
-#}
{% macro top_three(counts) %}
select
    segment_key,
    {% for place in [1, 2, 3] -%}
        {{ "|| " if not loop.first }}coalesce(
            max(
                case
                    when place = {{ place }}
                        then {{ "', ' || " if not loop.first }}label || ' '
                        || cast(cast(round(100.0 * occurrences / segment_total) as integer) as {{ dbt.type_string() }})
                        || ' %'
                end
            ), ''
        )
    {% endfor -%}
    as top_three
from (
    select
        segment_key,
        label,
        occurrences,
        sum(occurrences) over (partition by segment_key) as segment_total,
        row_number() over (partition by segment_key order by occurrences desc nulls last, label nulls last) as place
    from {{ counts }}
) as placed
where place <= 3
group by segment_key
{% endmacro %}
