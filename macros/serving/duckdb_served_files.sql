{#- Reading the serving folder on DuckDB: the leaves of take_back_versions. -#}

{% macro duckdb__served_file_exists(folder, file) %}
    {% do return(run_query("select * from glob(" ~ served_path(folder, file) ~ ")").rows | length > 0) %}
{% endmacro %}

{% macro duckdb__served_rows(folder, file) %}
    {% do return("read_parquet(" ~ served_path(folder, file) ~ ")") %}
{% endmacro %}

{% macro duckdb__served_text(folder, file) %}
    {% do return("select content from read_text(" ~ served_path(folder, file) ~ ")") %}
{% endmacro %}

{% macro duckdb__served_sha256(folder, file) %}
    {% do return("select sha256(content) from read_blob(" ~ served_path(folder, file) ~ ")") %}
{% endmacro %}

{#- All tables or none. -#}
{% macro duckdb__make_tables(statements) %}
    {% do run_query("begin transaction; " ~ statements.values() | join("; ") ~ "; commit;") %}
{% endmacro %}

{#-
  A file of the serving folder as a SQL text literal that DuckDB reads as a path and not as a pattern.

  Arguments:
    folder: the serving folder.
    file: path of the file within it.
-#}
{% macro served_path(folder, file) %}
    {% set path = folder ~ "/" ~ file %}
    {% do return(sql_text(path.replace("[", "[[]").replace("*", "[*]").replace("?", "[?]"))) %}
{% endmacro %}
