{#-
  A comma-separated list of SQL text literals, for `in (…)`.

  Arguments:
    values: a list of texts; must not be empty.
-#}
{% macro sql_text_list(values) -%}
    {%- set literals = [] -%}
    {%- for value in values -%}{%- do literals.append(sql_text(value)) -%}{%- endfor -%}
    {%- do return(literals | join(", ")) -%}
{%- endmacro %}
