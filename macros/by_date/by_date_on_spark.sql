{#-
  by_date on Spark: a Parquet table with a partition for every date. A build writes the partitions from the first date
  on whose inputs are not those that they were built from.

  Spark has no transactions, so the digests of inputs are properties of the table itself: those of a date are deleted
  before its partition is written and noted once it is there. A build that was killed finds no digest and writes again.
-#}
{% materialization by_date, adapter="spark" %}
    {%- set existing = load_relation(this) -%}
    {%- set table = this.incorporate(type="table") -%}
    {%- set dates = dates_on_spark(model, compiled_code) -%}
    {%- set first, is_whole = first_date_to_write(existing, dates) -%}

    {%- if is_whole -%}
        {#- With the table its digests are gone, too. -#}
        {%- do adapter.drop_relation(existing or table) -%}
        {%- call statement("main") -%}
            {{ create_table_as(false, table, compiled_code) }}
        {%- endcall -%}
    {%- elif first -%}
        {%- set noted = dates | rejectattr("as_of_date", "lt", first) | map(attribute="as_of_date") | list -%}
        {%- do run_query("alter table " ~ table ~ " unset tblproperties if exists (" ~ digest_names(noted) ~ ")") -%}
        {%- set partitions = [] -%}
        {%- for row in run_query("show partitions " ~ table).rows
            if row[0].partition("=")[2] >= first -%}
            {%- do partitions.append("partition (as_of_date = '" ~ row[0].partition("=")[2] ~ "')") -%}
        {%- endfor -%}
        {%- if partitions -%}
            {%- do run_query("alter table " ~ table ~ " drop if exists " ~ partitions | join(", ")) -%}
        {%- endif -%}
        {#- Overwrites what a killed build left in the folder of a date. -#}
        {%- call statement("main") -%}
            insert overwrite table {{ table }} with ('partitionOverwriteMode' = 'dynamic') by name
            {{ from_date_on(without_last_order(compiled_code), first, dates) }}
        {%- endcall -%}
    {%- else -%}
        {%- call statement("main") -%}
            select 0 as nothing_changed
        {%- endcall -%}
    {%- endif -%}

    {%- set properties = [] -%}
    {%- for date in dates
        if date.inputs_digest and (is_whole or first and date.as_of_date >= first) -%}
        {%- do properties.append(digest_names([date.as_of_date]) ~ " = '" ~ date.inputs_digest ~ "'") -%}
    {%- endfor -%}
    {%- if properties -%}
        {%- do run_query("alter table " ~ table ~ " set tblproperties (" ~ properties | join(", ") ~ ")") -%}
    {%- endif -%}
    {{ return({"relations": [table]}) }}
{% endmaterialization %}

{#-
  The names of the properties that keep the digests of dates, as SQL.

  Arguments:
    dates: list of dates as text.
-#}
{% macro digest_names(dates) -%}
    {%- for date in dates -%}
        'inputs_digest.{{ date }}'{{ ", " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#-
  The digests that a table by date on Spark keeps of the inputs of its dates: date as text → digest.

  Arguments:
    table: the relation.
-#}
{% macro digests_noted(table) %}
    {%- set digests = {} -%}
    {%- for row in run_query("show tblproperties " ~ table).rows if row[0].startswith("inputs_digest.") -%}
        {%- do digests.update({row[0].partition(".")[2]: row[1]}) -%}
    {%- endfor -%}
    {%- do return(digests) -%}
{% endmacro %}

{#-
  What inputs_of_dates tells of a table by date, on Spark: a list with an entry per date, in ascending order. Each has
  as_of_date as text, inputs_digest (none where the date is gone) and is_built.

  All digests come of one query: most tables that it reads are of a few rows, and a query costs more than what it reads.

  Arguments:
    node: the model, as dbt's graph has it; its meta names what its dates depend on.
    definition: the SQL of the model.
-#}
{% macro dates_on_spark(node, definition) %}
    {%- set inputs = node.config.meta.inputs -%}
    {%- do every_input_is_told(node, inputs) -%}
    {#- Of every input: the place in a row of dates of the key that it is looked up by, and its digests by that key. -#}
    {%- set parts = [] -%}
    {%- set queries = [] -%}
    {%- for how, place in [("of_date", 2), ("of_date_before", 3), ("of_version", 4), ("of_all", 5)] -%}
        {%- set names = inputs[how] or [] -%}
        {%- for input in (tables_behind(names) if how in ("of_date", "of_date_before") else names) -%}
            {%- set name, column = (input ~ ".").split(".")[:2] -%}
            {%- set table = this.incorporate(path={"identifier": name}, type="table") -%}
            {%- set key = {"of_version": "model_version", "of_all": "'all'"}.get(how, "as_of_date") -%}
            {%- if place < 4 and not column and is_by_date(name) -%}
                {%- do parts.append((place, digests_noted(table))) -%}
            {%- else -%}
                {%- do parts.append((place, {})) -%}
                {%- set digest = "cast(" ~ column ~ " as string)" if column else rows_digest(["digested.*"]) -%}
                {%- do queries.append(
                    "select " ~ parts | length ~ " as part, " ~ digest ~ " as digest, cast(" ~ key ~ " as string)"
                    ~ " as key, null as previous, null as version, null as whole from " ~ table ~ " as digested"
                    ~ ("" if column else " group by " ~ key)
                ) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- do queries.append(dates_told(inputs)) -%}

    {%- set rows = run_query(queries | join("\nunion all\n")).rows -%}
    {%- for row in rows if row[0] > 0 -%}
        {%- do parts[row[0] | int - 1][1].update({row[2]: row[1]}) -%}
    {%- endfor -%}
    {%- set wanted = {} -%}
    {%- for row in rows | selectattr("part", "equalto", 0) | sort(attribute="key") -%}
        {%- set digests = [local_md5(definition), row[1], row[3] or "", row[4] or ""] -%}
        {%- for place, digests_of_keys in parts -%}
            {%- do digests.append(digests_of_keys.get(row[place], "")) -%}
        {%- endfor -%}
        {%- do wanted.update({row[2]: local_md5(digests | join("|"))}) -%}
    {%- endfor -%}
    {%- if inputs.change_together -%}
        {%- set of_all = local_md5(wanted.values() | join("|")) -%}
        {%- for date in wanted -%}
            {%- do wanted.update({date: of_all}) -%}
        {%- endfor -%}
    {%- endif -%}

    {%- set built = digests_noted(this) if load_relation(this) else {} -%}
    {%- set dates = [] -%}
    {%- for date in (wanted.keys() | list + built.keys() | list) | unique | sort -%}
        {%- do dates.append({
            "as_of_date": date,
            "inputs_digest": wanted.get(date),
            "is_built": date in wanted and wanted[date] == built.get(date),
        }) -%}
    {%- endfor -%}
    {%- do return(dates) -%}
{% endmacro %}

{#-
  The query of the dates that a table by date has rows of, in the columns in which dates_on_spark reads digests: as part
  0, with whether the date is the newest as digest, and the keys by which inputs of the date are looked up.

  Arguments:
    inputs: what the meta of the model says.
-#}
{% macro dates_told(inputs) -%}
    {%- set schema = this.schema -%}
    select
        0 as part,
        cast(as_of_dates.is_newest as string) as digest,
        cast(as_of_dates.as_of_date as string) as key,
        cast(as_of_dates.previous_as_of_date as string) as previous,
        {{ "cast(versions.model_version as string)" if inputs.of_version else "null" }} as version,
        'all' as whole
    from {{ schema }}.as_of_dates
    {%- if inputs.dates %}
    left semi join {{ schema }}.{{ inputs.dates }} as own_dates on as_of_dates.as_of_date = own_dates.as_of_date
    {%- endif %}
    {%- if inputs.of_version %}
    left join {{ schema }}.segment_versions as versions
        on as_of_dates.as_of_date between versions.in_force_from and versions.in_force_until
    {%- endif %}
{%- endmacro %}
