{#-
  The band of a recency: its days rounded down to a multiple of the width, three digits, so that bands sort; beyond the
  last band all are one.

  Arguments:
    recency_days: SQL expression, whole days.
    width: days of a band.
    last: days at which the last band begins.
-#}
{% macro recency_band(recency_days, width, last) -%}
    {%- set start = "least(" ~ recency_days ~ " - " ~ recency_days ~ " % " ~ width ~ ", " ~ last ~ ")" -%}
    lpad(cast({{ start }} as {{ dbt.type_string() }}), 3, '0')
{%- endmacro %}
