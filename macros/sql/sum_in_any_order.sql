{#-
  A sum of doubles that is the same in whatever order they come: over decimals of twelve places.

  Arguments:
    number: SQL expression, a double below 10^16.
-#}
{% macro sum_in_any_order(number) -%}
    cast(sum(cast({{ number }} as decimal(28, 12))) as double)
{%- endmacro %}
