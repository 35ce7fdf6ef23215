{#-
  True where the whole text matches a regular expression; null where the text is null.

  Arguments:
    text: a SQL expression.
    pattern: a regular expression that both RE2 and Java read alike.
-#}
{% macro matches_whole(text, pattern) -%}
    {%- do return(adapter.dispatch("matches_whole")(text, pattern)) -%}
{%- endmacro %}

{% macro duckdb__matches_whole(text, pattern) -%}
    {%- do return("regexp_full_match(" ~ text ~ ", " ~ sql_text(pattern) ~ ")") -%}
{%- endmacro %}

{% macro spark__matches_whole(text, pattern) -%}
    {%- do return("(" ~ text ~ " rlike " ~ sql_text("\\A(?:" ~ pattern ~ ")\\z") ~ ")") -%}
{%- endmacro %}
