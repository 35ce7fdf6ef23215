{#- What dbt does around the query of every model, by the adapter: see DuckDBAdapter. -#}

{% macro duckdb__persist_docs(relation, model, for_relation, for_columns) %}
    {%- set description = model.description if for_relation and config.persist_relation_docs() else none -%}
    {%- set columns = model.columns if for_columns and config.persist_column_docs() else {} -%}
    {#- A contract has seen to it that all of them exist. -#}
    {%- if columns and not config.get("contract").enforced -%}
        {%- set existing = adapter.get_columns_in_relation(relation) | map(attribute="name") | list -%}
        {%- set columns = validate_doc_columns(relation, columns, existing) -%}
    {%- endif -%}
    {%- do adapter.comment_on(relation, description or none, columns) -%}
{% endmacro %}

{#- Where a contract is broken dbt's own macro says how. -#}
{% macro duckdb__get_assert_columns_equivalent(sql) %}
    {%- if config.get("sql_header") or not adapter.is_contract_kept(sql, model.columns) -%}
        {{- return(default__get_assert_columns_equivalent(sql)) -}}
    {%- endif -%}
{% endmacro %}
