{#-
  What is known of the full Kaggle export: a query with one row per fact (fact, expected, actual), the actual figure
  taken from the tables of this build. On another marketplace the figures differ: compare only when `raw_tables_have`
  the `full_export_row_counts`. A figure that differs is a warning: a rounded or corrected copy is still useful.
-#}
{% macro full_export_facts() %}
    {%- set orders = ref("orders") -%}
    {%- set staged_orders = ref("stg_olist__orders") -%}
    {%- set staged_customers = ref("stg_olist__customers") -%}
    {%- set items = ref("stg_olist__order_items") -%}
    {%- set payments = ref("stg_olist__order_payments") -%}
    {%- set reviews = ref("stg_olist__order_reviews") -%}
    {%- set customers = ref("customers") -%}
    {%- set months = ref("order_months") -%}
    {%- set as_of_dates = ref("as_of_dates") -%}
    {%- set data_quality = ref("data_quality") -%}
    {%- set features = ref("customer_features") -%}
    {%- set as_number = "year({0}) * 10000 + month({0}) * 100 + day({0})" -%}

    {#- fact, expected figure, table, figure of the table, condition on its rows -#}
    {%- set facts = [
        ("orders", 99441, orders, "count(*)", "true"),
        ("orders that staging keeps", 99441, staged_orders, "count(*)", "true"),
        ("order items", 112650, items, "count(*)", "true"),
        ("payments", 103886, payments, "count(*)", "true"),
        ("reviews", 99224, reviews, "count(*)", "true"),
        ("customer records", 99441, staged_customers, "count(*)", "true"),
        ("products", 32951, ref("stg_olist__products"), "count(*)", "true"),
        ("sellers", 3095, ref("stg_olist__sellers"), "count(*)", "true"),
        ("points without exact copies", 738332, ref("stg_olist__geolocation"), "count(*)", "true"),
        ("product categories", 71, ref("stg_olist__product_categories"), "count(*)", "true"),
        ("persons", 96096, customers, "count(*)", "true"),
        ("persons with one order", 93099, customers, "count(*)", "order_count = 1"),
        ("persons with several orders", 2997, customers, "count(*)", "order_count > 1"),
        ("most orders of a person", 17, customers, "max(order_count)", "true"),
        ("persons with several zip prefixes", 250, customers, "count(*)", "zip_code_prefix_count > 1"),
        ("persons with several states", 39, customers, "count(*)", "state_count > 1"),
        ("orders without a person", 0, orders, "count(*)", "customer_unique_id is null"),
        ("orders delivered", 96478, orders, "count(*)", "order_status = 'delivered'"),
        ("orders shipped", 1107, orders, "count(*)", "order_status = 'shipped'"),
        ("orders canceled", 625, orders, "count(*)", "order_status = 'canceled'"),
        ("orders unavailable", 609, orders, "count(*)", "order_status = 'unavailable'"),
        ("orders invoiced", 314, orders, "count(*)", "order_status = 'invoiced'"),
        ("orders processing", 301, orders, "count(*)", "order_status = 'processing'"),
        ("orders created", 5, orders, "count(*)", "order_status = 'created'"),
        ("orders approved", 2, orders, "count(*)", "order_status = 'approved'"),
        ("orders without item", 775, orders, "count(*)", "item_count = 0"),
        ("unavailable orders without item", 603, orders, "count(*)", "item_count = 0 and order_status = 'unavailable'"),
        ("canceled orders without item", 164, orders, "count(*)", "item_count = 0 and order_status = 'canceled'"),
        ("orders without payment", 1, orders, "count(*)", "payment_count = 0"),
        ("orders without review", 768, orders, "count(*)", "review_count = 0"),
        (
            "orders that an inner join with items, payments and reviews loses", 1525, orders, "count(*)",
            "item_count = 0 or payment_count = 0 or review_count = 0"
        ),
        ("orders with several items", 9803, orders, "count(*)", "item_count > 1"),
        ("most items of an order", 21, orders, "max(item_count)", "true"),
        ("orders with several payments", 2961, orders, "count(*)", "payment_count > 1"),
        ("most payments of an order", 29, orders, "max(payment_count)", "true"),
        ("orders with several reviews", 547, orders, "count(*)", "review_count > 1"),
        ("most reviews of an order", 3, orders, "max(review_count)", "true"),
        ("review ids", 98410, reviews, "count(distinct review_id)", "true"),
        (
            "review ids on several orders", 789,
            "(select review_id from " ~ reviews ~ " group by review_id having count(*) > 1) as reused",
            "count(*)", "true"
        ),
        ("reviews of score 1, percent", 11.5, reviews, share_of_rows("review_score = 1", 1), "true"),
        ("reviews of score 2, percent", 3.2, reviews, share_of_rows("review_score = 2", 1), "true"),
        ("reviews of score 3, percent", 8.2, reviews, share_of_rows("review_score = 3", 1), "true"),
        ("reviews of score 4, percent", 19.3, reviews, share_of_rows("review_score = 4", 1), "true"),
        ("reviews of score 5, percent", 57.8, reviews, share_of_rows("review_score = 5", 1), "true"),
        ("payments by credit card", 76795, payments, "count(*)", "payment_type = 'credit_card'"),
        ("payments by boleto", 19784, payments, "count(*)", "payment_type = 'boleto'"),
        ("payments by voucher", 5775, payments, "count(*)", "payment_type = 'voucher'"),
        ("payments by debit card", 1529, payments, "count(*)", "payment_type = 'debit_card'"),
        ("payments not defined", 3, payments, "count(*)", "payment_type = 'not_defined'"),
        ("amount of payments not defined", 0, payments, "sum(amount)", "payment_type = 'not_defined'"),
        ("payments of zero", 9, payments, "count(*)", "amount = 0"),
        ("items and freight, BRL", 15843553.24, orders, "sum(order_total)", "true"),
        ("payments, BRL", 16008872.12, orders, "sum(payment_total)", "true"),
        ("median price, BRL", 74.99, items, "percentile_cont(0.5) within group (order by price)", "true"),
        ("mean price, BRL", 120.65, items, "sum(price) / count(*)", "true"),
        ("highest price, BRL", 6735, items, "max(price)", "true"),
        ("orders of 2016-09", 4, months, "max(order_count)", "month_start = cast('2016-09-01' as date)"),
        ("orders of 2016-10", 324, months, "max(order_count)", "month_start = cast('2016-10-01' as date)"),
        ("orders of 2016-11", 0, months, "max(order_count)", "month_start = cast('2016-11-01' as date)"),
        ("orders of 2016-12", 1, months, "max(order_count)", "month_start = cast('2016-12-01' as date)"),
        ("orders of 2017-01", 800, months, "max(order_count)", "month_start = cast('2017-01-01' as date)"),
        ("orders of 2017-11", 7544, months, "max(order_count)", "month_start = cast('2017-11-01' as date)"),
        ("orders of 2018-09", 16, months, "max(order_count)", "month_start = cast('2018-09-01' as date)"),
        ("orders of 2018-10", 4, months, "max(order_count)", "month_start = cast('2018-10-01' as date)"),
        ("first month of the window", 20170101, months, as_number.format("min(month_start)"), "is_in_window"),
        ("last month of the window", 20180801, months, as_number.format("max(month_start)"), "is_in_window"),
        ("orders in the window", 99092, months, "sum(order_count)", "is_in_window"),
        ("as-of dates", 20, as_of_dates, "count(*)", "true"),
        ("newest as-of date", 20180831, as_of_dates, as_number.format("max(as_of_date)"), "is_newest"),
        ("date of today's features", 20180831, features, as_number.format("min(as_of_date)"), "true"),
        (
            "last purchase that was delivered", 20180829, orders, as_number.format("max(purchase_date)"),
            "order_status = 'delivered'"
        ),
        ("rows that the export should not have", 0, data_quality, "sum(affected_rows)", "is_unexpected"),
        ("states", 27, staged_customers, "count(distinct state)", "true"),
        ("orders from SP, percent", 42, staged_customers, share_of_rows("state = 'SP'", 0), "true"),
        ("orders from RJ, percent", 13, staged_customers, share_of_rows("state = 'RJ'", 0), "true"),
        ("orders from MG, percent", 12, staged_customers, share_of_rows("state = 'MG'", 0), "true"),
        ("orders from RS, percent", 5.5, staged_customers, share_of_rows("state = 'RS'", 1), "true"),
        ("orders from PR, percent", 5, staged_customers, share_of_rows("state = 'PR'", 0), "true"),
        ("orders from SC, percent", 3.7, staged_customers, share_of_rows("state = 'SC'", 1), "true"),
        ("orders from BA, percent", 3.4, staged_customers, share_of_rows("state = 'BA'", 1), "true"),
        ("orders delivered late, percent", 8, orders, share_of_rows("is_late", 0), "delivered_at is not null"),
    ] -%}
    {%- for table_name, rules in full_export_rule_counts().items() -%}
        {%- for rule_name, count in rules.items() -%}
            {%- set condition = "table_name = " ~ sql_text(table_name) ~ " and rule_name = " ~ sql_text(rule_name) -%}
            {%- do facts.append(
                ("rows of " ~ table_name ~ " under " ~ rule_name, count, data_quality, "max(affected_rows)", condition)
            ) -%}
        {%- endfor -%}
    {%- endfor %}

    {%- for fact, expected, table, figure, condition in facts %}
    {{ "union all" if not loop.first }}
    select
        {{ sql_text(fact) }} as fact,
        cast({{ expected }} as decimal(18, 2)) as expected,
        cast((select {{ figure }} from {{ table }} where {{ condition }}) as decimal(18, 2)) as actual
    {%- endfor %}
{% endmacro %}

{#- The percentage of rows for which a condition is true, rounded to so many digits. -#}
{% macro share_of_rows(condition, digits) -%}
    {%- do return(
        "round(100.0 * count(case when " ~ condition ~ " then 1 end) / nullif(count(*), 0), " ~ digits ~ ")"
    ) -%}
{%- endmacro %}

{#- A decimal as text: without decimals where it is whole; nothing where it is null. -#}
{% macro shown_number(value) -%}
    coalesce(
        case
            when {{ value }} = floor({{ value }}) then cast(cast({{ value }} as bigint) as {{ dbt.type_string() }})
            else cast({{ value }} as {{ dbt.type_string() }})
        end,
        'nothing'
    )
{%- endmacro %}

{#-
  Rows that break a rule of data_quality in the full export: staging model → rule → number; a rule that is missing here
  has none. Measured, where no analysis has published the figure.
-#}
{% macro full_export_rule_counts() %}
    {% do return({
        "stg_olist__customers": {
            "city_with_odd_characters": 1,
            "no_geolocation_for_zip_code_prefix": 278,
        },
        "stg_olist__geolocation": {
            "city_with_odd_characters": 31,
            "duplicate_key": 261831,
            "point_outside_brazil": 27,
            "zip_code_prefix_in_several_states": 8,
        },
        "stg_olist__order_items": {
            "freight_of_zero": 383,
            "shipping_limit_long_after_purchase": 4,
        },
        "stg_olist__order_payments": {
            "payment_differs_from_total": 303,
            "payment_in_zero_installments": 2,
            "payment_numbers_with_gaps": 80,
            "payment_of_zero": 9,
            "payment_type_not_defined": 3,
        },
        "stg_olist__order_reviews": {
            "review_answered_after_newest_purchase": 336,
            "review_answered_before_delivery": 4796,
            "review_answered_before_purchase": 63,
            "review_id_on_several_orders": 1603,
            "survey_sent_before_purchase": 64,
        },
        "stg_olist__orders": {
            "delivered_after_newest_purchase": 53,
            "delivered_before_approval": 61,
            "delivered_before_handover": 23,
            "delivered_by_date_not_by_status": 6,
            "delivered_without_approval": 14,
            "delivered_without_date": 8,
            "delivered_without_handover": 2,
            "handed_over_before_approval": 1359,
            "handed_over_before_purchase": 166,
            "no_order_items_for_order_id": 775,
            "no_order_payments_for_order_id": 1,
            "no_order_reviews_for_order_id": 768,
        },
        "stg_olist__products": {
            "no_product_categories_for_category_name": 13,
            "product_with_measure_of_zero": 4,
            "product_without_category": 610,
            "product_without_description": 610,
            "product_without_measures": 2,
        },
        "stg_olist__sellers": {
            "city_with_odd_characters": 24,
            "no_geolocation_for_zip_code_prefix": 7,
        },
    }) %}
{% endmacro %}

{#- Rows of each of the nine files in the full export. -#}
{% macro full_export_row_counts() %}
    {% do return({
        "olist_orders_dataset": 99441,
        "olist_customers_dataset": 99441,
        "olist_order_items_dataset": 112650,
        "olist_order_payments_dataset": 103886,
        "olist_order_reviews_dataset": 99224,
        "olist_products_dataset": 32951,
        "olist_sellers_dataset": 3095,
        "olist_geolocation_dataset": 1000163,
        "product_category_name_translation": 71,
    }) %}
{% endmacro %}

{#-
  A SQL condition, true when the raw tables have exactly these numbers of rows.

  Arguments:
    row_counts: raw table name → number of rows.
-#}
{% macro raw_tables_have(row_counts) -%}
    (
        {%- for table_name, row_count in row_counts.items() %}
        {{ "and " if not loop.first }}(select count(*) from {{ source("olist", table_name) }}) = {{ row_count }}
        {%- endfor %}
    )
{%- endmacro %}
