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
            "'purchase'", 'customer_unique_id', 'purchased_at', 'order_id', 'item_count', 'order_total',
            'freight_total', 'max_installments', 'state'
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

known as (
    select
        as_of_dates.as_of_date,
        as_of_dates.is_newest,
        cast(sum(days.event_count) as bigint) as event_count,
        md5({{ concat_known("'" ~ definition ~ "'", 'sum(days.event_count)', 'sum(days.event_sum)') }}) as inputs_digest
    from as_of_dates
    inner join days on as_of_dates.as_of_date >= days.known_date
    group by as_of_dates.as_of_date, as_of_dates.is_newest
),

newest as (
    select max(as_of_date) as as_of_date from as_of_dates
),

-- What came after a date, where the period is over.
periods as (
    select
        as_of_dates.as_of_date,
        cast({{ dbt.dateadd('day', checked_var('outcome_days'), 'as_of_dates.as_of_date') }} as date) as outcome_until,
        cast({{ dbt.dateadd('day', 365, 'as_of_dates.as_of_date') }} as date) as year_until,
        newest.as_of_date as newest_date
    from as_of_dates
    cross join newest
),

purchase_days as (
    select
        purchase_date,
        sum({{ digest_number(concat_known('customer_unique_id', 'purchase_date', 'order_total')) }}) as orders_sum,
        sum({{ digest_number(concat_known('customer_unique_id', 'cast(review_score as decimal(18, 4))')) }})
            as reviews_sum
    from purchases
    group by purchase_date
),

outcomes as (
    select
        periods.as_of_date,
        periods.outcome_until <= periods.newest_date as has_outcome,
        periods.year_until <= periods.newest_date as has_year_outcome,
        sum(case when purchase_days.purchase_date <= periods.outcome_until then purchase_days.orders_sum end)
            as orders_sum,
        sum(case when purchase_days.purchase_date <= periods.outcome_until then purchase_days.reviews_sum end)
            as reviews_sum,
        sum(case when purchase_days.purchase_date <= periods.year_until then purchase_days.orders_sum end)
            as year_orders_sum
    from periods
    left join purchase_days on periods.as_of_date < purchase_days.purchase_date
    group by 1, 2, 3
),

final as (
    select
        known.as_of_date,
        known.is_newest,
        known.event_count,
        known.inputs_digest,
        case when outcomes.has_outcome then md5({{ concat_known('outcomes.orders_sum') }}) end as orders_digest,
        case when outcomes.has_outcome then md5({{ concat_known('outcomes.reviews_sum') }}) end as reviews_digest,
        case when outcomes.has_year_outcome then md5({{ concat_known('outcomes.year_orders_sum') }}) end
            as year_orders_digest
    from known
    inner join outcomes on known.as_of_date = outcomes.as_of_date
)

select * from final
order by as_of_date
