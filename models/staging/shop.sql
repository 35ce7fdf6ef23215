with

told as (
    select * from {{ source('input', 'shop') }}
),

input_columns as (
    select * from {{ source('input', 'input_columns') }}
),

items as (
    select * from {{ ref('stg_olist__order_items') }}
),

known as (
    select
        {% for table_name, column_name, flag in [
            ('olist_order_reviews_dataset', 'review_score', 'has_reviews'),
            ('olist_orders_dataset', 'order_delivered_customer_date', 'has_deliveries'),
            ('olist_orders_dataset', 'order_estimated_delivery_date', 'has_promises'),
            ('olist_order_payments_dataset', 'payment_value', 'has_payments'),
            ('olist_order_items_dataset', 'product_id', 'has_products'),
            ('olist_products_dataset', 'product_category_name', 'has_categories'),
            ('olist_order_items_dataset', 'seller_id', 'has_sellers'),
            ('olist_customers_dataset', 'customer_state', 'has_regions'),
        ] -%}
            coalesce(
                sum(
                    case when table_name = '{{ table_name }}' and column_name = '{{ column_name }}' then known_count end
                ), 0
            ) > 0 as {{ flag }}{{ "," if not loop.last }}
        {% endfor %}
    from input_columns
),

freight as (
    select coalesce(max(freight), 0) > 0 as has_freight from items
),

final as (
    select
        told.connector,
        told.currency,
        told.time_zone,
        told.country,
        known.has_reviews,
        known.has_deliveries,
        known.has_promises,
        known.has_payments,
        known.has_products,
        known.has_categories,
        known.has_sellers,
        freight.has_freight,
        known.has_regions,
        known.has_regions and coalesce(told.country, '') = 'BR' as has_states_of_brazil
    from told
    cross join known
    cross join freight
)

select * from final
