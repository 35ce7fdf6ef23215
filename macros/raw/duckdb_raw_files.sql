{#-
  Reading raw files on DuckDB: the leaves of load_raw_files. Each file goes into a table beside the one in use; when all
  nine have passed their checks the tables change places in one transaction.
-#}

{#- The next run replaces the raw tables: to compress them takes longer than all else. -#}
{% macro duckdb__begin_loading() %}
    {% do run_query("set force_compression = 'uncompressed'") %}
{% endmacro %}

{% macro duckdb__end_loading() %}
    {% do run_query("reset force_compression") %}
{% endmacro %}

{% macro duckdb__take_loaded_files(sources) %}
    {% set swap %}
        begin transaction;
        {% for source in sources %}
            drop table if exists {{ source.schema }}.{{ source.name }};
            alter table {{ incoming_table(source) }} rename to {{ source.name }};
        {% endfor %}
        commit;
    {% endset %}
    {% do run_query(swap) %}
{% endmacro %}

{#- A CSV file read line by line, quotes and commas left as they are: for the header, and to say where a row stands. -#}
{% macro csv_lines(file) -%}
    read_csv(
        {{ sql_text(file.path) }}, columns = {'line': 'varchar'}, auto_detect = false, header = false, delim = chr(1),
        quote = '', escape = '', strict_mode = false, store_rejects = true, rejects_table = 'raw_line_rejects',
        rejects_scan = 'raw_line_scans'
    )
{%- endmacro %}

{#- The first line of a CSV file; none where it is empty. -#}
{% macro duckdb__csv_first_line(file) %}
    {% set query = "select line from " ~ csv_lines(file) ~ " limit 1" %}
    {% do refuse_unreadable_file(file, adapter.error_of(query)) %}
    {% set lines = run_query(query).columns[0].values() %}
    {% do return(lines[0] if lines | length > 0 else none) %}
{% endmacro %}

{#-
  Refuses a file that DuckDB gave up on: what it says of a whole file, in the words of whoever has to mend it.

  Arguments:
    file: what find_raw_file gave.
    error: what `adapter.error_of` gave; none where the file was read.
-#}
{% macro refuse_unreadable_file(file, error) %}
    {% if error is none %}
        {{ return("") }}
    {% elif "Permission denied" in error %}
        {% do refuse_input(file.name ~ " can't be read (permission denied): let the user that runs dbt read it.") %}
    {% elif "state machine" in error %}
        {% do refuse_input(
            file.name ~ " mixes line ends of Windows and of Unix: export it again, with the same ones throughout."
        ) %}
    {% elif file.format == "parquet" %}
        {% do refuse_input(
            file.name ~ " is not a whole Parquet file: write it again, or put the CSV file in its place."
        ) %}
    {% endif %}
    {% do refuse_input(file.name ~ " can't be read (" ~ error[:200] ~ "): export it again.") %}
{% endmacro %}

{#- Loads one CSV file as text. The dialect is declared: UTF-8, comma, double quote, one header line. -#}
{% macro duckdb__load_csv_file(file, source, found, incoming) %}
    {% set load_query %}
        create or replace table {{ incoming }} as
        select
            {% for name in source.columns -%}
                {{ adapter.quote(name) }}{{ "," if not loop.last }}
            {% endfor %}
        from
            read_csv(
                {{ sql_text(file.path) }},
                columns = {
                    {%- for name in found %}
                    {{ sql_text(name if name in source.columns else "not_read_" ~ loop.index) }}: 'varchar'
                    {{- "," if not loop.last }}
                    {%- endfor %}
                },
                auto_detect = false, header = true, delim = ',', quote = '"', escape = '"', nullstr = '',
                store_rejects = true, rejects_table = 'raw_rejects', rejects_scan = 'raw_reject_scans',
                rejects_limit = 1000
            )
    {% endset %}
    {% do refuse_unreadable_file(file, adapter.error_of(load_query)) %}

    {% set rejects = run_query(
        "select line_byte_position, column_idx, error_type, left(csv_line, 120) as csv_line,"
        ~ " left(error_message, 200) as error_message from raw_rejects order by line, column_idx limit 1"
    ) %}
    {% if rejects.rows | length > 0 %}
        {% set reject = rejects.rows[0] %}
        {% set meaning = {
            "MISSING COLUMNS": "the row has fewer fields than the " ~ found | length ~ " of the header",
            "TOO MANY COLUMNS": "the row has more fields than the " ~ found | length ~ " of the header",
            "UNQUOTED VALUE": "a quoted value never ends, or goes on behind its closing quote",
            "INVALID ENCODING": "the text is not UTF-8",
            "LINE SIZE OVER MAXIMUM": "the row is longer than two million bytes",
        } %}
        {% set column = (reject["column_idx"] or 1) | int - 1 %}
        {% set is_about_a_value = reject["error_type"] in ("UNQUOTED VALUE", "INVALID ENCODING") %}
        {% do refuse_input(
            file.name ~ ", line " ~ csv_line_at_byte(file, reject["line_byte_position"])
            ~ (", column " ~ found[column] if is_about_a_value and found[column] else "") ~ ": "
            ~ meaning.get(reject["error_type"], reject["error_message"]) ~ " ('"
            ~ (reject["csv_line"] or "").replace("\r", "").strip("\n").replace("\n", " ")
            ~ "'): mend the row, or export the file again."
        ) %}
    {% endif %}
{% endmacro %}

{#- The line, as an editor counts it, of a byte of a file: DuckDB's own count takes a value of many lines for one. -#}
{% macro csv_line_at_byte(file, position) %}
    {% set query %}
        select 1 + (length(text_before) - length(replace(text_before, '\x0A', ''))) / 4
        from (
            select cast(content[1:{{ position }}] as varchar) as text_before
            from read_blob({{ sql_text(file.path) }})
        ) as bytes_before
    {% endset %}
    {% do return(run_query(query).columns[0].values()[0] | int) %}
{% endmacro %}

{#- "line 18": where a row of a CSV file begins, as an editor counts lines: rows hold line breaks inside quotes. -#}
{% macro duckdb__csv_place_of_row(file, position) %}
    {% set query %}
        with

        lines as (
            select
                row_number() over () as line_number,
                coalesce(line, '') as line
            from {{ csv_lines(file) }}
        ),

        quotes_counted as (
            select
                line_number,
                line,
                sum(length(line) - length(replace(line, '"', ''))) over (
                    order by line_number rows between unbounded preceding and current row
                ) - (length(line) - length(replace(line, '"', ''))) as quotes_before
            from lines
        ),

        rows_begun as (
            select
                line_number,
                row_number() over (order by line_number) as row_number
            from quotes_counted
            where quotes_before % 2 = 0 and line not in ('', chr(13))
        )

        -- The first row is the header.
        select line_number from rows_begun
        where row_number = {{ position }} + 2
    {% endset %}
    {% do return("line " ~ run_query(query).columns[0].values()[0]) %}
{% endmacro %}

{#- Loads one Parquet file as the text that the CSV export would hold. -#}
{% macro duckdb__load_parquet_file(file, source, incoming) %}
    {% set description = "describe select * from read_parquet(" ~ sql_text(file.path) ~ ")" %}
    {% do refuse_unreadable_file(file, adapter.error_of(description)) %}
    {% set described = run_query(description) %}
    {% do check_raw_header(file, source, described.columns[0].values() | list) %}
    {% set types = {} %}
    {% for row in described.rows %}{% do types.update({row[0]: row[1]}) %}{% endfor %}
    {% set load_query %}
        create or replace table {{ incoming }} as
        select
            {% for name, column in source.columns.items() -%}
                {%- set quoted = adapter.quote(name) -%}
                {%- if column.data_type == "integer" and types[name] in ("DOUBLE", "FLOAT") -%}
                    {#- pandas turns whole numbers with gaps into floats -#}
                    coalesce(
                        case
                            when {{ quoted }} = floor({{ quoted }})
                                then cast(try_cast({{ quoted }} as decimal(18, 0)) as varchar)
                        end,
                        cast({{ quoted }} as varchar)
                    )
                {%- else -%}
                    nullif(cast({{ quoted }} as varchar), '')
                {%- endif %} as {{ quoted }}{{ "," if not loop.last }}
            {% endfor %}
        from read_parquet({{ sql_text(file.path) }})
    {% endset %}
    {% do refuse_unreadable_file(file, adapter.error_of(load_query)) %}
{% endmacro %}

