{#-
  One end of the 95 % interval of the mean behind a count, if it is a Poisson one (Byar's approximation, Breslow & Day
  1987): 0 at the low end of none.

  Arguments:
    events: SQL expression, a count.
    side: "low" or "high".
-#}
{% macro poisson_bound(events, side) -%}
    {%- set z = 1.959963984540054 -%}
    {%- set n = "cast(" ~ events ~ " as double)" if side == "low" else "(cast(" ~ events ~ " as double) + 1)" -%}
    {%- set sign = " - " if side == "low" else " + " -%}
    {%- set root = "(1 - 1 / (9 * " ~ n ~ ")" ~ sign ~ z ~ " / (3 * sqrt(" ~ n ~ ")))" -%}
    {%- set bound = "(" ~ n ~ " * " ~ root ~ " * " ~ root ~ " * " ~ root ~ ")" -%}
    {%- if side == "low" -%}
    (case when {{ events }} > 0 then {{ bound }} when {{ events }} = 0 then 0 end)
    {%- else -%}
    {{ bound }}
    {%- endif -%}
{%- endmacro %}
