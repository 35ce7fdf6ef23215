{#-
  Drops the tables that dbt-duckdb makes for the new rows of an incremental Python model and does not drop itself.

  Arguments:
    relation: the model's relation.
-#}
{% macro drop_temporary_tables(relation) %}
    {% if execute %}
        {{ return(adapter.dispatch("drop_temporary_tables")(relation)) }}
    {% endif %}
{% endmacro %}

{% macro duckdb__drop_temporary_tables(relation) %}
    {% set query %}
        select table_name from duckdb_tables()
        where
            schema_name = {{ sql_text(relation.schema) }}
            and starts_with(table_name, {{ sql_text(relation.identifier ~ "__dbt_tmp") }})
    {% endset %}
    {% for name in run_query(query).columns[0].values() %}
        {% do run_query("drop table " ~ relation.schema ~ "." ~ name) %}
    {% endfor %}
{% endmacro %}

{% macro spark__drop_temporary_tables(relation) %}
    {#- dbt-spark drops its own. -#}
{% endmacro %}
