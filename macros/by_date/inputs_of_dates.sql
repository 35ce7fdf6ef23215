{#-
  A query with one row per as-of date of a table by date, in ascending order: as_of_date, inputs_digest (of all that the
  rows of the date depend on, the SQL of the model included; null where the date is gone), and is_built, whether the
  table holds what was made of these inputs.

  `meta: inputs` of the model names every table that it reads, by how a date depends on it:
    of_date: on the rows of the date; `table.column` where one column of them is enough. Of a view, on what it reads.
    of_date_before: on the rows of the as-of date before, as well.
    of_version: on the rows of the model version in force on the date.
    of_all: on all rows of a small table.
    known_otherwise: on nothing that the others do not tell already.
    dates: as_of_dates unless it is outcome_dates, of which only some have rows.
    change_together: true where a row depends on all dates.

  Arguments:
    node: the model, as dbt's graph has it.
    definition: its SQL.
-#}
{% macro inputs_of_dates(node, definition) -%}
    {%- set inputs = node.config.meta.inputs -%}
    {%- set parts = [] -%}
    {%- for table in tables_behind(inputs.of_date) -%}
        {%- do parts.append(("dates.as_of_date", "as_of_date", rows_of_dates(table))) -%}
    {%- endfor -%}
    {%- for table in tables_behind(inputs.of_date_before) -%}
        {%- do parts.append(("dates.previous_as_of_date", "as_of_date", rows_of_dates(table))) -%}
    {%- endfor -%}
    {%- for table in inputs.of_version or [] -%}
        {%- do parts.append(("dates.model_version", "model_version", rows_digested(table, "model_version"))) -%}
    {%- endfor -%}
    {%- for table in inputs.of_all or [] -%}
        {%- do parts.append(("true", "is_part", rows_digested(table, "true"))) -%}
    {%- endfor -%}
    {%- do every_input_is_told(node, inputs) -%}
    with

    dates as (
        select
            as_of_dates.as_of_date,
            as_of_dates.previous_as_of_date,
            as_of_dates.is_newest
            {%- if inputs.of_version %},
            versions.model_version
            {%- endif %}
        from as_of_dates
        {%- if inputs.dates %}
        semi join {{ inputs.dates }} using (as_of_date)
        {%- endif %}
        {%- if inputs.of_version %}
        left join segment_versions as versions
            on as_of_dates.as_of_date between versions.in_force_from and versions.in_force_until
        {%- endif %}
    ),

    dates_digested as (
        select
            dates.as_of_date,
            md5(
                concat_ws(
                    '|',
                    '{{ local_md5(definition) }}',
                    {%- for part in parts %}
                    coalesce(part_{{ loop.index }}.digest, ''),
                    {%- endfor %}
                    {% if inputs.of_version %}coalesce(dates.model_version, 0), {% endif -%}
                    coalesce(cast(dates.previous_as_of_date as varchar), ''),
                    dates.is_newest
                )
            ) as digest
        from dates
        {%- for key, column, query in parts %}
        left join ({{ query }}) as part_{{ loop.index }} on {{ key }} = part_{{ loop.index }}.{{ column }}
        {%- endfor %}
    ),

    wanted as (
        select
            as_of_date,
            {% if inputs.change_together -%}
            md5(string_agg(digest, '|' order by as_of_date) over ()) as inputs_digest
            {%- else -%}
            digest as inputs_digest
            {%- endif %}
        from dates_digested
    ),

    built as (
        select as_of_date, inputs_digest
        from build_log.dates_built
        where table_name = {{ sql_text(this.identifier) }}
    )

    select
        coalesce(wanted.as_of_date, built.as_of_date) as as_of_date,
        wanted.inputs_digest,
        coalesce(wanted.inputs_digest = built.inputs_digest, false) as is_built
    from wanted
    full outer join built on wanted.as_of_date = built.as_of_date
    order by 1
{%- endmacro %}

{#-
  A query with a digest of the rows of every date.

  Arguments:
    table: name of a table by date, of which the digests of inputs are known, or of another with as_of_date; or
      `table.column`, where one row per date tells it.
-#}
{% macro rows_of_dates(table) -%}
    {%- set name, column = (table ~ ".").split(".")[:2] -%}
    {%- if column -%}
        select as_of_date, cast({{ column }} as varchar) as digest from {{ name }}
    {%- elif is_by_date(name) -%}
        select as_of_date, inputs_digest as digest from build_log.dates_built where table_name = {{ sql_text(name) }}
    {%- else -%}
        {{ rows_digested(name, "as_of_date") }}
    {%- endif -%}
{%- endmacro %}

{#-
  Whether a model is a table by date, of which the digests of inputs are known.

  Arguments:
    name: its name.
-#}
{% macro is_by_date(name) %}
    {%- do return(graph.nodes["model." ~ project_name ~ "." ~ name].config.materialized == "by_date") -%}
{% endmacro %}

{#-
  A query with a digest of the rows of a table, whatever their order, for every value of a key.

  Arguments:
    table: its name.
    key: a column of it, or `true` for all rows; the column is then called is_part.
-#}
{% macro rows_digested(table, key) -%}
    select
        {{ key }}{{ " as is_part" if key == "true" }},
        {{ rows_digest(["digested"]) }} as digest
    from {{ table }} as digested
    group by 1
{%- endmacro %}

{#-
  The tables named, and for a view those that it reads, itself or by another view.

  Arguments:
    names: list of names, or nothing.
-#}
{% macro tables_behind(names) %}
    {%- set tables = [] -%}
    {%- for name in names or [] -%}
        {#- Not every name is of a model: views of staging read sources. -#}
        {%- set read = graph.nodes.get("model." ~ project_name ~ "." ~ name.split(".")[0]) -%}
        {%- if read and read.config.materialized == "view" -%}
            {%- set names_read = [] -%}
            {%- for id in read.depends_on.nodes -%}
                {%- do names_read.append(id.split(".") | last) -%}
            {%- endfor -%}
            {%- do tables.extend(tables_behind(names_read)) -%}
        {%- else -%}
            {%- do tables.append(name) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do return(tables | unique | list) -%}
{% endmacro %}

{#-
  Stops where a model by date reads a table that its `meta: inputs` does not name, or names one that it does not read.

  Arguments:
    node: the model.
    inputs: what its meta says.
-#}
{% macro every_input_is_told(node, inputs) %}
    {%- set told = ["as_of_dates", "segment_versions" if inputs.of_version] -%}
    {%- set read = [] -%}
    {%- for id in node.depends_on.nodes -%}
        {%- do read.append(id.split(".") | last) -%}
    {%- endfor -%}
    {%- for how in ["of_date", "of_date_before", "of_version", "of_all", "known_otherwise"] -%}
        {%- for name in inputs[how] or [] -%}
            {%- do told.append(name.split(".")[0]) -%}
            {#- A table that the graph does not build before could still be that of the night before. -#}
            {%- if told[-1] not in read -%}
                {%- do exceptions.raise_compiler_error(
                    node.name ~ " does not read " ~ told[-1] ~ " of meta: inputs"
                ) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for name in read if name not in told -%}
        {%- do exceptions.raise_compiler_error(
            node.name ~ " reads " ~ name ~ ", and meta: inputs does not say how its dates depend on it"
        ) -%}
    {%- endfor -%}
{% endmacro %}
