{#-
  Vars, whose values become SQL, are checked in Python (`olist_segments.settings`), which ends the run in one sentence.
  This runs first in every command that builds or tests, before anything is read or written.
-#}
{% macro check_variables() %}
    {% set columns = [] %}
    {% for model in ["customer_features_monthly", "forecast_features"] %}
        {% do columns.append(graph.nodes["model." ~ project_name ~ "." ~ model].columns if execute else none) %}
    {% endfor %}
    {% do adapter.check_settings(var, columns[0], columns[1]) %}
{% endmacro %}

{#- The value of a var, for SQL that is put together while dbt reads the project, before any hook runs. -#}
{% macro checked_var(name) %}
    {% do return(adapter.check_setting(name, var(name))) %}
{% endmacro %}
