{#-
  All rules of one table in one query: fails with a row for each rule that is broken, its name, how many rows break it,
  and a query that shows them. Columns without nulls and conditions are counted in one pass over the table, in a build
  over the dates that were not tested yet (dates_to_test).

  Arguments:
    keys: columns that together are a key, by the name of the rule: no key stands twice, and none has a null. A list, or
      a mapping of columns and where, a condition that limits the rule to some rows.
    never_null: columns that always have a value, by the name of the rule.
    conditions: a SQL condition that is true of every row, by the name of the rule. One that comes out null is broken:
      whoever allows nulls says so in the condition (`x is null or x > 0`).
-#}
{% test rules(model, keys={}, never_null={}, conditions={}) %}
{%- set dates = dates_to_test([model]) -%}
{%- set broken_if = {} -%}
{%- for rule, columns in never_null.items() -%}
    {%- do broken_if.update({rule: (columns | join(" is null or ")) ~ " is null"}) -%}
{%- endfor -%}
{%- for rule, condition in conditions.items() -%}
    {%- do broken_if.update({rule: "not coalesce((" ~ condition | trim ~ "), false)"}) -%}
{%- endfor -%}
with

{% if broken_if -%}
counted as (
    select
        {%- for condition in broken_if.values() %}
        count(case when {{ condition }} then 1 end) as broken_{{ loop.index }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ model }}
    where {{ dates }}
),

{% endif -%}
broken as (
    {%- for rule, condition in broken_if.items() %}
    {{ "union all" if not loop.first }}
    select
        {{ sql_text(rule) }} as rule_name,
        broken_{{ loop.index }} as row_count,
        {{ sql_text("select * from " ~ model ~ " where " ~ condition) }} as query
    from counted
    {%- endfor %}
    {%- for rule, key in keys.items() %}
    {%- set columns = key.columns if key is mapping else key %}
    {%- set listed = columns | join(", ") %}
    {%- set of_rows = model ~ (" where " ~ key.where if key is mapping else "") %}
    {%- set of_key = "group by " ~ listed ~ " having count(*) > 1 or " ~ columns | join(" is null or ") ~ " is null" %}
    {{ "union all" if broken_if or not loop.first }}
    select
        {{ sql_text(rule) }} as rule_name,
        sum(rows_a_key) as row_count,
        {{ sql_text("select " ~ listed ~ ", count(*) from " ~ of_rows ~ " " ~ of_key) }} as query
    from (
        select count(*) as rows_a_key from {{ model }}
        where {{ dates }}{{ " and " ~ key.where if key is mapping }}
        {{ of_key }}
    ) as broken_keys
    {%- endfor %}
)

select * from broken
where row_count > 0
{% endtest %}
