{#-
  A SQL text literal.

  Arguments:
    value: any text; single quotes in it are doubled.
-#}
{% macro sql_text(value) -%}
    {%- do return("'" ~ (value | string).replace("'", "''") ~ "'") -%}
{%- endmacro %}
