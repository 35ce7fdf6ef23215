{#-
  Loads the nine source files, as text, into the schema of the `olist` source, and refuses them whole when one of them
  is not what `_olist__sources.yml` declares. Runs before every `dbt build` and `dbt run`.

  Each file is read once, into a table beside the one in use; when all nine have passed their checks the tables change
  places, so a refused input leaves the last good one untouched. What an engine does in its own way is dispatched, and
  stands in duckdb_raw_files.sql and spark_raw_files.sql; a loaded table has `rowid`, the row of its file from 0.
-#}
{% macro load_raw_files() %}
    {% if execute and flags.WHICH in ("build", "run") %}
        {% set folder = env_var("OLIST_DATA_DIR", "") or "data/sample" %}
        {% set sources = graph.sources.values() | selectattr("source_name", "equalto", "olist") | list %}
        {% do run_query("create schema if not exists " ~ sources[0].schema) %}
        {% do adapter.dispatch("begin_loading")() %}
        {% for source in sources %}
            {% set file = find_raw_file(folder, source.name) %}
            {% set incoming = incoming_table(source) %}
            {% if file.format == "csv" %}
                {% set header = adapter.dispatch("csv_first_line")(file) %}
                {% set found = csv_header(file, header) %}
                {% do check_raw_header(file, source, found) %}
                {% do adapter.dispatch("load_csv_file")(file, source, found, incoming) %}
            {% else %}
                {% do adapter.dispatch("load_parquet_file")(file, source, incoming) %}
            {% endif %}
            {% do check_row_count(file, incoming) %}
            {% do check_raw_values(file, source, incoming) %}
        {% endfor %}
        {% do check_there_is_a_purchase(folder) %}
        {% do adapter.dispatch("take_loaded_files")(sources) %}
        {% do adapter.dispatch("end_loading")() %}
    {% endif %}
{% endmacro %}

{#- Stops the run with one sentence, and leaves no half-loaded table behind. -#}
{% macro refuse_input(sentence) %}
    {% for source in graph.sources.values() | selectattr("source_name", "equalto", "olist") %}
        {% do run_query("drop table if exists " ~ incoming_table(source)) %}
    {% endfor %}
    {% do adapter.dispatch("end_loading")() %}
    {#- What stands in a file must not steer the terminal that shows the sentence. -#}
    {% do exceptions.raise_compiler_error(
        modules.re.sub("[\\x00-\\x08\\x0a-\\x1f\\x7f-\\x9f\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069]", "?", sentence)
    ) %}
{% endmacro %}

{#- Name of the table that a file is loaded into, beside the one in use. -#}
{% macro incoming_table(source) %}
    {%- do return(source.schema ~ "." ~ source.name ~ "__incoming") -%}
{% endmacro %}

{#- The file of a source table: {path, name, format}. Refuses when there is none, or one in both formats. -#}
{% macro find_raw_file(folder, table_name) %}
    {% set paths = [] %}
    {% for format in ["csv", "parquet"] %}
        {% do paths.extend(find_files(folder, table_name ~ "." ~ format)) %}
    {% endfor %}
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

{#- The column names of a CSV file. Refuses a file whose first line can't be a header. -#}
{% macro csv_header(file, first_line) %}
    {% set header = (first_line or "").lstrip("\ufeff").rstrip("\r") %}
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

{#- Refuses a file of which more or fewer rows were loaded than an independent count finds. -#}
{% macro check_row_count(file, incoming) %}
    {% set loaded = run_query("select count(*) from " ~ incoming).columns[0].values()[0] | int %}
    {% set counted = adapter.dispatch("count_rows_of_file")(file, loaded) %}
    {% if counted != loaded %}
        {% do refuse_input(
            file.name ~ " holds " ~ counted ~ " rows and " ~ loaded ~ " were read: export it again, as CSV with every "
            ~ "value in double quotes, or as Parquet."
        ) %}
    {% endif %}
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

{#- Refuses files that are each as declared and hold together nobody who bought anything. -#}
{% macro check_there_is_a_purchase(folder) %}
    {% set of_source = "source." ~ project_name ~ ".olist." %}
    {% set invalid_statuses = var("invalid_order_statuses") %}
    {% set query %}
        select order_id
        from {{ incoming_table(graph.sources[of_source ~ "olist_orders_dataset"]) }}
        where
            not {{ is_among("coalesce(order_status, 'unknown')", invalid_statuses) }}
            and order_purchase_timestamp is not null
            and order_id in (
                select order_id from {{ incoming_table(graph.sources[of_source ~ "olist_order_items_dataset"]) }}
            )
            and customer_id in (
                select customer_id from {{ incoming_table(graph.sources[of_source ~ "olist_customers_dataset"]) }}
            )
        limit 1
    {% endset %}
    {% if run_query(query).rows | length == 0 %}
        {% do refuse_input(
            "No order in the folder '" ~ folder ~ "' is a purchase, one with a date, an item, a customer and a status "
            ~ "other than " ~ (invalid_statuses | join(" or ") or "none") ~ ": there is nobody to segment; "
            ~ "look at how the files were exported."
        ) %}
    {% endif %}
{% endmacro %}

{#- Names the place of a bad value as its reader finds it in an editor, and what to write instead. -#}
{% macro refuse_raw_value(file, source, incoming, name, column, position) %}
    {% set bad_value = run_query(
        "select left(" ~ adapter.quote(name) ~ ", 60) from " ~ incoming ~ " where rowid = " ~ position
    ).columns[0].values()[0] %}
    {% set where = (
        adapter.dispatch("csv_place_of_row")(file, position) if file.format == "csv" else "row " ~ (position + 1)
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
        "timestamp": "a timestamp of the years 1990 to 2099: write it as YYYY-MM-DD HH:MM:SS",
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
            ~ value ~ " is not null and try_cast(" ~ value ~ " as timestamp) is null"
            ~ " or " ~ value ~ " < '1990' or " ~ value ~ " >= '2100')"
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
