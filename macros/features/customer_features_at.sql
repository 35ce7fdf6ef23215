{#-
  What was known of every customer at every date: the one definition of the features, whatever the dates.

  A row uses the purchases up to the end of its date, the deliveries up to it and the reviews answered up to it, and
  nothing later. A customer has rows from the first purchase on.

  Arguments:
    dates: relation with as_of_date, one row per date; with `of_customers` one per customer_unique_id and as_of_date.
    purchases: relation with the valid purchases, columns as the model orders, customer_unique_id never null.
    reviews: relation with one row per review, columns as the model reviews.
    of_customers: true when `dates` says of which customers each date is wanted; otherwise it is everybody.

  Returns: one row per customer and date, the columns of customer_features_monthly.
-#}
{% macro customer_features_at(dates, purchases, reviews, of_customers=false) -%}
with

-- Orders of one day are one visit: marketplaces split a basket over sellers.
visits as (
    select
        *,
        row_number() over (
            partition by customer_unique_id, purchase_date order by order_id nulls last
        ) = 1 as is_first_of_day
    from {{ purchases }}
),

purchases_known as (
    select
        purchases.customer_unique_id,
        as_of_dates.as_of_date,
        min(purchases.purchase_date) as first_purchase_date,
        max(purchases.purchase_date) as last_purchase_date,
        count(case when purchases.is_first_of_day then 1 end) as purchase_day_count,
        count(*) as order_count,
        sum(purchases.item_count) as item_count,
        sum(purchases.order_total) as total_spend,
        sum(purchases.freight_total) as total_freight,
        max(purchases.max_installments) as max_installments,
        count(
            case when cast(purchases.delivered_at as date) <= as_of_dates.as_of_date then 1 end
        ) as delivered_count,
        count(
            case when cast(purchases.delivered_at as date) <= as_of_dates.as_of_date and purchases.is_late then 1 end
        ) as late_count,
        count(
            case when cast(purchases.delivered_at as date) <= as_of_dates.as_of_date then purchases.is_late end
        ) as promised_count,
        sum(
            case when cast(purchases.delivered_at as date) <= as_of_dates.as_of_date then purchases.delivery_days end
        ) as delivery_days
    from visits as purchases
    inner join {{ dates }} as as_of_dates
        on
            purchases.purchase_date <= as_of_dates.as_of_date
            {%- if of_customers %}
            and purchases.customer_unique_id = as_of_dates.customer_unique_id
            {%- endif %}
    group by 1, 2
),

reviews_of_purchases as (
    select
        purchases.customer_unique_id,
        reviews.review_score,
        cast(reviews.answered_at as date) as known_date
    from {{ reviews }} as reviews
    inner join {{ purchases }} as purchases on reviews.order_id = purchases.order_id
    where reviews.review_score is not null
),

reviews_known as (
    select
        reviews_of_purchases.customer_unique_id,
        as_of_dates.as_of_date,
        count(*) as review_count,
        sum(reviews_of_purchases.review_score) as review_score_sum,
        min(reviews_of_purchases.review_score) as worst_review_score
    from reviews_of_purchases
    inner join {{ dates }} as as_of_dates
        on
            reviews_of_purchases.known_date <= as_of_dates.as_of_date
            {%- if of_customers %}
            and reviews_of_purchases.customer_unique_id = as_of_dates.customer_unique_id
            {%- endif %}
    group by 1, 2
)

select
    purchases_known.customer_unique_id,
    purchases_known.as_of_date,
    purchases_known.first_purchase_date,
    purchases_known.last_purchase_date,
    cast({{ dbt.datediff('purchases_known.last_purchase_date', 'purchases_known.as_of_date', 'day') }} as integer)
        as recency_days,
    cast({{ dbt.datediff('purchases_known.first_purchase_date', 'purchases_known.as_of_date', 'day') }} as integer)
        as tenure_days,
    cast(purchases_known.purchase_day_count as integer) as purchase_day_count,
    cast(purchases_known.order_count as integer) as order_count,
    cast(purchases_known.item_count as integer) as item_count,
    cast(purchases_known.total_spend as decimal(18, 2)) as total_spend,
    cast(purchases_known.total_spend as double) / purchases_known.order_count as average_order_value,
    cast(purchases_known.total_freight as double)
    / nullif(cast(purchases_known.total_spend as double), 0) as freight_share,
    purchases_known.max_installments,
    cast(coalesce(reviews_known.review_count, 0) as integer) as review_count,
    cast(reviews_known.review_score_sum as double) / reviews_known.review_count as avg_review_score,
    reviews_known.worst_review_score,
    reviews_known.review_count is null as is_review_missing,
    reviews_known.review_count is null as is_review_imputed,
    cast(purchases_known.delivered_count as integer) as delivered_order_count,
    cast(purchases_known.late_count as double) / nullif(purchases_known.promised_count, 0) as late_delivery_share,
    cast(purchases_known.delivery_days as double) / nullif(purchases_known.delivered_count, 0)
        as avg_delivery_days
from purchases_known
left join reviews_known
    on
        purchases_known.customer_unique_id = reviews_known.customer_unique_id
        and purchases_known.as_of_date = reviews_known.as_of_date
{%- endmacro %}
