{#-
  True where a text is one of several, false where it is none of them or missing: never null, and right for an empty
  list, so that it can be negated. `not in (…)` can be neither.

  Arguments:
    text: a SQL expression.
    values: a list of texts; it may be empty.
-#}
{% macro is_among(text, values) -%}
    {%- do return("coalesce(" ~ text ~ " in (" ~ sql_text_list(values) ~ "), false)" if values else "false") -%}
{%- endmacro %}
