{#-
  A warehouse that starts without model versions takes back those that were published last: before anything is built,
  the three tables that Python appends to are made from the files in `versions/` of the serving folder, all in one
  transaction, so that numbers, keys and names of segments go on. Does nothing where one of the tables exists already,
  or where nothing was published.

  Versions of other customers are left alone: they would score people that they know nothing of. Files that are not what
  their manifest says stop the run in one sentence, before anything is made.
-#}
{% macro take_back_versions() %}
    {% if execute and flags.WHICH in ("build", "run") %}
        {{ return(adapter.dispatch("take_back_versions")()) }}
    {% endif %}
{% endmacro %}

{% macro duckdb__take_back_versions() %}
    {% set folder = env_var("OLIST_SERVING_DIR", "") or "serving" %}
    {% set names = ["fit_segment_candidates", "fit_segment_model", "fit_segment_labels"] %}
    {% for name in names if adapter.get_relation(target.database, target.schema, name) %}
        {{ return("") }}
    {% endfor %}
    {% if run_query("select * from glob(" ~ served_path(folder, "manifest.json") ~ ")").rows | length == 0 %}
        {{ return("") }}
    {% endif %}

    {% set versions = read_published_versions(folder, names) %}
    {% set labels = "read_parquet(" ~ served_path(folder, versions["fit_segment_labels"].file) ~ ")" %}
    {% set customers = graph.sources["source." ~ project_name ~ ".olist.olist_customers_dataset"] %}
    {% set query %}
        select
            count(*) as fitted_count,
            count(*) filter (
                customer_unique_id in (select customer_unique_id from {{ customers.schema }}.{{ customers.name }})
            ) as known_count,
            max(model_version) as newest_version
        from {{ labels }}
        where model_version = (select max(model_version) from {{ labels }})
    {% endset %}
    {% set people = run_query(query).rows[0] %}
    {% if people["known_count"] < 0.5 * people["fitted_count"] %}
        {% do log(
            "The model versions in '" ~ folder ~ "' were fitted on other customers (" ~ people["known_count"] ~ " of "
            ~ people["fitted_count"] ~ " are known here) and are not taken back: this warehouse starts with its own. "
            ~ "Give each input its own OLIST_SERVING_DIR.", info=true
        ) %}
        {{ return("") }}
    {% endif %}

    {% set take_back %}
        begin transaction;
        {% for name in names %}
            create table {{ target.schema }}.{{ name }} as
            select * from read_parquet({{ served_path(folder, versions[name].file) }});
        {% endfor %}
        commit;
    {% endset %}
    {% do run_query(take_back) %}
    {#- dbt listed the tables before this hook ran. -#}
    {% for name in names %}
        {% do adapter.cache_added(api.Relation.create(
            database=target.database, schema=target.schema, identifier=name, type="table"
        )) %}
    {% endfor %}
    {% do log(
        "This warehouse starts without model versions: those published in '" ~ folder ~ "', up to version "
        ~ people["newest_version"] ~ ", were taken back.", info=true
    ) %}
{% endmacro %}

{#-
  What the manifest says of the published versions, after each file was held against its checksum.

  Arguments:
    folder: the serving folder.
    names: the tables that must be there.

  Returns: table name → {file, rows, bytes, sha256}. Stops the run in one sentence where a file is not as published.
-#}
{% macro read_published_versions(folder, names) %}
    {% set advice = ": publish again from the warehouse that it came from, or move '" ~ folder
        ~ "' away to start with version 1." %}
    {% set text = run_query("select content from read_text(" ~ served_path(folder, "manifest.json") ~ ")").rows[0][0] %}
    {% set manifest = fromjson(text, {}) %}
    {% set versions = manifest.get("versions", {}) if manifest is mapping else {} %}
    {% for name in names %}
        {% if versions is not mapping or versions.get(name) is not mapping
            or versions[name].get("file") is not string or versions[name].get("sha256") is not string %}
            {% do exceptions.raise_compiler_error(
                "'" ~ folder ~ "/manifest.json' does not name the published model versions (" ~ name ~ ")" ~ advice
            ) %}
        {% endif %}
        {% set query = "select sha256(content) from read_blob(" ~ served_path(folder, versions[name].file) ~ ")" %}
        {% set exists = run_query("select * from glob(" ~ served_path(folder, versions[name].file) ~ ")").rows %}
        {% if exists | length == 0 %}
            {% do exceptions.raise_compiler_error(
                "'" ~ folder ~ "/" ~ versions[name].file ~ "', which holds model versions, is missing" ~ advice
            ) %}
        {% elif run_query(query).rows[0][0] != versions[name].sha256 %}
            {% do exceptions.raise_compiler_error(
                "'" ~ folder ~ "/" ~ versions[name].file ~ "' is not the file of model versions that was published"
                ~ advice
            ) %}
        {% endif %}
    {% endfor %}
    {{ return(versions) }}
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
