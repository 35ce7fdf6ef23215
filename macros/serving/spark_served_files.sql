{#- Reading the serving folder on Spark: the leaves of take_back_versions. -#}

{% macro spark__served_file_exists(folder, file) %}
    {% do return(find_files(folder, file) | length > 0) %}
{% endmacro %}

{% macro spark__served_rows(folder, file) %}
    {% do return("parquet." ~ adapter.quote(folder ~ "/" ~ file)) %}
{% endmacro %}

{% macro spark__served_text(folder, file) %}
    {% do return("select decode(content, 'UTF-8') from binaryFile." ~ adapter.quote(folder ~ "/" ~ file)) %}
{% endmacro %}

{% macro spark__served_sha256(folder, file) %}
    {% do return("select sha2(content, 256) from binaryFile." ~ adapter.quote(folder ~ "/" ~ file)) %}
{% endmacro %}

{#- Without transactions: when one fails, those made before it go again. -#}
{% macro spark__make_tables(statements) %}
    {% for name, statement in statements.items() %}
        {% do run_query(statement) %}
    {% endfor %}
{% endmacro %}
