{#- raw table, its key, staging model, its key -#}
{%- set tables = [
    ('olist_orders_dataset', ['order_id'], 'stg_olist__orders', ['order_id']),
    ('olist_customers_dataset', ['customer_id'], 'stg_olist__customers', ['customer_id']),
    (
        'olist_order_items_dataset', ['order_id', 'order_item_id'],
        'stg_olist__order_items', ['order_id', 'order_item_number']
    ),
    (
        'olist_order_payments_dataset', ['order_id', 'payment_sequential'],
        'stg_olist__order_payments', ['order_id', 'payment_number']
    ),
    ('olist_order_reviews_dataset', ['review_id', 'order_id'], 'stg_olist__order_reviews', ['review_id', 'order_id']),
    ('olist_products_dataset', ['product_id'], 'stg_olist__products', ['product_id']),
    ('olist_sellers_dataset', ['seller_id'], 'stg_olist__sellers', ['seller_id']),
    ('product_category_name_translation', ['product_category_name'], 'stg_olist__product_categories', ['category_name']),
] -%}

{% for raw_table, raw_key, staged_table, staged_key in tables %}
{{ "union all" if not loop.first }}
select
    {{ sql_text(staged_table) }} as table_name,
    raw_keys.key_count as raw_key_count,
    staged_rows.row_count as staged_row_count
from (
    {#- a number may be written 01 in the file: compare keys by value -#}
    select count(*) as key_count
    from (
        select distinct
            {% for column in raw_key -%}
            {% if column in ('order_item_id', 'payment_sequential') -%}
            cast({{ column }} as integer) as {{ column }}
            {%- else %}{{ column }}{% endif %}{{ "," if not loop.last }}
            {% endfor %}
        from {{ source('olist', raw_table) }}
    ) as distinct_keys
) as raw_keys
cross join (select count(*) as row_count from {{ ref(staged_table) }}) as staged_rows
where raw_keys.key_count <> staged_rows.row_count
{% endfor %}
