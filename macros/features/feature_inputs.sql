{#-
  What changes a feature: `clock` (it moves with every day), `purchase`, `review` or `delivery`. One entry per feature
  that may be clustered.

  Returns: feature name → input.
-#}
{% macro feature_inputs() %}
    {% set input_of = {} %}
    {% for feature, entry in feature_registry().items() | sort %}
        {% do input_of.update({feature: entry.moved_by}) %}
    {% endfor %}
    {% do return(input_of) %}
{% endmacro %}
