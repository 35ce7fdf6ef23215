{#-
  A value under the transform of its feature: what standard deviations and distances are measured in.

  Arguments:
    value: SQL expression, a double that is never null.
    transform: SQL expression, one of the names that the var features allows as transforms.
-#}
{% macro transformed_value(value, transform) -%}
    case {{ transform }}
        {%- for name, formula in transform_formulas(value).items() %}
        when '{{ name }}' then {{ formula }}
        {%- endfor %}
    end
{%- endmacro %}

{#-
  The one home of the formulas behind the names that the var features allows as transforms.

  Arguments:
    value: SQL expression, a double that is never null.

  Returns: name of a transform → SQL expression.
-#}
{% macro transform_formulas(value) %}
    {% do return({
        "identity": value,
        "ln": "ln(" ~ value ~ ")",
        "log1p": "ln(1 + " ~ value ~ ")",
        "sqrt": "sqrt(" ~ value ~ ")",
    }) %}
{% endmacro %}
