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
    {%- set first, is_whole = first_date_to_write(existing, dates) -%}

    {#- Begins the transaction that ends with the new rows. -#}
    {%- call statement("note_dates", auto_begin=true) -%}
        delete from build_log.dates_built
        where
            table_name = {{ sql_text(this.identifier) }}
            {%- if not is_whole %}
            and as_of_date >= date '{{ first or "9999-12-31" }}'
            {%- endif %};
        {%- for date in dates if date.inputs_digest and (is_whole or first and date.as_of_date >= first) %}
        insert into build_log.dates_built (table_name, as_of_date, inputs_digest, is_tested)
        values ({{ sql_text(this.identifier) }}, date '{{ date.as_of_date }}', '{{ date.inputs_digest }}', false);
        {%- endfor %}
    {%- endcall -%}

    {%- if is_whole -%}
        {{ return(materialization_table_duckdb()) }}
    {%- endif -%}

    {%- call statement("main") -%}
        {%- if first -%}
            delete from {{ this }} where as_of_date >= date '{{ first }}';
            insert into {{ this }} by name (
                {{ from_date_on(compiled_code, first, dates) }}
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
  What a build writes of a table by date, on either engine: the first date whose inputs changed (none where nothing
  did), and whether the table is written whole.

  Arguments:
    existing: the table as it is, none where there is none.
    dates: rows of as_of_date, inputs_digest and is_built, in ascending order.
-#}
{% macro first_date_to_write(existing, dates) %}
    {%- set first = dates | rejectattr("is_built") | map(attribute="as_of_date") | first | default(none) -%}
    {%- do return((first, (
        existing is none or not existing.is_table or should_full_refresh() or not dates
        or first == dates[0].as_of_date
    ))) -%}
{% endmacro %}

{#-
  The query of a table by date for the dates from `first` on.

  Arguments:
    query: the SQL of the model.
    first: the first date that is written; the table has dates before it.
    dates: rows of as_of_date, in ascending order.
-#}
{% macro from_date_on(query, first, dates) %}
    {%- set before = dates | selectattr("as_of_date", "lt", first) | map(attribute="as_of_date") | list | last -%}
    {%- do return(
        query
        | replace(first_date(), "date '" ~ first ~ "'")
        | replace(date_before_first(), "date '" ~ before ~ "'")
    ) -%}
{% endmacro %}

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
