{#-
  An aggregate that tells sets of rows of one engine apart, whatever their order: how many there are, and the sum of
  their hashes of 64 bits.

  Arguments:
    columns: list of columns, or of the alias of a table for all of them.
-#}
{% macro rows_digest(columns) -%}
    {{ return(adapter.dispatch("rows_digest")(columns)) }}
{%- endmacro %}

{% macro duckdb__rows_digest(columns) -%}
    concat(count(*), ':', sum(hash({{ columns | join(", ") }})))
{%- endmacro %}

{% macro spark__rows_digest(columns) -%}
    concat(count(*), ':', sum(cast(xxhash64({{ columns | join(", ") }}) as decimal(38, 0))))
{%- endmacro %}
