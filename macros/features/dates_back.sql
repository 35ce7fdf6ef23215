{#-
  One row `as_of_date` for every so many days back from the newest date, as long as the first is not passed; the newest
  date is among them.

  Arguments:
    relation: a relation of one row.
    first_date, newest_date: its two columns, dates.
    step_days: days from one date to the next, at least 1.
-#}
{% macro dates_back(relation, first_date, newest_date, step_days) -%}
    {{ return(adapter.dispatch("dates_back")(relation, first_date, newest_date, step_days)) }}
{%- endmacro %}

{% macro duckdb__dates_back(relation, first_date, newest_date, step_days) -%}
    select {{ newest_date }} - {{ step_days }} * cast(step_number as integer) as as_of_date
    from (
        select
            {{ newest_date }},
            unnest(range(date_diff('day', {{ first_date }}, {{ newest_date }}) // {{ step_days }} + 1)) as step_number
        from {{ relation }}
    ) as steps
{%- endmacro %}

{% macro spark__dates_back(relation, first_date, newest_date, step_days) -%}
    select explode(sequence({{ newest_date }}, {{ first_date }}, interval -{{ step_days }} day)) as as_of_date
    from {{ relation }}
{%- endmacro %}
