{#-
  What was known of every customer at every date: the one definition of the features, whatever the dates.

  A row uses the purchases up to the end of its date, the deliveries up to it and the reviews answered up to it, and
  nothing later. A customer has rows from the first purchase on.

  What is known changes on few dates of a customer, so it is added up on these, and holds for the dates up to the next.

  Arguments:
    dates: relation with as_of_date, one row per date; with `of_customers` one per customer_unique_id and as_of_date.
    purchases: relation with the valid purchases, columns as the model orders, customer_unique_id never null.
    reviews: relation with one row per review, columns as the model reviews.
    of_customers: true when `dates` says of which customers each date is wanted; otherwise it is everybody.

  Returns: one row per customer and date, the columns of customer_features_monthly.
-#}
{% macro customer_features_at(dates, purchases, reviews, of_customers=false) -%}
{%- set sums = [
    'purchase_day_count', 'order_count', 'item_count', 'total_spend', 'total_freight', 'delivered_count', 'late_count',
    'promised_count', 'delivery_days', 'review_count', 'review_score_sum',
] -%}
{#- column, aggregate, what it is of -#}
{%- set extremes = [
    ('first_purchase_date', 'min', 'purchase_date'),
    ('last_purchase_date', 'max', 'purchase_date'),
    ('max_installments', 'max', 'max_installments'),
    ('worst_review_score', 'min', 'review_score_sum'),
] -%}
{%- set running -%}
    over (partition by customer_unique_id order by from_date rows between unbounded preceding and current row)
{%- endset -%}
with

-- Orders of one day are one visit: marketplaces split a basket over sellers.
visits as (
    select
        customer_unique_id,
        order_id,
        purchase_date,
        cast(delivered_at as date) as delivered_date,
        row_number() over (
            partition by customer_unique_id, purchase_date order by order_id nulls last
        ) = 1 as is_first_of_day,
        item_count,
        order_total,
        freight_total,
        max_installments,
        is_late,
        delivery_days
    from {{ purchases }}
    {%- if of_customers %}
    where customer_unique_id in (select customer_unique_id from {{ dates }})
    {%- endif %}
),

reviews_of_purchases as (
    select
        visits.customer_unique_id,
        reviews.review_score,
        cast(reviews.answered_at as date) as answered_date
    from {{ reviews }} as reviews
    inner join visits on reviews.order_id = visits.order_id
    where reviews.review_score is not null and reviews.answered_at is not null
),

-- Neither a delivery nor a review is before its purchase: orders and reviews see to that.
changes as (
    select
        customer_unique_id,
        purchase_date as known_date,
        purchase_date,
        case when is_first_of_day then 1 else 0 end as purchase_day_count,
        1 as order_count,
        item_count,
        order_total as total_spend,
        freight_total as total_freight,
        max_installments,
        0 as delivered_count,
        0 as late_count,
        0 as promised_count,
        null as delivery_days,
        0 as review_count,
        null as review_score_sum
    from visits
    union all
    select
        customer_unique_id,
        delivered_date as known_date,
        null as purchase_date,
        0 as purchase_day_count,
        0 as order_count,
        0 as item_count,
        0 as total_spend,
        0 as total_freight,
        null as max_installments,
        1 as delivered_count,
        case when is_late then 1 else 0 end as late_count,
        case when is_late is not null then 1 else 0 end as promised_count,
        delivery_days,
        0 as review_count,
        null as review_score_sum
    from visits
    where delivered_date is not null
    union all
    select
        customer_unique_id,
        answered_date as known_date,
        null as purchase_date,
        0 as purchase_day_count,
        0 as order_count,
        0 as item_count,
        0 as total_spend,
        0 as total_freight,
        null as max_installments,
        0 as delivered_count,
        0 as late_count,
        0 as promised_count,
        null as delivery_days,
        1 as review_count,
        review_score as review_score_sum
    from reviews_of_purchases
),
{% if not of_customers %}
known_days as (
    select purchase_date as known_date from visits
    union distinct
    select delivered_date as known_date from visits
    union distinct
    select answered_date as known_date from reviews_of_purchases
),

-- The first date at which what happened on a day is known.
from_dates as (
    select
        known_days.known_date,
        min(as_of_dates.as_of_date) as from_date
    from known_days
    inner join {{ dates }} as as_of_dates on known_days.known_date <= as_of_dates.as_of_date
    group by known_days.known_date
),
{% endif %}
changes_by_date as (
    select
        changes.customer_unique_id,
        {{ 'changes.known_date' if of_customers else 'from_dates.from_date' }} as from_date
        {%- for column in sums %},
        sum(changes.{{ column }}) as {{ column }}
        {%- endfor %}
        {%- for column, aggregate, changed in extremes %},
        {{ aggregate }}(changes.{{ changed }}) as {{ column }}
        {%- endfor %}
    from changes
    {%- if not of_customers %}
    inner join from_dates on changes.known_date = from_dates.known_date
    {%- endif %}
    group by 1, 2
),

known as (
    select
        customer_unique_id,
        from_date,
        lead(from_date) over (partition by customer_unique_id order by from_date) as next_from_date
        {%- for column in sums %},
        sum({{ column }}) {{ running }} as {{ column }}
        {%- endfor %}
        {%- for column, aggregate, _ in extremes %},
        {{ aggregate }}({{ column }}) {{ running }} as {{ column }}
        {%- endfor %}
    from changes_by_date
)

select
    known.customer_unique_id,
    as_of_dates.as_of_date,
    known.first_purchase_date,
    known.last_purchase_date,
    cast({{ dbt.datediff('known.last_purchase_date', 'as_of_dates.as_of_date', 'day') }} as integer) as recency_days,
    cast({{ dbt.datediff('known.first_purchase_date', 'as_of_dates.as_of_date', 'day') }} as integer) as tenure_days,
    cast(known.purchase_day_count as integer) as purchase_day_count,
    cast(known.order_count as integer) as order_count,
    cast(known.item_count as integer) as item_count,
    cast(known.total_spend as decimal(18, 2)) as total_spend,
    cast(known.total_spend as double) / known.order_count as average_order_value,
    cast(known.total_freight as double) / nullif(cast(known.total_spend as double), 0) as freight_share,
    known.max_installments,
    cast(known.review_count as integer) as review_count,
    cast(known.review_score_sum as double) / nullif(known.review_count, 0) as avg_review_score,
    known.worst_review_score,
    known.review_count = 0 as is_review_missing,
    known.review_count = 0 as is_review_imputed,
    cast(known.delivered_count as integer) as delivered_order_count,
    cast(known.late_count as double) / nullif(known.promised_count, 0) as late_delivery_share,
    cast(known.delivery_days as double) / nullif(known.delivered_count, 0) as avg_delivery_days
from known
inner join {{ dates }} as as_of_dates
    on
        known.from_date <= as_of_dates.as_of_date
        and (as_of_dates.as_of_date < known.next_from_date or known.next_from_date is null)
        {%- if of_customers %}
        and known.customer_unique_id = as_of_dates.customer_unique_id
        {%- endif %}
where known.order_count > 0
{%- endmacro %}
