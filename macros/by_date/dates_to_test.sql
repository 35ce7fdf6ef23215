{#-
  A condition on as_of_date that limits a data test to the dates that were written since the last build that was whole,
  whose tests passed. Outside of `dbt build`, and where none of the tables is by date, it is true of all.

  Arguments:
    tables: names of tables or views, or relations, that the test compares.
    prefix: what stands before as_of_date, such as `features.`.
-#}
{% macro dates_to_test(tables, prefix="") -%}
    {{ return(adapter.dispatch("dates_to_test")(tables, prefix)) }}
{%- endmacro %}

{% macro duckdb__dates_to_test(tables, prefix) -%}
    {%- if not execute or flags.WHICH != "build" -%}
        {%- do return("true") -%}
    {%- endif -%}
    {%- set by_date = [] -%}
    {%- for table in tables -%}
        {%- set name = (table | string).split(".") | last | replace('"', "") -%}
        {%- set read = graph.nodes.get("model." ~ project_name ~ "." ~ name) -%}
        {%- for behind in (tables_behind([name]) if read else []) -%}
            {%- set node = graph.nodes.get("model." ~ project_name ~ "." ~ behind) -%}
            {%- if node and node.config.materialized == "by_date" -%}
                {%- do by_date.append(behind) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if not by_date -%}
        {%- do return("true") -%}
    {%- endif -%}
    {%- do return(
        prefix ~ "as_of_date in (select built.as_of_date from build_log.dates_built as built where not built.is_tested"
        ~ " and built.table_name in (" ~ sql_text_list(by_date | unique | sort) ~ "))"
    ) -%}
{%- endmacro %}

{% macro spark__dates_to_test(tables, prefix) -%}
    {%- do return("true") -%}
{%- endmacro %}
