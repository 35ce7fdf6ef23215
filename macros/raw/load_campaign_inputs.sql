{#-
  What campaigns read beside the nine files (`olist_segments.campaigns.inputs`): the campaign log in the folder that the
  environment variable `OLIST_CAMPAIGN_DIR` names, and suppressed_customers.csv in that of `OLIST_DATA_DIR`. Where a
  file or folder is missing the tables are empty.

  Read and refused before the raw files are loaded, so that a refusal changes nothing.
-#}
{% macro read_campaign_inputs() %}
    {% if execute and flags.WHICH in ("build", "run") %}
        {% do adapter.read_campaign_inputs(env_var("OLIST_DATA_DIR", "") or "data/sample") %}
    {% endif %}
{% endmacro %}

{#- Loaded afterwards, because people whom the files no longer hold lose their ids on the way. -#}
{% macro load_campaign_inputs() %}
    {% if execute and flags.WHICH in ("build", "run") %}
        {% set customers = graph.sources["source." ~ project_name ~ ".olist.olist_customers_dataset"] %}
        {% do adapter.load_campaign_inputs(customers.schema, customers.schema ~ "." ~ customers.name) %}
    {% endif %}
{% endmacro %}
