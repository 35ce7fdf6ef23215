{#-
  Fails with every row that holds a null in one of the columns, once a column.

  Arguments:
    columns: list of the columns that must always have a value.
    additional_select_columns: list of further columns to show in a failure, such as the key.
-#}
{% test never_null(model, columns, additional_select_columns=[]) %}
{% for column in columns -%}
{{ "union all" if not loop.first }}
select
    {% for shown in additional_select_columns -%}
    {{ shown }},
    {% endfor -%}
    {{ sql_text(column) }} as null_column
from {{ model }}
where {{ column }} is null
{% endfor -%}
{% endtest %}
