{#-
  A warehouse that starts without model versions takes back those that were published last: before anything is built,
  the three tables that a fit appends to, the boundaries of the stages of life, the refits and the fits of forecasts are
  made from the files in `versions/` of the serving folder, all in one transaction, so that numbers, keys, names and
  stages go on. Does nothing where one of the tables exists already, or where nothing was published. Earlier releases
  published no boundaries, no refits, or no forecasts: these are then computed anew.

  Versions of other customers are left alone: they would score customers that they know nothing of. Files that are not
  what their manifest says stop the run in one sentence, before anything is made.
-#}
{% macro take_back_versions() %}
    {% if execute and flags.WHICH in ("build", "run") %}
        {{ return(take_back_published_versions()) }}
    {% endif %}
{% endmacro %}

{#- What take_back_versions does in a run that builds. -#}
{% macro take_back_published_versions() %}
    {% set folder = env_var("OLIST_SERVING_DIR", "") or "serving" %}
    {% set names = ["fit_segment_candidates", "fit_segment_model", "fit_segment_labels"] %}
    {% set names_of_later_releases = [
        "fit_lifecycle_boundaries", "fit_segment_refits", "fit_forecast_candidates", "fit_forecast_model"
    ] %}
    {% for name in names + names_of_later_releases if adapter.get_relation(target.database, target.schema, name) %}
        {{ return("") }}
    {% endfor %}
    {% if not served_file_exists(folder, "manifest.json") %}
        {{ return("") }}
    {% endif %}

    {% set versions = read_published_versions(folder, names, names_of_later_releases) %}
    {% set labels = served_rows(folder, versions["fit_segment_labels"].file) %}
    {% set customers = graph.sources["source." ~ project_name ~ ".olist.olist_customers_dataset"] %}
    {% set query %}
        select
            count(*) as fitted_count,
            count(customers.customer_unique_id) as known_count,
            max(labels.model_version) as newest_version
        from {{ labels }} as labels
        left join (
            select distinct customer_unique_id from {{ customers.schema }}.{{ customers.name }}
        ) as customers on labels.customer_unique_id = customers.customer_unique_id
        where labels.model_version = (select max(model_version) from {{ labels }})
    {% endset %}
    {% set found = run_query(query).rows[0] %}
    {% if found["known_count"] < checked_var("same_shop_min_known_share") * found["fitted_count"] %}
        {% do log(
            "The model versions in '" ~ folder ~ "' were fitted on other customers (" ~ found["known_count"] ~ " of "
            ~ found["fitted_count"] ~ " are known here) and are not taken back: this warehouse starts with its own. "
            ~ "Give each input its own OLIST_SERVING_DIR.", info=true
        ) %}
        {{ return("") }}
    {% endif %}

    {% set statements = {} %}
    {% for name in versions %}
        {% set statement = "create table " ~ target.schema ~ "." ~ name ~ " as select * from "
            ~ served_rows(folder, versions[name].file) %}
        {% do statements.update({name: statement}) %}
    {% endfor %}
    {% do adapter.dispatch("make_tables")(statements) %}
    {#- dbt listed the tables before this hook ran. -#}
    {% for name in versions %}
        {% do adapter.cache_added(api.Relation.create(
            database=target.database | default(none), schema=target.schema, identifier=name, type="table"
        )) %}
    {% endfor %}
    {% do log(
        "This warehouse starts without model versions: those published in '" ~ folder ~ "', up to version "
        ~ found["newest_version"] ~ ", were taken back.", info=true
    ) %}
{% endmacro %}

{#-
  What the manifest says of the published versions, after each file was compared with its checksum.

  Arguments:
    folder: the serving folder.
    names: the tables that must be there.
    names_of_later_releases: tables that a publication of an earlier release does not name.

  Returns: table name → {file, rows, bytes, sha256}, of those tables that it names. Stops the run in one sentence where
    a file is not as published.
-#}
{% macro read_published_versions(folder, names, names_of_later_releases=[]) %}
    {% set advice = ": publish again from the warehouse that it came from, or move '" ~ folder
        ~ "' away to start with version 1." %}
    {% set text = run_query(adapter.dispatch("served_text")(folder, "manifest.json")).rows[0][0] %}
    {% set manifest = fromjson(text, {}) %}
    {% set versions = manifest.get("versions", {}) if manifest is mapping else {} %}
    {% set published = {} %}
    {% for name in names + names_of_later_releases if name in names or versions.get(name) %}
        {% if versions is not mapping or versions.get(name) is not mapping
            or versions[name].get("file") is not string or versions[name].get("sha256") is not string %}
            {% do exceptions.raise_compiler_error(
                "'" ~ folder ~ "/manifest.json' does not name the published model versions (" ~ name ~ ")" ~ advice
            ) %}
        {% endif %}
        {% if not served_file_exists(folder, versions[name].file) %}
            {% do exceptions.raise_compiler_error(
                "'" ~ folder ~ "/" ~ versions[name].file ~ "', which holds model versions, is missing" ~ advice
            ) %}
        {% elif run_query(adapter.dispatch("served_sha256")(folder, versions[name].file)).rows[0][0]
            != versions[name].sha256 %}
            {% do exceptions.raise_compiler_error(
                "'" ~ folder ~ "/" ~ versions[name].file ~ "' is not the file of model versions that was published"
                ~ advice
            ) %}
        {% endif %}
        {% do published.update({name: versions[name]}) %}
    {% endfor %}
    {{ return(published) }}
{% endmacro %}

{#- Whether the serving folder has a file: manifest.json, or one that it names. -#}
{% macro served_file_exists(folder, file) %}
    {% do return(adapter.dispatch("served_file_exists")(folder, file)) %}
{% endmacro %}

{#- A Parquet file of the serving folder as a relation of a query. -#}
{% macro served_rows(folder, file) %}
    {% do return(adapter.dispatch("served_rows")(folder, file)) %}
{% endmacro %}
