{#- What dbt-spark does for every table and Parquet does not need. -#}

{#- A table by date has a partition for every date. -#}
{% macro spark__create_table_as(temporary, relation, compiled_code, language="sql") %}
    {%- if language == "sql" -%}
        {%- set compiled_code = without_last_order(compiled_code) -%}
    {%- endif -%}
    {{- dbt.spark__create_table_as(temporary, relation, compiled_code, language) -}}
{% endmacro %}

{#-
  A query without the order of its rows: to sort a whole table Spark runs the query twice, once to find where its parts
  begin; no reader needs the order.

  Arguments:
    query: the SQL of a model.
-#}
{% macro without_last_order(query) %}
    {%- set last = "\nselect * from final" -%}
    {%- do return(query.rpartition(last ~ "\norder by")[0] ~ last if last ~ "\norder by" in query else query) -%}
{% endmacro %}

{% macro spark__partition_cols(label, required=false) %}
    {%- if model.config.materialized == "by_date" -%}
        {{ label }} (as_of_date)
    {%- else -%}
        {{- dbt.spark__partition_cols(label, required) -}}
    {%- endif -%}
{% endmacro %}

{#- Views have their comments from the start, and columns of Parquet tables can't be given any. -#}
{% macro spark__persist_docs(relation, model, for_relation, for_columns) %}
{% endmacro %}
