{#-
  A whole number of 60 bits from a text, the same on every engine: sums of it tell sets of rows apart, in any order.

  Arguments:
    text: a text, never null.

  Returns: decimal(38, 0), so that sums of up to 10 ** 19 of them fit.
-#}
{% macro digest_number(text) -%}
    {{ return(adapter.dispatch("digest_number")(text)) }}
{%- endmacro %}

{% macro duckdb__digest_number(text) -%}
    cast(cast(concat('0x', substr(md5({{ text }}), 1, 15)) as bigint) as decimal(38, 0))
{%- endmacro %}

{% macro spark__digest_number(text) -%}
    cast(conv(substr(md5({{ text }}), 1, 15), 16, 10) as decimal(38, 0))
{%- endmacro %}
