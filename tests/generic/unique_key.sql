{#-
  Fails with every row whose key another row has, and with every row whose key is null in one of its columns.

  Arguments:
    columns: list of the columns that together are the key.
    additional_select_columns: list of further columns to show in a failure.
-#}
{% test unique_key(model, columns, additional_select_columns=[]) %}
select
    {% for column in columns + additional_select_columns -%}
    {{ column }},
    {% endfor -%}
    rows_a_key
from (
    select
        *,
        count(*) over (partition by {{ columns | join(", ") }}) as rows_a_key
    from {{ model }}
) as counted
where
    rows_a_key > 1
    {%- for column in columns %}
    or {{ column }} is null
    {%- endfor %}
{% endtest %}
