{#-
  Fails with every row that one relation has and the other lacks; a row that stands twice must stand twice in both. Rows
  are grouped and compared only where the sums of their hashes differ, which equal relations answer in one pass each; in
  a build, on the dates that were not tested yet (dates_to_test).

  Arguments:
    compare_to: the other relation, or a CTE or subquery in parentheses.
    columns: list of the columns to compare, present in both.
-#}
{% test same_rows_as(model, compare_to, columns) %}
{%- set dates = dates_to_test([model, compare_to]) if "as_of_date" in columns else "true" -%}
{%- set digest = "select " ~ rows_digest(columns) -%}
select
    {% for column in columns -%}
    {{ column }},
    {% endfor -%}
    sum(rows_here) as rows_here,
    sum(rows_there) as rows_there
from (
    select
        {% for column in columns -%}
        {{ column }},
        {% endfor -%}
        1 as rows_here,
        0 as rows_there
    from {{ model }}
    where {{ dates }}
    union all
    select
        {% for column in columns -%}
        {{ column }},
        {% endfor -%}
        0 as rows_here,
        1 as rows_there
    from {{ compare_to }} as other_rows
    where {{ dates }}
) as both_sides
where
    ({{ digest }} from {{ model }} where {{ dates }})
    is distinct from ({{ digest }} from {{ compare_to }} as other_rows where {{ dates }})
group by {{ columns | join(", ") }}
having sum(rows_here) <> sum(rows_there)
{% endtest %}
