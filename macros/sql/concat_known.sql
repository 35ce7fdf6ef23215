{#-
  One text from several values, each apart from the next, a null as nothing: the same text on every engine.

  Arguments: SQL expressions of type text, date, whole number, decimal or boolean. Doubles differ between engines.
-#}
{% macro concat_known() -%}
    concat(
        {%- for value in varargs -%}
            {%- if not loop.first %} '|', {% endif -%}
            coalesce(cast({{ value }} as {{ dbt.type_string() }}), '')
            {%- if not loop.last %},{% endif -%}
        {%- endfor -%}
    )
{%- endmacro %}
