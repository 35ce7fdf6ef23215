{#-
  Customers whom the files no longer hold are forgotten: runs once the files are loaded, before anything is built.

  Labels of model versions are the one thing that a build keeps of customers; those of lost customers are dropped here.
  The tables that a build makes anew lose them by themselves, but DuckDB overwrites nothing that it deletes: so it is
  noted in `build_log.builds` how many were lost, and `olist-segments publish` then writes the warehouse file anew.

  Where more than half of the customers of the newest version are unknown, the files are another shop's, and a version
  would lose for good what it is compared with: its labels stay, unless the run refits.
-#}
{% macro forget_lost_customers() %}
    {% if execute and flags.WHICH in ("build", "run") %}
        {{ return(adapter.dispatch("forget_lost_customers")()) }}
    {% endif %}
{% endmacro %}

{% macro duckdb__forget_lost_customers() %}
    {% set lost_rows = [] %}
    {% for name in ["customers", "stg_olist__customers", "fit_segment_labels"]
        if adapter.get_relation(target.database, target.schema, name) %}
        {% do lost_rows.append(rows_of_lost_customers(name)) %}
    {% endfor %}
    {% if not lost_rows %}
        {{ return("") }}
    {% endif %}
    {% set query = "select count(*) from (" ~ lost_rows | join(" union ") ~ ")" %}
    {% set lost_count = run_query(query).rows[0][0] %}
    {% if lost_count == 0 %}
        {{ return("") }}
    {% endif %}
    {% set label_count = labels_to_drop() %}
    {% set statements %}
        begin transaction;
        {% if label_count %}
            delete from {{ target.schema }}.fit_segment_labels
            where customer_unique_id in ({{ rows_of_lost_customers("fit_segment_labels") }});
        {% endif %}
        update build_log.builds set lost_customer_count = {{ lost_count }}
        where invocation_id = {{ sql_text(invocation_id) }};
        commit;
    {% endset %}
    {% do run_query(statements) %}
    {% do log(
        "The files no longer hold " ~ lost_count ~ " customer" ~ ("" if lost_count == 1 else "s")
        ~ " of this warehouse: " ~ label_count ~ " label" ~ ("" if label_count == 1 else "s")
        ~ " of model versions dropped. olist-segments publish removes what is left of them in the files.", info=true
    ) %}
{% endmacro %}

{#- Spark, from which nothing is published, writes whole files: dropping the labels forgets. -#}
{% macro spark__forget_lost_customers() %}
    {% set name = "fit_segment_labels" %}
    {% if not adapter.get_relation(none, target.schema, name) %}
        {{ return("") }}
    {% endif %}
    {% set label_count = labels_to_drop() %}
    {% if label_count == 0 %}
        {{ return("") }}
    {% endif %}
    {% set labels = target.schema ~ "." ~ name %}
    {#- A table can't be overwritten from itself. -#}
    {% do run_query("drop table if exists " ~ labels ~ "__kept") %}
    {% do run_query(
        "create table " ~ labels ~ "__kept using parquet as select * from " ~ labels
        ~ " where customer_unique_id not in (" ~ rows_of_lost_customers(name) ~ ")"
    ) %}
    {% do run_query("insert overwrite table " ~ labels ~ " select * from " ~ labels ~ "__kept") %}
    {% do run_query("drop table " ~ labels ~ "__kept") %}
    {% do log(
        label_count ~ " label" ~ ("" if label_count == 1 else "s")
        ~ " of customers whom the files no longer hold dropped from the model versions.", info=true
    ) %}
{% endmacro %}

{#-
  The select of the ids in a table of the target schema that the loaded file of customers does not hold.

  Arguments:
    name: the table.
-#}
{% macro rows_of_lost_customers(name) %}
    {% set customers = graph.sources["source." ~ project_name ~ ".olist.olist_customers_dataset"] %}
    {% do return(
        "select distinct known.customer_unique_id from " ~ target.schema ~ "." ~ name ~ " as known"
        ~ " left join " ~ customers.schema ~ "." ~ customers.name ~ " as loaded"
        ~ " on known.customer_unique_id = loaded.customer_unique_id"
        ~ " where known.customer_unique_id is not null and loaded.customer_unique_id is null"
    ) %}
{% endmacro %}

{#- How many labels are of lost customers and may go: 0 where the files are another shop's. -#}
{% macro labels_to_drop() %}
    {% set relation = adapter.get_relation(
        target.database if target.type == "duckdb" else none, target.schema, "fit_segment_labels"
    ) %}
    {% if not relation %}
        {% do return(0) %}
    {% endif %}
    {% set labels = target.schema ~ ".fit_segment_labels" %}
    {% set query %}
        select
            count(lost.customer_unique_id) as lost_labels,
            count(case when labels.model_version = newest.model_version then 1 end) as fitted_count,
            count(case when labels.model_version = newest.model_version then lost.customer_unique_id end) as lost_count
        from {{ labels }} as labels
        cross join (
            select max(model_version) as model_version from {{ labels }}
        ) as newest
        left join (
            {{ rows_of_lost_customers("fit_segment_labels") }}
        ) as lost on labels.customer_unique_id = lost.customer_unique_id
    {% endset %}
    {% set found = run_query(query).rows[0] %}
    {% set known_count = found["fitted_count"] - found["lost_count"] %}
    {% set is_another_shop = known_count < checked_var("same_shop_min_known_share") * found["fitted_count"] %}
    {% if is_another_shop and not checked_var("refit") %}
        {% do log(
            "Of " ~ found["fitted_count"] ~ " customers whom the newest model version was fitted on the files hold "
            ~ known_count ~ ": they are another shop's, and the labels of the others "
            ~ "are kept. Give each input its own OLIST_WAREHOUSE; where so many are gone for good, refit "
            ~ "(--vars '{refit: true}'), which drops their labels.", info=true
        ) %}
        {% do return(0) %}
    {% endif %}
    {% do return(found["lost_labels"]) %}
{% endmacro %}
