{#-
  The files of a folder that have a name, as paths that the engine reads: a list of one or none.

  Arguments:
    folder: the folder; on Spark any location that the cluster reads.
    name: path of the file within it.
-#}
{% macro find_files(folder, name) %}
    {% do return(adapter.dispatch("find_files")(folder, name)) %}
{% endmacro %}

{% macro duckdb__find_files(folder, name) %}
    {% set query = "select file from glob(" ~ sql_text(folder ~ "/" ~ name) ~ ")" %}
    {% do return(run_query(query).columns[0].values() | list) %}
{% endmacro %}

{% macro spark__find_files(folder, name) %}
    {% do return(adapter.find_files(folder ~ "/" ~ name)) %}
{% endmacro %}
