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

{#- The first line of a CSV file; none where it is empty. -#}
{% macro duckdb__csv_first_line(file) %}
    {% do refuse_unreadable_file(file, adapter.reading_error(file.path)) %}
    {% do return(adapter.csv_first_line(file.path)) %}
{% endmacro %}

{#-
  Refuses a file that DuckDB gave up on: what it says of a whole file, in the words of whoever has to mend it.

  Arguments:
    file: what find_raw_file gave.
    error: what `adapter.error_of` or `adapter.reading_error` gave; none where the file was read.
-#}
{% macro refuse_unreadable_file(file, error) %}
    {% if error is none %}
        {{ return("") }}
    {% elif adapter.reading_error(file.path) %}
        {% do refuse_input(
            file.name ~ " can't be read (" ~ adapter.reading_error(file.path) ~ "): let the user that runs dbt read it."
        ) %}
    {% elif "No files found" in error %}
        {% do refuse_input(
            "DuckDB can't open '" ~ file.path ~ "', whose path has a backslash beside one of [ * ?: rename the folder, "
            ~ "or move the files to another."
        ) %}
    {% elif file.format == "csv" and adapter.csv_line_end_fault(file.path) %}
        {% do refuse_input(file.name ~ adapter.csv_line_end_fault(file.path)) %}
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
                {{ adapter.sql_path(file.path) }},
                columns = {
                    {%- for name in found %}
                    {{ sql_text(name if name in source.columns else "not_read_" ~ loop.index) }}: 'varchar'
                    {{- "," if not loop.last }}
                    {%- endfor %}
                },
                auto_detect = false, header = true, delim = ',', quote = '"', escape = '"', nullstr = '',
                -- A reader that begins in the middle of a file can begin inside a comment and take it for rows.
                parallel = false,
                -- A folder named like column=value would give the column that value.
                hive_partitioning = false,
                store_rejects = true, rejects_table = 'raw_rejects', rejects_scan = 'raw_reject_scans',
                rejects_limit = 1000
            )
    {% endset %}
    {% do refuse_unreadable_file(file, adapter.error_of(load_query)) %}

    {% set meaning = {
        "MISSING COLUMNS": "the row has fewer fields than the " ~ found | length ~ " of the header",
        "TOO MANY COLUMNS": "the row has more fields than the " ~ found | length ~ " of the header",
        "UNQUOTED VALUE": "a quoted value goes on behind its closing quote",
        "INVALID ENCODING": "the text is not UTF-8",
        "LINE SIZE OVER MAXIMUM": "the row is longer than two million bytes",
    } %}
    {% set rejects = run_query(
        "select line_byte_position, column_idx, error_type, left(csv_line, 120) as csv_line,"
        ~ " left(error_message, 200) as error_message from raw_rejects order by line, column_idx limit 1"
    ) %}
    {% if rejects.rows | length > 0 %}
        {% set reject = rejects.rows[0] %}
        {% set is_about_a_value = reject["error_type"] in ("UNQUOTED VALUE", "INVALID ENCODING") %}
        {% do refuse_csv_row(
            file, found, adapter.csv_line_of_byte(file.path, reject["line_byte_position"]),
            (reject["column_idx"] or 1) | int if is_about_a_value else none,
            meaning.get(reject["error_type"], reject["error_message"]), reject["csv_line"] or ""
        ) %}
    {% endif %}
{% endmacro %}

{#-
  Refuses a row of a CSV file that can't be read.

  Arguments:
    file: what find_raw_file gave.
    found: the column names of the file.
    line: the line on which the row begins.
    column: the number of the column that is to blame; none where it is the whole row.
    meaning: what is wrong with it.
    text: the row.
-#}
{% macro refuse_csv_row(file, found, line, column, meaning, text) %}
    {% do refuse_input(
        file.name ~ ", line " ~ line ~ (", column " ~ found[column - 1] if column and found[column - 1] else "") ~ ": "
        ~ meaning ~ " ('" ~ text[:120].replace("\r", "").strip("\n").replace("\n", " ")
        ~ "'): mend the row, or export the file again."
    ) %}
{% endmacro %}

{#- "line 18": where a row of a CSV file begins, as an editor counts lines: rows hold line breaks inside quotes. -#}
{% macro duckdb__csv_place_of_row(file, position) %}
    {% do return("line " ~ adapter.csv_line_of_record(file.path, position)) %}
{% endmacro %}

{#- The rows of a file, by a count that owes nothing to the reading: `loaded` where it says the same. -#}
{% macro duckdb__count_rows_of_file(file, loaded) %}
    {% if file.format == "csv" %}
        {% set counted = adapter.csv_record_count(file.path, loaded) %}
        {#- A last row that ends inside quotes is dropped without a word. -#}
        {% set open_quote = adapter.csv_open_quote(file.path) if counted != loaded else none %}
        {% if open_quote %}
            {% do refuse_csv_row(
                file, csv_header(file, adapter.csv_first_line(file.path)), open_quote["line"], open_quote["column"],
                "a quoted value never ends", open_quote["text"]
            ) %}
        {% endif %}
        {% do return(counted) %}
    {% endif %}
    {% set query = "select sum(num_rows) from parquet_file_metadata(" ~ adapter.sql_path(file.path) ~ ")" %}
    {% do return(run_query(query).columns[0].values()[0] | int) %}
{% endmacro %}

{#- Loads one Parquet file as the text that the CSV export would hold. -#}
{% macro duckdb__load_parquet_file(file, source, incoming) %}
    {% set description = "describe select * from " ~ duckdb__parquet_rows(file.path) %}
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
        from {{ duckdb__parquet_rows(file.path) }}
    {% endset %}
    {% do refuse_unreadable_file(file, adapter.error_of(load_query)) %}
{% endmacro %}

{#- The rows of one Parquet file, and no column that its folder is named after. -#}
{% macro duckdb__parquet_rows(path) %}
    {%- do return("read_parquet(" ~ adapter.sql_path(path) ~ ", hive_partitioning = false)") -%}
{% endmacro %}
