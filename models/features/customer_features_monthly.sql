with

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

purchases as (
    select * from {{ ref('orders') }}
    where is_valid_purchase and customer_unique_id is not null
),

reviews as (
    select * from {{ ref('stg_olist__order_reviews') }}
),

final as (
    {{ customer_features_at('as_of_dates', 'purchases', 'reviews') | indent(4) }}
)

select * from final
order by as_of_date, customer_unique_id
