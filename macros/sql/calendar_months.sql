{#-
  One row `month_start` (date) for every calendar month from one month start to another, both included.

  Arguments:
    relation: a relation of one row.
    first_month, last_month: its two columns, dates on the first of a month.
-#}
{% macro calendar_months(relation, first_month, last_month) -%}
    {{ return(adapter.dispatch("calendar_months")(relation, first_month, last_month)) }}
{%- endmacro %}

{% macro duckdb__calendar_months(relation, first_month, last_month) -%}
    select cast(unnest(generate_series({{ first_month }}, {{ last_month }}, interval 1 month)) as date) as month_start
    from {{ relation }}
{%- endmacro %}

{% macro spark__calendar_months(relation, first_month, last_month) -%}
    select explode(sequence({{ first_month }}, {{ last_month }}, interval 1 month)) as month_start
    from {{ relation }}
{%- endmacro %}
