{#-
  Vars, whose values become SQL, are checked in Python (`olist_segments.settings`), which ends the run in one sentence.
  This runs first in every command that builds or tests, before anything is read or written.
-#}
{% macro check_variables() %}
    {% set features = "model." ~ project_name ~ ".customer_features_monthly" %}
    {% do adapter.check_settings(var, graph.nodes[features].columns if execute else none) %}
{% endmacro %}

{#- The value of a var, for SQL that is put together while dbt reads the project, before any hook runs. -#}
{% macro checked_var(name) %}
    {% do adapter.check_setting(name, var(name)) %}
    {% do return(var(name)) %}
{% endmacro %}
