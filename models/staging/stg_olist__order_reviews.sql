with

source as (
    select * from {{ source('olist', 'olist_order_reviews_dataset') }}
),

renamed as (
    select
        review_id,
        order_id,
        cast(review_score as integer) as review_score,
        review_comment_title as comment_title,
        review_comment_message as comment_message,
        cast(review_creation_date as timestamp) as survey_sent_at,
        cast(review_answer_timestamp as timestamp) as answered_at
    from source
),

final as (
    {{ deduplicate('renamed', ['review_id', 'order_id'], [
        'answered_at', 'review_score', 'survey_sent_at', 'comment_title', 'comment_message',
    ]) }}
)

select * from final
order by review_id, order_id
