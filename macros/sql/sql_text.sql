{#-
  A SQL text literal.

  Arguments:
    value: any text; single quotes in it are doubled.
-#}
{% macro sql_text(value) -%}
    {%- do return(adapter.dispatch("sql_text")(value)) -%}
{%- endmacro %}

{% macro duckdb__sql_text(value) -%}
    {%- do return("'" ~ (value | string).replace("'", "''") ~ "'") -%}
{%- endmacro %}

{#- Spark reads a backslash as the beginning of an escape. -#}
{% macro spark__sql_text(value) -%}
    {%- do return("'" ~ (value | string).replace("\\", "\\\\").replace("'", "\\'") ~ "'") -%}
{%- endmacro %}
