{#-
  Fails with every row whose value lies outside the bounds, both of which are allowed values. NaN lies outside. Nulls
  pass: `never_null` is the test against them.

  Arguments:
    column_name: the column, a number (given by dbt when the test stands under a column).
    min_value, max_value: the bounds; leave one out to have none on that side.
    additional_select_columns: list of further columns to show in a failure.
-#}
{% test in_range(model, column_name, min_value=none, max_value=none, additional_select_columns=[]) %}
select {{ ([column_name] + additional_select_columns) | join(", ") }}
from {{ model }}
where
    cast({{ column_name }} as double) = cast('NaN' as double)
    {%- if min_value is not none %}
    or {{ column_name }} < {{ min_value }}
    {%- endif %}
    {%- if max_value is not none %}
    or {{ column_name }} > {{ max_value }}
    {%- endif %}
{% endtest %}
