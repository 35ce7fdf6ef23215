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
