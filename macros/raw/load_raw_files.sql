{#-
  Loads the nine raw tables, as text, into the schema of the `olist` source, and the tables of the source `input`: from
  the nine files of the export, or by the SQL of the connector that `OLIST_CONNECTOR` names. Python does it
  (`olist_segments.loading`, `olist_segments.connectors`), and ends the run in one sentence, with every table as before,
  when an input is not what `_olist__sources.yml` declares.
  Runs before every `dbt build` and `dbt run`; reads the folder that the environment variable `OLIST_DATA_DIR` names.
-#}
{% macro load_raw_files() %}
    {% if execute and flags.WHICH in ("build", "run") %}
        {% do adapter.load_raw_files(
            env_var("OLIST_CONNECTOR", "") or "olist",
            env_var("OLIST_DATA_DIR", "") or "data/sample",
            graph.sources.values() | selectattr("source_name", "equalto", "olist") | list,
            var("invalid_order_statuses"),
            exceptions.warn,
        ) %}
    {% endif %}
{% endmacro %}
