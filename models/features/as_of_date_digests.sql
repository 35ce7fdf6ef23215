{#- A change of the definition is a change of the inputs. -#}
{%- set definition = local_md5(customer_features_at('dates', 'purchases', 'reviews')) -%}
with

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

purchases as (
    select * from {{ ref('purchases') }}
),

reviews as (
    select * from {{ ref('reviews') }}
),

events as (
    select
        purchase_date as known_date,
        {{ digest_number(concat_known(
            "'purchase'", 'customer_unique_id', 'purchase_date', 'item_count', 'order_total', 'freight_total',
            'max_installments'
        )) }} as event_number
    from purchases
    union all
    select
        cast(delivered_at as date) as known_date,
        {{ digest_number(concat_known(
            "'delivery'", 'customer_unique_id', 'cast(delivered_at as date)', 'is_late', 'delivery_days'
        )) }} as event_number
    from purchases
    where delivered_at is not null
    union all
    select
        cast(reviews.answered_at as date) as known_date,
        {{ digest_number(concat_known(
            "'review'", 'purchases.customer_unique_id', 'reviews.review_score'
        )) }} as event_number
    from reviews
    inner join purchases on reviews.order_id = purchases.order_id
    where reviews.answered_at is not null and reviews.review_score is not null
),

days as (
    select
        known_date,
        count(*) as event_count,
        sum(event_number) as event_sum
    from events
    group by known_date
),

final as (
    select
        as_of_dates.as_of_date,
        as_of_dates.is_newest,
        cast(sum(days.event_count) as bigint) as event_count,
        md5({{ concat_known("'" ~ definition ~ "'", 'sum(days.event_count)', 'sum(days.event_sum)') }}) as inputs_digest
    from as_of_dates
    inner join days on as_of_dates.as_of_date >= days.known_date
    group by as_of_dates.as_of_date, as_of_dates.is_newest
)

select * from final
order by as_of_date
