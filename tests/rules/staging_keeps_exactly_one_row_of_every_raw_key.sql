{#- raw table, its key (a number may be written 01: compared by value), staging model (whose own key is unique) -#}
{%- set tables = [
    ('olist_orders_dataset', 'order_id', 'stg_olist__orders'),
    ('olist_customers_dataset', 'customer_id', 'stg_olist__customers'),
    ('olist_order_items_dataset', 'order_id, cast(order_item_id as integer)', 'stg_olist__order_items'),
    ('olist_order_payments_dataset', 'order_id, cast(payment_sequential as integer)', 'stg_olist__order_payments'),
    ('olist_order_reviews_dataset', 'review_id, order_id', 'stg_olist__order_reviews'),
    ('olist_products_dataset', 'product_id', 'stg_olist__products'),
    ('olist_sellers_dataset', 'seller_id', 'stg_olist__sellers'),
    ('product_category_name_translation', 'product_category_name', 'stg_olist__product_categories'),
] -%}

with

counts as (
    {%- for raw_table, raw_key, staged_table in tables %}
    {{ "union all" if not loop.first }}
    select
        {{ sql_text(staged_table) }} as table_name,
        (
            select count(*)
            from (select distinct {{ raw_key }} from {{ source('olist', raw_table) }}) as raw_keys
        ) as raw_key_count,
        (select count(*) from {{ ref(staged_table) }}) as staged_row_count
    {%- endfor %}
)

select * from counts
where raw_key_count <> staged_row_count
