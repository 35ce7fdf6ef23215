{#-
  Reading raw files on Spark: the leaves of load_raw_files. A path may be whatever the cluster reads. The text is taken
  as UTF-8; a place is told by row, not by line. Spark has no transactions: a run that is killed while the tables change
  places is to be run again.
-#}

{% macro spark__begin_loading() %}
    {#- Nothing to prepare: Parquet tables compress as they are written. -#}
{% endmacro %}

{% macro spark__end_loading() %}
    {#- Nothing was prepared. -#}
{% endmacro %}

{% macro spark__take_loaded_files(sources) %}
    {% for source in sources %}
        {% do run_query("drop table if exists " ~ source.schema ~ "." ~ source.name) %}
        {% do run_query(
            "alter table " ~ incoming_table(source) ~ " rename to " ~ source.schema ~ "." ~ source.name
        ) %}
    {% endfor %}
{% endmacro %}

{% macro spark__csv_first_line(file) %}
    {% set lines = run_query("select value from text." ~ adapter.quote(file.path) ~ " limit 1").columns[0].values() %}
    {% do return(lines[0] if lines | length > 0 else none) %}
{% endmacro %}

{% macro spark__load_csv_file(file, source, found, incoming) %}
    {% set view_query %}
        create or replace temporary view raw_csv_file (
            {%- for name in found %}
            {{ adapter.quote(name or "column" ~ loop.index) }} string,
            {%- endfor %}
            unreadable_row string
        )
        using csv
        options (
            path {{ sql_text(file.path) }}, header 'true', multiLine 'true', quote '"', escape '"', nullValue '',
            emptyValue '', maxCharsPerColumn '-1', mode 'PERMISSIVE', columnNameOfCorruptRecord 'unreadable_row'
        )
    {% endset %}
    {% do run_query(view_query) %}
    {#- A file whose values hold line breaks is read by one task: its rows are numbered from 0 without a gap. -#}
    {% set load_query %}
        create table {{ incoming }} as
        select
            {% for name in source.columns -%}
                {{ adapter.quote(name) }},
            {% endfor -%}
            unreadable_row,
            monotonically_increasing_id() as rowid
        from raw_csv_file
    {% endset %}
    {% do run_query("drop table if exists " ~ incoming) %}
    {% do run_query(load_query) %}
    {% do run_query("drop view raw_csv_file") %}

    {% set unreadable = run_query(
        "select rowid, left(unreadable_row, 120) from " ~ incoming
        ~ " where unreadable_row is not null order by rowid limit 1"
    ).rows %}
    {% if unreadable | length > 0 %}
        {% do refuse_input(
            file.name ~ ", " ~ spark__csv_place_of_row(file, unreadable[0][0]) ~ ": the row has not the "
            ~ found | length ~ " fields of the header ('" ~ unreadable[0][1].replace("\n", " ")
            ~ "'): mend the row, or export the file again."
        ) %}
    {% endif %}
{% endmacro %}

{#- "row 18": the row of a CSV file, its header and blank lines left out. -#}
{% macro spark__csv_place_of_row(file, position) %}
    {% do return("row " ~ (position + 1)) %}
{% endmacro %}

{#- One task reads a file from its beginning, wherever it lies: nothing else there counts its rows. -#}
{% macro spark__count_rows_of_file(file, loaded) %}
    {% do return(loaded) %}
{% endmacro %}

{% macro spark__load_parquet_file(file, source, incoming) %}
    {% set rows = "parquet." ~ adapter.quote(file.path) %}
    {% set types = {} %}
    {% for column in adapter.get_column_schema_from_query("select * from " ~ rows ~ " limit 0") %}
        {% do types.update({column.name: column.data_type | lower}) %}
    {% endfor %}
    {% do check_raw_header(file, source, types.keys() | list) %}
    {% set load_query %}
        create table {{ incoming }} as
        select
            {% for name, column in source.columns.items() -%}
                {%- set quoted = adapter.quote(name) -%}
                {%- if column.data_type == "integer" and types[name] in ("double", "float") -%}
                    {#- pandas turns whole numbers with gaps into floats -#}
                    coalesce(
                        case
                            when {{ quoted }} = floor({{ quoted }})
                                then cast(try_cast({{ quoted }} as decimal(18, 0)) as string)
                        end,
                        cast({{ quoted }} as string)
                    )
                {%- else -%}
                    nullif(cast({{ quoted }} as string), '')
                {%- endif %} as {{ quoted }},
            {% endfor -%}
            _metadata.row_index as rowid
        from {{ rows }}
    {% endset %}
    {% do run_query("drop table if exists " ~ incoming) %}
    {% do run_query(load_query) %}
{% endmacro %}
