{#- What followed a date: shared by the outcomes of segments and those of everybody. -#}

{#- The as-of dates that have a whole outcome period behind them. -#}
{% macro outcome_dates() -%}
    select
        as_of_dates.as_of_date,
        cast({{ dbt.dateadd('day', checked_var('outcome_days'), 'as_of_dates.as_of_date') }} as date) as outcome_until
    from as_of_dates
    cross join (
        select max(as_of_date) as as_of_date from as_of_dates
    ) as newest
    where
        cast({{ dbt.dateadd('day', checked_var('outcome_days'), 'as_of_dates.as_of_date') }} as date)
        <= newest.as_of_date
{%- endmacro %}

{#- What each customer bought in the outcome period of each date; reads the CTEs purchases and outcome_dates. -#}
{% macro next_purchases() -%}
    select
        purchases.customer_unique_id,
        outcome_dates.as_of_date,
        count(*) as next_order_count,
        sum(purchases.order_total) as next_spend,
        sum(cast(purchases.review_score as decimal(18, 4))) as next_review_sum,
        count(purchases.review_score) as next_review_count
    from purchases
    inner join outcome_dates
        on
            purchases.purchase_date > outcome_dates.as_of_date
            and purchases.purchase_date <= outcome_dates.outcome_until
    group by 1, 2
{%- endmacro %}

{#- The sums over the members of a group; next_purchases is joined to them. -#}
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
