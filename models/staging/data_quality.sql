{%- set tables = [
    ('olist_orders_dataset', 'stg_olist__orders'),
    ('olist_customers_dataset', 'stg_olist__customers'),
    ('olist_order_items_dataset', 'stg_olist__order_items'),
    ('olist_order_payments_dataset', 'stg_olist__order_payments'),
    ('olist_order_reviews_dataset', 'stg_olist__order_reviews'),
    ('olist_products_dataset', 'stg_olist__products'),
    ('olist_sellers_dataset', 'stg_olist__sellers'),
    ('olist_geolocation_dataset', 'stg_olist__geolocation'),
    ('product_category_name_translation', 'stg_olist__product_categories'),
] -%}

{#- child, its column, parent, its column, whether the export itself is known to have such rows, what is done -#}
{%- set not_an_order = 'kept in staging; belongs to no row of orders' -%}
{%- set references = [
    (
        'stg_olist__orders', 'customer_id', 'stg_olist__customers', 'customer_id', false,
        'kept in orders; its person is null'
    ),
    ('stg_olist__order_items', 'order_id', 'stg_olist__orders', 'order_id', false, not_an_order),
    ('stg_olist__order_items', 'product_id', 'stg_olist__products', 'product_id', false, 'kept; category is unknown'),
    ('stg_olist__order_items', 'seller_id', 'stg_olist__sellers', 'seller_id', false, 'kept; seller is unknown'),
    ('stg_olist__order_payments', 'order_id', 'stg_olist__orders', 'order_id', false, not_an_order),
    ('stg_olist__order_reviews', 'order_id', 'stg_olist__orders', 'order_id', false, not_an_order),
    ('stg_olist__customers', 'customer_id', 'stg_olist__orders', 'customer_id', false, not_an_order),
    (
        'stg_olist__products', 'category_name', 'stg_olist__product_categories', 'category_name', true,
        'kept; the Portuguese name stands in'
    ),
    (
        'stg_olist__customers', 'zip_code_prefix', 'stg_olist__geolocation', 'zip_code_prefix', true,
        'kept; has no coordinates'
    ),
    (
        'stg_olist__sellers', 'zip_code_prefix', 'stg_olist__geolocation', 'zip_code_prefix', true,
        'kept; has no coordinates'
    ),
    ('stg_olist__orders', 'order_id', 'stg_olist__order_items', 'order_id', true, 'kept; not a valid purchase'),
    ('stg_olist__orders', 'order_id', 'stg_olist__order_payments', 'order_id', true, 'kept; payment total is zero'),
    ('stg_olist__orders', 'order_id', 'stg_olist__order_reviews', 'order_id', true, 'kept; review score is null'),
] -%}

{#- rule, table, condition of a breach, what is done with such a row -#}
{%- set conditions = [
    (
        'delivered_without_date', 'stg_olist__orders', "order_status = 'delivered' and delivered_at is null",
        'kept; never counted as delivered or late'
    ),
    (
        'delivered_over_a_year_after_purchase', 'stg_olist__orders',
        "delivered_at > purchased_at + interval '1 year'", 'kept; its delivery days are many'
    ),
    (
        'delivered_before_purchase', 'stg_olist__orders', 'delivered_at < purchased_at',
        'kept; its delivery days are negative'
    ),
    (
        'handed_over_before_approval', 'stg_olist__orders', 'handed_to_carrier_at < approved_at', 'kept as it is'
    ),
    (
        'payment_of_zero', 'stg_olist__order_payments', 'amount = 0', 'kept as it is'
    ),
    (
        'payment_type_not_defined', 'stg_olist__order_payments', "payment_type = 'not_defined'", 'kept as it is'
    ),
    (
        'item_price_of_zero', 'stg_olist__order_items', 'price = 0', 'kept as it is'
    ),
    (
        'product_without_category', 'stg_olist__products', 'category_name is null', 'kept; category is unknown'
    ),
] -%}

with

-- The tables are read where they are checked: a CTE that is read several times is kept whole.
duplicate_rows as (
    {% for raw_table, staged_table in tables %}
        {{ "union all" if not loop.first }}
        select
            'duplicate_key' as rule_name,
            {{ sql_text(staged_table) }} as table_name,
            'a row whose key another row has'
            || {{ sql_text(' (exact copies only)' if staged_table == 'stg_olist__geolocation' else '') }} as breach,
            'one row a key is kept, the others are left out' as treatment,
            {{ staged_table != 'stg_olist__geolocation' }} as is_unexpected,
            checked.row_count - kept.row_count as affected_rows,
            checked.row_count as checked_rows
        from (select count(*) as row_count from {{ source('olist', raw_table) }}) as checked
        cross join (select count(*) as row_count from {{ ref(staged_table) }}) as kept
    {% endfor %}
),

unmatched_rows as (
    {% for child, child_column, parent, parent_column, is_known, treatment in references %}
        {{ "union all" if not loop.first }}
        select
            {{ sql_text('no_' ~ parent | replace('stg_olist__', '') ~ '_for_' ~ child_column) }} as rule_name,
            {{ sql_text(child) }} as table_name,
            {{ sql_text(
                ('an ' if child_column[0] in 'aeiou' else 'a ') ~ child_column ~ ' that is absent from ' ~ parent
            ) }}
                as breach,
            {{ sql_text(treatment) }} as treatment,
            {{ not is_known }} as is_unexpected,
            count(case when child_rows.{{ child_column }} is not null and parent_keys.key_value is null then 1 end)
                as affected_rows,
            count(*) as checked_rows
        from {{ ref(child) }} as child_rows
        left join (select distinct {{ parent_column }} as key_value from {{ ref(parent) }}) as parent_keys
            on child_rows.{{ child_column }} = parent_keys.key_value
    {% endfor %}
),

condition_rows as (
    {% for rule_name, table_name, condition, treatment in conditions %}
        {{ "union all" if not loop.first }}
        select
            {{ sql_text(rule_name) }} as rule_name,
            {{ sql_text(table_name) }} as table_name,
            {{ sql_text(condition) }} as breach,
            {{ sql_text(treatment) }} as treatment,
            false as is_unexpected,
            count(case when {{ condition }} then 1 end) as affected_rows,
            count(*) as checked_rows
        from {{ ref(table_name) }}
    {% endfor %}
),

reused_review_ids as (
    select
        'review_id_on_several_orders' as rule_name,
        'stg_olist__order_reviews' as table_name,
        'a review_id that stands on more than one order' as breach,
        'kept on each order: the key is review_id and order_id' as treatment,
        false as is_unexpected,
        coalesce(sum(case when rows_a_review > 1 then rows_a_review end), 0) as affected_rows,
        coalesce(sum(rows_a_review), 0) as checked_rows
    from (
        select count(*) as rows_a_review
        from {{ ref('stg_olist__order_reviews') }}
        group by review_id
    ) as reviews
),

reviews_before_purchase as (
    select
        'review_answered_before_purchase' as rule_name,
        'stg_olist__order_reviews' as table_name,
        'a review answered before its order was placed' as breach,
        'kept; known from the day of the purchase on' as treatment,
        false as is_unexpected,
        count(case when reviews.answered_at < orders.purchased_at then 1 end) as affected_rows,
        count(*) as checked_rows
    from {{ ref('stg_olist__order_reviews') }} as reviews
    inner join {{ ref('stg_olist__orders') }} as orders on reviews.order_id = orders.order_id
),

days_with_orders as (
    select
        cast(purchased_at as date) as purchase_date,
        min(purchased_at) as first_purchased_at,
        max(purchased_at) as last_purchased_at,
        count(*) as order_count
    from {{ ref('stg_olist__orders') }}
    group by cast(purchased_at as date)
),

days_in_turn as (
    select
        *,
        lag(last_purchased_at) over (order by purchase_date nulls last) as previous_purchased_at
    from days_with_orders
),

-- Half a year without an order parts history in two.
stretches as (
    select
        order_count,
        sum(
            case when first_purchased_at > previous_purchased_at + interval '183 days' then 1 else 0 end
        ) over (
            order by purchase_date nulls last
            rows between unbounded preceding and current row
        ) as stretch_number
    from days_in_turn
),

purchases_apart as (
    select
        'purchase_apart_from_the_others' as rule_name,
        'stg_olist__orders' as table_name,
        'an order that half a year without orders parts from most' as breach,
        'kept in orders; history runs over the longest row of months with data' as treatment,
        false as is_unexpected,
        coalesce(sum(order_count) - max(order_count), 0) as affected_rows,
        coalesce(sum(order_count), 0) as checked_rows
    from (
        select sum(order_count) as order_count
        from stretches
        group by stretch_number
    ) as orders_of_stretches
),

order_totals as (
    select
        order_id,
        sum(price + freight) as order_total
    from {{ ref('stg_olist__order_items') }}
    group by order_id
),

payment_totals as (
    select
        order_id,
        sum(amount) as payment_total
    from {{ ref('stg_olist__order_payments') }}
    group by order_id
),

payment_differences as (
    select
        'payment_differs_from_total' as rule_name,
        'stg_olist__order_payments' as table_name,
        'an order whose payments differ from items plus freight by more than a cent' as breach,
        'kept; spend is items plus freight' as treatment,
        false as is_unexpected,
        count(case when abs(payment_totals.payment_total - order_totals.order_total) > 0.01 then 1 end)
            as affected_rows,
        count(*) as checked_rows
    from order_totals
    inner join payment_totals on order_totals.order_id = payment_totals.order_id
),

all_rules as (
    select * from duplicate_rows
    union all
    select * from unmatched_rows
    union all
    select * from condition_rows
    union all
    select * from reused_review_ids
    union all
    select * from reviews_before_purchase
    union all
    select * from purchases_apart
    union all
    select * from payment_differences
),

final as (
    select
        table_name,
        rule_name,
        breach,
        treatment,
        is_unexpected,
        cast(affected_rows as bigint) as affected_rows,
        cast(checked_rows as bigint) as checked_rows,
        coalesce(cast(affected_rows as double) / nullif(checked_rows, 0), 0) as affected_share
    from all_rules
)

select * from final
order by table_name, rule_name
