{#-
  What a segment is called by its own profile, whatever its key: dissatisfied where the mean score of its members'
  reviews is low, dormant where half of its members have bought nothing for long.

  Arguments:
    avg_review_score: expression, the mean of all known reviews of the members; null when there are none.
    median_recency_days: expression, the median of the members' days since the last valid purchase.
-#}
{% macro is_dissatisfied(avg_review_score) -%}
    coalesce({{ avg_review_score }} <= {{ checked_var("dissatisfied_up_to_score") }}, false)
{%- endmacro %}

{% macro is_dormant(median_recency_days) -%}
    {{ median_recency_days }} > {{ checked_var("dormant_after_days") }}
{%- endmacro %}
