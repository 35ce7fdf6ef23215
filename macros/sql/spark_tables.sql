{#- What dbt-spark does for every table and Parquet does not need. -#}

{#- To sort a whole table Spark runs the query twice, once to find where its parts begin; no reader needs the order. -#}
{% macro spark__create_table_as(temporary, relation, compiled_code, language="sql") %}
    {%- set last = "\nselect * from final" -%}
    {%- if language == "sql" and last ~ "\norder by" in compiled_code -%}
        {%- set compiled_code = compiled_code.rpartition(last ~ "\norder by")[0] ~ last -%}
    {%- endif -%}
    {{- dbt.spark__create_table_as(temporary, relation, compiled_code, language) -}}
{% endmacro %}

{#- Views have their comments from the start, and columns of Parquet tables can't be given any. -#}
{% macro spark__persist_docs(relation, model, for_relation, for_columns) %}
{% endmacro %}
