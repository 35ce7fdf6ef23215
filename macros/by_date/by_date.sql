{#-
  A table with the leading key as_of_date of which a build writes only what changed: the rows from the first date on
  whose inputs are not those that they were built from. On a first build, a full refresh, or where the first date has
  changed, it is a table like any other. `build_log.dates_built` keeps a digest of the inputs of every date, in the same
  transaction as the rows.

  The model says what its rows depend on in `meta: inputs`, see inputs_of_dates, and reads nothing before first_date().
-#}
{% materialization by_date, adapter="duckdb" %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set table = this.incorporate(type="table") -%}
    {#- Left by a build that was killed after it had written the whole table. -#}
    {%- do drop_relation_if_exists(load_cached_relation(make_backup_relation(table, "table"))) -%}
    {%- set dates = run_query(inputs_of_dates(model, compiled_code)).rows -%}
    {%- set changed = dates | rejectattr("is_built") | map(attribute="as_of_date") | list -%}
    {%- set is_whole = (
        existing is none or not existing.is_table or should_full_refresh() or not dates
        or (changed and changed[0] == dates[0].as_of_date)
    ) -%}

    {#- Begins the transaction that ends with the new rows. -#}
    {%- call statement("note_dates", auto_begin=true) -%}
        delete from build_log.dates_built
        where
            table_name = {{ sql_text(this.identifier) }}
            {%- if not is_whole %}
            and as_of_date >= date '{{ changed[0] if changed else "9999-12-31" }}'
            {%- endif %};
        {%- for date in dates if date.inputs_digest and (is_whole or changed and date.as_of_date >= changed[0]) %}
        insert into build_log.dates_built (table_name, as_of_date, inputs_digest, is_tested)
        values ({{ sql_text(this.identifier) }}, date '{{ date.as_of_date }}', '{{ date.inputs_digest }}', false);
        {%- endfor %}
    {%- endcall -%}

    {%- if is_whole -%}
        {{ return(materialization_table_duckdb()) }}
    {%- endif -%}

    {%- call statement("main") -%}
        {%- if changed -%}
            {%- set kept = dates | selectattr("as_of_date", "lt", changed[0]) | map(attribute="as_of_date") | list -%}
            delete from {{ this }} where as_of_date >= date '{{ changed[0] }}';
            insert into {{ this }} by name (
                {{ compiled_code
                    | replace(first_date(), "date '" ~ changed[0] ~ "'")
                    | replace(date_before_first(), "date '" ~ kept[-1] ~ "'") }}
            )
        {%- else -%}
            select 0 as nothing_changed
        {%- endif -%}
    {%- endcall -%}
    {%- do persist_docs(table, model) -%}
    {%- do adapter.commit() -%}
    {{ return({"relations": [table]}) }}
{% endmaterialization %}

{#-
  The first date that a build of a table by date writes: `where as_of_date >= {{ first_date() }}`. A date before all
  others, in whose place the materialization puts the one it found.
-#}
{% macro first_date() %}
    {%- do return("date '1000-01-01'") -%}
{% endmacro %}

{#- The as-of date before the first one, for models that look at a date and the one before it. -#}
{% macro date_before_first() %}
    {%- do return("date '1000-01-02'") -%}
{% endmacro %}
