{#-
  What changes a feature: `clock` (it moves with every day), `purchase`, `review` or `delivery`. One entry per feature
  that may be clustered.

  Returns: feature name → input.
-#}
{% macro feature_inputs() %}
    {% set inputs = {
        "clock": ["recency_days", "tenure_days"],
        "review": ["review_count", "avg_review_score", "worst_review_score"],
        "delivery": ["delivered_order_count", "late_delivery_share", "avg_delivery_days"],
    } %}
    {% set input_of = {} %}
    {% for feature in checked_var("feature_transforms") | sort %}
        {% do input_of.update({feature: "purchase"}) %}
        {% for input, features in inputs.items() if feature in features %}
            {% do input_of.update({feature: input}) %}
        {% endfor %}
    {% endfor %}
    {% do return(input_of) %}
{% endmacro %}
