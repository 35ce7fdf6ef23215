{#-
  A comma-separated list of SQL text literals, for `in (…)`.

  Arguments:
    values: a list of texts; an empty one gives null, which `in` never matches.
-#}
{% macro sql_text_list(values) -%}
    {%- set literals = [] -%}
    {%- for value in values -%}{%- do literals.append(sql_text(value)) -%}{%- endfor -%}
    {%- do return(literals | join(", ") or "null") -%}
{%- endmacro %}
