{#-
  Notes in `build_log.builds` that a command which changes tables begins, and at its end how it went. A row without an
  end is a command that was killed: `olist-segments publish` trusts the last row and nothing else.

  The notes live in a schema of their own: they tell of the clock and of the command, the tables of the data never do.
-#}
{% macro log_build_start() %}
    {% if execute and flags.WHICH in ("build", "run", "seed", "snapshot", "retry", "clone") %}
        {{ return(adapter.dispatch("log_build_start")()) }}
    {% endif %}
{% endmacro %}

{% macro duckdb__log_build_start() %}
    {% set notes %}
        create schema if not exists build_log;
        create table if not exists build_log.builds (
            invocation_id varchar,
            command varchar,
            started_at timestamp,
            finished_at timestamp,
            is_whole boolean,
            failure_count integer,
            served_tables varchar[]
        );
        -- What notes of earlier releases lack.
        alter table build_log.builds add column if not exists failed_steps varchar[];
        alter table build_log.builds add column if not exists lost_customer_count integer;
        alter table build_log.builds add column if not exists rewritten_at timestamp;
        alter table build_log.builds add column if not exists data_folder varchar;
        alter table build_log.builds add column if not exists has_dates_built boolean;
        -- Of what every date of a table by date was built (macros/by_date).
        create table if not exists build_log.dates_built (
            table_name varchar,
            as_of_date date,
            inputs_digest varchar,
            is_tested boolean
        );
        -- A release that keeps no digests wrote the tables last.
        delete from build_log.dates_built
        where not (select coalesce(last(has_dates_built order by started_at), false) from build_log.builds);
        -- The folder of a run that loads files; commands look there for suppressed_customers.csv.
        insert into build_log.builds (invocation_id, command, started_at, has_dates_built, data_folder)
        values (
            {{ sql_text(invocation_id) }},
            {{ sql_text(flags.WHICH) }},
            {{ sql_text(run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f")) }},
            true,
            {% if flags.WHICH in ("build", "run") %}
            {{ sql_text(adapter.absolute_path(env_var("OLIST_DATA_DIR", "") or "data/sample")) }}
            {% else %}
            null
            {% endif %}
        );
    {% endset %}
    {% do run_query(notes) %}
{% endmacro %}

{% macro spark__log_build_start() %}
    {#- Nothing is published from Spark, so nobody would read the notes. -#}
{% endmacro %}

{#-
  Notes how the command went: whole means a `dbt build` that made every model, seed and snapshot and ran every data
  test, but for those of macros, which test the code.

  Arguments:
    results: what dbt gives to on-run-end.
-#}
{% macro log_build_end(results) %}
    {% if execute and flags.WHICH in ("build", "run", "seed", "snapshot", "retry", "clone") %}
        {{ return(adapter.dispatch("log_build_end")(results)) }}
    {% endif %}
{% endmacro %}

{% macro duckdb__log_build_end(results) %}
    {% set done = [] %}
    {% set failed = [] %}
    {% for result in results %}
        {% if result.status in ("success", "pass", "warn") %}
            {% do done.append(result.node.unique_id) %}
        {% elif result.status not in ("skipped", "no-op") %}
            {% for rule in broken_rules(result) %}
                {% do failed.append("the rule " ~ rule.rule_name) %}
            {% else %}
                {% do failed.append(step_in_words(result.node)) %}
            {% endfor %}
        {% endif %}
    {% endfor %}

    {% set missing = [] %}
    {% set served = [] %}
    {% for node in graph.nodes.values() if node.resource_type in ("model", "seed", "snapshot", "test") %}
        {% if node.unique_id not in done and node.config.materialized != "ephemeral" and "code" not in node.tags %}
            {% do missing.append(node.unique_id) %}
        {% endif %}
        {% if node.config.materialized in ("table", "by_date", "incremental", "seed")
            and node.config.meta.get("served", node.resource_type == "model") %}
            {% do served.append(node.alias) %}
        {% endif %}
    {% endfor %}
    {% set is_whole = flags.WHICH == "build" and not flags.EMPTY and not missing %}

    {% set finished_at = modules.datetime.datetime.now(modules.pytz.utc).strftime("%Y-%m-%d %H:%M:%S.%f") %}
    {% set notes %}
        update build_log.builds
        set
            finished_at = {{ sql_text(finished_at) }},
            is_whole = {{ is_whole }},
            failure_count = {{ failed | length }},
            failed_steps = [{{ sql_text_list(failed | sort) if failed }}],
            served_tables = [{{ sql_text_list(served | sort) }}]
        where invocation_id = {{ sql_text(invocation_id) }};
        {%- if is_whole %}
        update build_log.dates_built set is_tested = true where not is_tested
        {%- endif %}
    {% endset %}
    {% do run_query(notes) %}
{% endmacro %}

{#-
  A step of a run in words: "the test unique_orders".

  Arguments:
    node: the node of dbt's graph.
-#}
{% macro step_in_words(node) %}
    {% if node.resource_type == "operation" %}
        {% do return("the hook " ~ ("on-run-start" if "on-run-start" in node.name else "on-run-end")) %}
    {% endif %}
    {% do return("the " ~ node.resource_type ~ " " ~ node.name) %}
{% endmacro %}

{% macro spark__log_build_end(results) %}
    {#- Nothing was noted at the start. -#}
{% endmacro %}
