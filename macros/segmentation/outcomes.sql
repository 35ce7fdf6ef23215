{#-
  The sums over the members of a group, segments or everybody; next_purchases is joined to them.
-#}
{% macro outcome_sums() -%}
    count(*) as customer_count,
    count(next_purchases.customer_unique_id) as ordered_again_count,
    coalesce(sum(next_purchases.next_order_count), 0) as next_order_count,
    coalesce(sum(next_purchases.next_spend), 0) as next_spend,
    coalesce(
        sum(
            cast(next_purchases.next_spend as decimal(19, 2))
            * cast(next_purchases.next_spend as decimal(19, 2))
        ), 0
    ) as next_spend_squared,
    sum(next_purchases.next_review_sum) as next_review_sum,
    coalesce(sum(next_purchases.next_review_count), 0) as next_review_count
{%- endmacro %}

{#-
  The standard deviation of the spend in the outcome period of single customers; null for fewer than two.

  Arguments:
    outcomes: alias of a relation with the columns of segment_outcomes.
-#}
{% macro next_spend_deviation(outcomes) -%}
    sqrt(
        greatest(
            {{ outcomes }}.next_spend_squared
            - {{ outcomes }}.customer_count
            * {{ outcomes }}.next_spend_per_customer * {{ outcomes }}.next_spend_per_customer,
            0
        ) / nullif({{ outcomes }}.customer_count - 1, 0)
    )
{%- endmacro %}

{#-
  The smallest effects that a campaign to a group of today can show against the part of it that is held back (the var
  holdout_share), measured from what such customers did last: the columns smallest_detectable_share and
  smallest_detectable_spend_difference. Both are null where the group today, or the one that was followed, has fewer
  customers than the var few_customers.

  Arguments:
    customer_count: SQL expression, customers of the group today.
    outcomes: alias of a relation with the columns of segment_outcomes.
-#}
{% macro smallest_effects(customer_count, outcomes) -%}
    {%- set few = checked_var("few_customers") -%}
    {%- set share = checked_var("holdout_share") -%}
    {%- set treated, held_back = customer_count ~ " * " ~ (1 - share), customer_count ~ " * " ~ share -%}
    {%- set condition = outcomes ~ ".customer_count >= " ~ few ~ " and " ~ customer_count ~ " >= " ~ few -%}
    case
        when {{ condition }}
            then {{ smallest_detectable_rate(outcomes ~ ".ordered_again_share", treated, held_back) }}
    end as smallest_detectable_share,
    case
        when {{ condition }}
            then {{ smallest_detectable_mean_difference(next_spend_deviation(outcomes), treated, held_back) }}
    end as smallest_detectable_spend_difference
{%- endmacro %}
