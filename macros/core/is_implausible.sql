{#-
  True where a moment can't belong to its order: it lies before the purchase, or more days after it than
  `max_days_after_purchase` allows. Null, never true, where one of the two is missing.

  Arguments:
    moment: a SQL expression, a timestamp.
    purchased_at: a SQL expression, when the order was placed; its date for a moment that is given as a midnight.
    max_days: so many days after the purchase are still believed.
-#}
{% macro is_implausible(moment, purchased_at, max_days) -%}
    ({{ moment }} < {{ purchased_at }} or {{ is_long_after(moment, purchased_at, max_days) }})
{%- endmacro %}

{#- The second half of is_implausible, for those who count the two apart. -#}
{% macro is_long_after(moment, purchased_at, max_days) -%}
    {{ moment }} > {{ purchased_at }} + interval '{{ max_days }} days'
{%- endmacro %}
