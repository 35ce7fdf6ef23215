{%- set max_days = checked_var('max_days_after_purchase') -%}
with

stg_reviews as (
    select * from {{ ref('stg_olist__order_reviews') }}
),

stg_orders as (
    select * from {{ ref('stg_olist__orders') }}
),

final as (
    select
        stg_reviews.review_id,
        stg_reviews.order_id,
        stg_reviews.review_score,
        case
            when
                {{ is_implausible(
                    'stg_reviews.survey_sent_at', 'cast(stg_orders.purchased_at as date)', max_days.review
                ) }}
                then null
            else stg_reviews.survey_sent_at
        end as survey_sent_at,
        case
            when {{ is_implausible('stg_reviews.answered_at', 'stg_orders.purchased_at', max_days.review) }} then null
            else stg_reviews.answered_at
        end as answered_at,
        stg_reviews.comment_title,
        stg_reviews.comment_message
    from stg_reviews
    left join stg_orders on stg_reviews.order_id = stg_orders.order_id
)

select * from final
order by review_id, order_id
