{#-
  The distinct values of a column as one text in alphabetical order, separated by ", "; an aggregate, null without rows.

  Arguments:
    column: a SQL expression, text.
-#}
{% macro listed_text(column) -%}
    {{ return(adapter.dispatch("listed_text")(column)) }}
{%- endmacro %}

{% macro duckdb__listed_text(column) -%}
    {%- do return("string_agg(distinct " ~ column ~ ", ', ' order by " ~ column ~ ")") -%}
{%- endmacro %}

{% macro spark__listed_text(column) -%}
    {%- do return("nullif(array_join(array_sort(collect_set(" ~ column ~ ")), ', '), '')") -%}
{%- endmacro %}
