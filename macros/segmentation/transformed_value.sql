{#-
  A value under the transform of its feature: what standard deviations and distances are measured in.

  Arguments:
    value: SQL expression, a double that is never null.
    transform: SQL expression, one of the names that the var feature_transforms allows.
-#}
{% macro transformed_value(value, transform) -%}
    case {{ transform }}
        when 'identity' then {{ value }}
        when 'ln' then ln({{ value }})
        when 'log1p' then ln(1 + {{ value }})
        when 'sqrt' then sqrt({{ value }})
    end
{%- endmacro %}
