{#-
  One end of the 95 % Wilson score interval of a share (Wilson 1927); null where there are no trials.

  Arguments:
    successes, trials: SQL expressions, counts.
    side: "low" or "high".
-#}
{% macro wilson_bound(successes, trials, side) -%}
    {%- set z = 1.959963984540054 -%}
    {%- set p = "(cast(" ~ successes ~ " as double) / nullif(" ~ trials ~ ", 0))" -%}
    (
        ({{ p }} + {{ z * z / 2 }} / nullif({{ trials }}, 0))
        {{ "-" if side == "low" else "+" }} {{ z }} * sqrt(
            ({{ p }} * (1 - {{ p }}) + {{ z * z / 4 }} / nullif({{ trials }}, 0)) / nullif({{ trials }}, 0)
        )
    ) / (1 + {{ z * z }} / nullif({{ trials }}, 0))
{%- endmacro %}
