{#-
  The distinct values of a column as one text in alphabetical order; an aggregate, null without rows.

  Arguments:
    column: a SQL expression, text.
    separator: what stands between two values.
-#}
{% macro listed_text(column, separator=", ") -%}
    {{ return(adapter.dispatch("listed_text")(column, separator)) }}
{%- endmacro %}

{% macro duckdb__listed_text(column, separator) -%}
    {%- do return("string_agg(distinct " ~ column ~ ", " ~ sql_text(separator) ~ " order by " ~ column ~ ")") -%}
{%- endmacro %}

{% macro spark__listed_text(column, separator) -%}
    {%- do return("nullif(array_join(array_sort(collect_set(" ~ column ~ ")), " ~ sql_text(separator) ~ "), '')") -%}
{%- endmacro %}
