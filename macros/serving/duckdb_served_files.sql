{#- Reading the serving folder on DuckDB: the leaves of take_back_versions. -#}

{% macro duckdb__served_file_exists(folder, file) %}
    {% do return(find_files(folder, file) | length > 0) %}
{% endmacro %}

{% macro duckdb__served_rows(folder, file) %}
    {% do return(adapter.parquet_rows(folder ~ "/" ~ file)) %}
{% endmacro %}

{% macro duckdb__served_text(folder, file) %}
    {% do return("select content from read_text(" ~ adapter.sql_path(folder ~ "/" ~ file) ~ ")") %}
{% endmacro %}

{% macro duckdb__served_sha256(folder, file) %}
    {% do return("select sha256(content) from read_blob(" ~ adapter.sql_path(folder ~ "/" ~ file) ~ ")") %}
{% endmacro %}

{#- All tables or none. -#}
{% macro duckdb__make_tables(statements) %}
    {% do run_query("begin transaction; " ~ statements.values() | join("; ") ~ "; commit;") %}
{% endmacro %}
