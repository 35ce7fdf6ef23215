{#-
  Loads the nine source files, as text, into the schema of the `olist` source, and refuses them whole when one of them
  is not what `_olist__sources.yml` declares. Runs before every `dbt build` and `dbt run`.

  Each file is read once, into a table beside the one in use; when all nine have passed their checks the tables change
  places in one transaction, so a refused input leaves the last good one untouched.
-#}
{% macro load_raw_files() %}
    {% if execute and flags.WHICH in ("build", "run") %}
        {{ return(adapter.dispatch("load_raw_files")()) }}
    {% endif %}
{% endmacro %}

{% macro duckdb__load_raw_files() %}
    {% set folder = env_var("OLIST_DATA_DIR", "") or "data/sample" %}
    {% set sources = graph.sources.values() | selectattr("source_name", "equalto", "olist") | list %}
    {% set schema = sources[0].schema %}
    {% do run_query("create schema if not exists " ~ schema) %}

    {#- The next run replaces the raw tables: to compress them takes longer than all else. -#}
    {% do run_query("set force_compression = 'uncompressed'") %}
    {% set loaded = [] %}
    {% for source in sources %}
        {% set file = find_raw_file(folder, source.name) %}
        {% set incoming = schema ~ "." ~ source.name ~ "__incoming" %}
        {% if file.format == "csv" %}
            {% do load_csv_file(file, source, incoming) %}
        {% else %}
            {% do load_parquet_file(file, source, incoming) %}
        {% endif %}
        {% do check_raw_values(file, source, incoming) %}
        {% do loaded.append(source.name) %}
    {% endfor %}

    {% set swap %}
        begin transaction;
        {% for name in loaded %}
            drop table if exists {{ schema }}.{{ name }};
            alter table {{ schema }}.{{ name }}__incoming rename to {{ name }};
        {% endfor %}
        commit;
    {% endset %}
    {% do run_query(swap) %}
    {% do run_query("reset force_compression") %}
{% endmacro %}

{#- Stops the run with one sentence, and leaves no half-loaded table behind. -#}
{% macro refuse_input(sentence) %}
    {% for source in graph.sources.values() | selectattr("source_name", "equalto", "olist") %}
        {% do run_query("drop table if exists " ~ source.schema ~ "." ~ source.name ~ "__incoming") %}
    {% endfor %}
    {% do run_query("reset force_compression") %}
    {% do exceptions.raise_compiler_error(sentence) %}
{% endmacro %}

{#- The file of a source table: {path, name, format}. Refuses when there is none, or one in both formats. -#}
{% macro find_raw_file(folder, table_name) %}
    {% set query %}
        select file
        from glob({{ sql_text(folder ~ "/" ~ table_name ~ ".*") }})
        where file like '%.csv' or file like '%.parquet'
        order by file
    {% endset %}
    {% set paths = run_query(query).columns[0].values() %}
    {% if paths | length == 0 %}
        {% do refuse_input(
            "Neither " ~ table_name ~ ".csv nor " ~ table_name ~ ".parquet is in the folder '" ~ folder
            ~ "': put the file there, or set OLIST_DATA_DIR to the folder that holds all nine."
        ) %}
    {% elif paths | length > 1 %}
        {% do refuse_input(
            "Both " ~ table_name ~ ".csv and " ~ table_name ~ ".parquet are in the folder '" ~ folder
            ~ "': keep the one that should be read and move the other away."
        ) %}
    {% endif %}
    {% set format = paths[0].split(".") | last %}
    {{ return({"path": paths[0], "name": table_name ~ "." ~ format, "format": format}) }}
{% endmacro %}

{#- Refuses a header that lacks a declared column or names one twice; other columns are read over with a warning. -#}
{% macro check_raw_header(file, source, found) %}
    {% set declared = source.columns.keys() | list %}
    {% for name in declared %}
        {% if name not in found %}
            {% do refuse_input(
                file.name ~ " has no column '" ~ name ~ "' (its header reads: " ~ (found | join(", "))[:300]
                ~ "): add the column under exactly this name."
            ) %}
        {% elif found | select("equalto", name) | list | length > 1 %}
            {% do refuse_input(
                file.name ~ " has two columns named '" ~ name ~ "': remove or rename one of them."
            ) %}
        {% endif %}
    {% endfor %}
    {% for name in found | reject("in", declared) %}
        {% do exceptions.warn(file.name ~ ": the column '" ~ name ~ "' is not part of the export and is not read.") %}
    {% endfor %}
{% endmacro %}

{#- A CSV file read line by line, quotes and commas left as they are: for the header, and to say where a row stands. -#}
{% macro csv_lines(file) -%}
    read_csv(
        {{ sql_text(file.path) }}, columns = {'line': 'varchar'}, auto_detect = false, header = false, delim = chr(1),
        quote = '', escape = '', strict_mode = false, store_rejects = true, rejects_table = 'raw_line_rejects',
        rejects_scan = 'raw_line_scans'
    )
{%- endmacro %}

{#- The column names of a CSV file. Refuses a file whose first line can't be a header. -#}
{% macro csv_header(file) %}
    {% set lines = run_query("select line from " ~ csv_lines(file) ~ " limit 1").columns[0].values() %}
    {% set header = (lines[0] or "").lstrip("\ufeff").rstrip("\r") if lines | length > 0 else "" %}
    {% if "\u0000" in header %}
        {% do refuse_input(file.name ~ " is not UTF-8 text but looks like UTF-16: export it again as UTF-8.") %}
    {% elif not header %}
        {% do refuse_input(
            file.name ~ " has no header in its first line: export it again, as UTF-8 with its header line."
        ) %}
    {% elif "," not in header and (";" in header or "\t" in header) %}
        {% do refuse_input(
            file.name ~ " separates its columns by " ~ ("semicolons" if ";" in header else "tabs")
            ~ " (its header reads: " ~ header[:100] ~ "): export it again with commas."
        ) %}
    {% endif %}
    {% set found = [] %}
    {% for name in header.split(",") %}
        {% do found.append(name.strip().strip('"')) %}
    {% endfor %}
    {% do return(found) %}
{% endmacro %}

{#- Loads one CSV file as text. The dialect is declared: UTF-8, comma, double quote, one header line. -#}
{% macro load_csv_file(file, source, incoming) %}
    {% set found = csv_header(file) %}
    {% do check_raw_header(file, source, found) %}

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
                    {{ sql_text(name or "column" ~ loop.index) }}: 'varchar'{{ "," if not loop.last }}
                    {%- endfor %}
                },
                auto_detect = false, header = true, delim = ',', quote = '"', escape = '"', nullstr = '',
                store_rejects = true, rejects_table = 'raw_rejects', rejects_scan = 'raw_reject_scans',
                rejects_limit = 1000
            )
    {% endset %}
    {% do run_query(load_query) %}

    {% set rejects = run_query(
        "select line_byte_position, column_name, error_type, left(csv_line, 120) as csv_line,"
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
        {% set is_about_a_value = reject["error_type"] in ("UNQUOTED VALUE", "INVALID ENCODING") %}
        {% do refuse_input(
            file.name ~ ", line " ~ csv_line_at_byte(file, reject["line_byte_position"])
            ~ (", column " ~ reject["column_name"] if is_about_a_value and reject["column_name"] else "") ~ ": "
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

{#- The line, as an editor counts it, on which a row of a CSV file begins: rows hold line breaks inside quotes. -#}
{% macro csv_line_of_row(file, position) %}
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
    {% do return(run_query(query).columns[0].values()[0]) %}
{% endmacro %}

{#- Loads one Parquet file as the text that the CSV export would hold. -#}
{% macro load_parquet_file(file, source, incoming) %}
    {% set is_parquet = run_query(
        "select content[1:4] = 'PAR1'::blob and content[-4:] = 'PAR1'::blob from read_blob(" ~ sql_text(file.path) ~ ")"
    ).columns[0].values()[0] %}
    {% if not is_parquet %}
        {% do refuse_input(
            file.name ~ " is not a whole Parquet file: write it again, or put the CSV file in its place."
        ) %}
    {% endif %}
    {% set described = run_query("describe select * from read_parquet(" ~ sql_text(file.path) ~ ")") %}
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
    {% do run_query(load_query) %}
{% endmacro %}

{#- Refuses an empty table, and the first value that its declared type and bounds do not allow. One scan. -#}
{% macro check_raw_values(file, source, incoming) %}
    {% set checked = [] %}
    {% for name, column in source.columns.items() %}
        {% set condition = raw_value_is_bad(adapter.quote(name), column) %}
        {% if condition %}{% do checked.append((name, column, condition)) %}{% endif %}
    {% endfor %}
    {% set query %}
        select
            count(*) as row_count
            {%- for name, column, condition in checked %},
            min(rowid) filter (where {{ condition }}) as bad_{{ loop.index0 }}
            {%- endfor %}
        from {{ incoming }}
    {% endset %}
    {% set result = run_query(query).rows[0] %}
    {% if result[0] == 0 %}
        {% do refuse_input(file.name ~ " has a header but no rows: export it again with its data.") %}
    {% endif %}
    {% set first = namespace(position=none, index=none) %}
    {% for position in result.values()[1:] %}
        {% if position is not none and (first.position is none or position < first.position) %}
            {% set first.position = position %}
            {% set first.index = loop.index0 %}
        {% endif %}
    {% endfor %}
    {% if first.index is not none %}
        {% set name, column, condition = checked[first.index] %}
        {% do refuse_raw_value(file, source, incoming, name, column, first.position) %}
    {% endif %}
{% endmacro %}

{#- Names the place of a bad value as its reader finds it in an editor, and what to write instead. -#}
{% macro refuse_raw_value(file, source, incoming, name, column, position) %}
    {% set bad_value = run_query(
        "select left(" ~ adapter.quote(name) ~ ", 60) from " ~ incoming ~ " where rowid = " ~ position
    ).columns[0].values()[0] %}
    {% set where = (
        "line " ~ csv_line_of_row(file, position) if file.format == "csv" else "row " ~ (position + 1)
    ) %}
    {% set meta = column.meta or {} %}
    {% if "min" in meta and "max" in meta %}
        {% set bounds = " from " ~ meta["min"] ~ " to " ~ meta["max"] %}
    {% elif "min" in meta %}
        {% set bounds = " of at least " ~ meta["min"] %}
    {% else %}
        {% set bounds = "" %}
    {% endif %}
    {% set expected = {
        "timestamp": "a timestamp: write it as YYYY-MM-DD HH:MM:SS",
        "integer": "a whole number" ~ bounds ~ ": write digits only",
        "double": "a decimal number" ~ bounds ~ ": write it with a point, like -23.54",
        "text": "allowed here: " ~ meta.get("advice", "it must match " ~ meta.get("pattern", "")),
    }.get(
        column.data_type,
        "an amount of money" ~ bounds ~ ": write it with a point and at most two decimals, like 12.50"
    ) %}
    {% do refuse_input(
        file.name ~ ", " ~ where ~ ", column " ~ name ~ ": "
        ~ ("the value is missing: fill it in, or remove the row." if bad_value is none
           else "'" ~ bad_value.replace("\n", " ") ~ "' is not " ~ expected ~ ".")
    ) %}
{% endmacro %}

{#-
  The SQL condition that is true where a raw text value breaks its declaration; empty where there is nothing to check.

  Arguments:
    value: the quoted column, text.
    column: its entry in the sources file (data_type; meta.required, min, max, pattern).
-#}
{% macro raw_value_is_bad(value, column) %}
    {%- set meta = column.meta or {} -%}
    {%- set conditions = [] -%}
    {%- if meta.get("required") -%}{%- do conditions.append(value ~ " is null") -%}{%- endif -%}
    {%- if column.data_type == "timestamp" -%}
        {%- do conditions.append(
            "(" ~ value ~ " not like '____-__-__ __:__:__' or "
            ~ value ~ " is not null and try_cast(" ~ value ~ " as timestamp) is null)"
        ) -%}
    {%- elif column.data_type == "integer" -%}
        {%- do conditions.append("not " ~ matches_whole(value, "-?[0-9]{1,9}")) -%}
    {%- elif column.data_type == "double" -%}
        {%- do conditions.append("(" ~ value ~ " is not null and try_cast(" ~ value ~ " as double) is null)") -%}
    {%- elif column.data_type != "text" -%}
        {%- do conditions.append("not " ~ matches_whole(value, "-?[0-9]{1,12}([.][0-9]{1,2}0*)?")) -%}
    {%- elif meta.get("pattern") -%}
        {%- do conditions.append("not " ~ matches_whole(value, meta["pattern"])) -%}
    {%- endif -%}
    {%- if "min" in meta -%}
        {%- do conditions.append("try_cast(" ~ value ~ " as double) < " ~ meta["min"]) -%}
    {%- endif -%}
    {%- if "max" in meta -%}
        {%- do conditions.append("try_cast(" ~ value ~ " as double) > " ~ meta["max"]) -%}
    {%- endif -%}
    {%- do return(conditions | join(" or ")) -%}
{% endmacro %}
