{#-
  One row per key: of the rows that share a key, the first in the order of all given columns, so that the same rows
  always give the same survivor.

  Arguments:
    relation: a CTE or relation.
    key: list of the key's columns.
    columns: list of the other columns, which break ties.
-#}
{% macro deduplicate(relation, key, columns) %}
    select {{ (key + columns) | join(", ") }}
    from (
        select
            {{ (key + columns) | join(", ") }},
            row_number() over (
                partition by {{ key | join(", ") }}
                order by
                    {%- for column in columns or key %}
                    {{ column }} nulls last{{ "," if not loop.last }}
                    {%- endfor %}
            ) as duplicate_number
        from {{ relation }}
    ) as numbered
    where duplicate_number = 1
{% endmacro %}
