{#-
  A number of 64 bits from the values of a row, quick and of one engine alone: sums of it tell whether two relations
  differ.

  Arguments:
    columns: list of columns.

  Returns: a whole number that can be summed.
-#}
{% macro row_hash(columns) -%}
    {{ return(adapter.dispatch("row_hash")(columns)) }}
{%- endmacro %}

{% macro duckdb__row_hash(columns) -%}
    hash({{ columns | join(", ") }})
{%- endmacro %}

{% macro spark__row_hash(columns) -%}
    cast(xxhash64({{ columns | join(", ") }}) as decimal(38, 0))
{%- endmacro %}
