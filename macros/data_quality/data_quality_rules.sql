{#- What data_quality checks, as data: the model of that name makes SQL of it. -#}

{#- The raw tables, each with the staging model that keeps one row per key of it. -#}
{% macro data_quality_tables() %}
    {% do return([
        ('olist_orders_dataset', 'stg_olist__orders'),
        ('olist_customers_dataset', 'stg_olist__customers'),
        ('olist_order_items_dataset', 'stg_olist__order_items'),
        ('olist_order_payments_dataset', 'stg_olist__order_payments'),
        ('olist_order_reviews_dataset', 'stg_olist__order_reviews'),
        ('olist_products_dataset', 'stg_olist__products'),
        ('olist_sellers_dataset', 'stg_olist__sellers'),
        ('olist_geolocation_dataset', 'stg_olist__geolocation'),
        ('product_category_name_translation', 'stg_olist__product_categories'),
    ]) %}
{% endmacro %}

{#- Numbers that run from 1 within an order: table, column, rule, whether the export has gaps in them, what is done. -#}
{% macro data_quality_numberings() %}
    {% do return([
        (
            'stg_olist__order_items', 'order_item_number', 'item_numbers_with_gaps', false,
            'kept; an item, and its money, may be missing'
        ),
        ('stg_olist__order_payments', 'payment_number', 'payment_numbers_with_gaps', true, 'kept as it is'),
    ]) %}
{% endmacro %}

{#-
  Rows whose key another table lacks. One entry per reference: child, its column, parent, its column, whether the export
  itself is known to have such rows, what is done.
-#}
{% macro data_quality_references() %}
    {% set not_an_order = 'kept in staging; belongs to no row of orders' %}
    {% do return([
        (
            'stg_olist__orders', 'customer_id', 'stg_olist__customers', 'customer_id', false,
            'kept in orders; its customer is null'
        ),
        ('stg_olist__order_items', 'order_id', 'stg_olist__orders', 'order_id', false, not_an_order),
        (
            'stg_olist__order_items', 'product_id', 'stg_olist__products', 'product_id', false,
            'kept; category is unknown'
        ),
        ('stg_olist__order_items', 'seller_id', 'stg_olist__sellers', 'seller_id', false, 'kept; seller is unknown'),
        ('stg_olist__order_payments', 'order_id', 'stg_olist__orders', 'order_id', false, not_an_order),
        ('stg_olist__order_reviews', 'order_id', 'stg_olist__orders', 'order_id', false, not_an_order),
        ('stg_olist__customers', 'customer_id', 'stg_olist__orders', 'customer_id', false, not_an_order),
        (
            'stg_olist__products', 'category_name', 'stg_olist__product_categories', 'category_name', true,
            'kept; the Portuguese name is used'
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
    ]) %}
{% endmacro %}

{#-
  Rows that are odd in themselves. One entry per table: the staging model and its rules. A rule: its name, the condition
  of a breach over the columns that data_quality reads of the table, whether the export itself is known to have such
  rows, what is done; and the breach in words, where engines write the condition differently or nobody could read it.
-#}
{% macro data_quality_checks() %}
    {% set max_days = checked_var('max_days_after_purchase') %}
    {% set as_it_is = 'kept as it is' %}
    {% set time_unknown = 'kept; the time is taken as unknown' %}
    {% set answer_unknown = 'kept; used at no date, because its answer time is unknown' %}
    {% set place_unknown = 'kept; counted under unknown' %}
    {% set city_is_odd = "not " ~ matches_whole('city', "[A-Za-zÀ-ÖØ-öø-ÿ '.-]+") %}
    {% set odd_city = 'a city with digits or signs that stand in no name of a place' %}
    {% set state_is_unknown = "state is not null and not " ~ is_among('state', states_of_brazil()) %}
    {% set odd_state = 'a state that is none of the 27 of Brazil' %}
    {% do return([
        ('stg_olist__orders', [
            ('missing_order_status', 'order_status is null', false, 'kept as unknown, which counts as a purchase'),
            ('missing_purchase_time', 'purchased_at is null', false, 'kept in orders; not a valid purchase'),
            ('missing_promised_date', 'estimated_delivery_at is null', false, 'kept; neither late nor on time'),
            (
                'delivered_without_approval', "order_status = 'delivered' and approved_at is null", true, as_it_is
            ),
            (
                'delivered_without_handover', "order_status = 'delivered' and handed_to_carrier_at is null", true,
                as_it_is
            ),
            (
                'delivered_without_date', "order_status = 'delivered' and delivered_at is null", true,
                'kept; never counted as delivered or late'
            ),
            (
                'delivered_by_date_not_by_status', "order_status <> 'delivered' and delivered_at is not null", true,
                'kept; the status says whether it is a purchase, the date when it came'
            ),
            ('approved_before_purchase', 'approved_at < purchased_at', false, time_unknown),
            (
                'approved_long_after_purchase', is_long_after('approved_at', 'purchased_at', max_days.delivery), false,
                time_unknown
            ),
            ('handed_over_before_purchase', 'handed_to_carrier_at < purchased_at', true, time_unknown),
            (
                'handed_over_long_after_purchase',
                is_long_after('handed_to_carrier_at', 'purchased_at', max_days.delivery), false, time_unknown
            ),
            ('delivered_before_purchase', 'delivered_at < purchased_at', false, 'kept; not known to be delivered'),
            (
                'delivered_long_after_purchase', is_long_after('delivered_at', 'purchased_at', max_days.delivery),
                false, 'kept; not known to be delivered'
            ),
            (
                'promised_before_purchase', 'estimated_delivery_at < cast(purchased_at as date)', false,
                'kept; neither late nor on time'
            ),
            (
                'promised_long_after_purchase',
                is_long_after('estimated_delivery_at', 'cast(purchased_at as date)', max_days.delivery), false,
                'kept; neither late nor on time'
            ),
            ('handed_over_before_approval', 'handed_to_carrier_at < approved_at', true, as_it_is),
            ('delivered_before_approval', 'delivered_at < approved_at', true, as_it_is),
            ('delivered_before_handover', 'delivered_at < handed_to_carrier_at', true, 'kept; the delivery counts'),
            (
                'delivered_after_newest_purchase', 'delivered_at > newest_purchased_at', true,
                'kept; later than every as-of date, so used at none'
            ),
        ]),
        ('stg_olist__customers', [
            ('missing_zip_code_prefix', 'zip_code_prefix is null', false, 'kept; has no coordinates'),
            ('missing_city', 'city is null', false, place_unknown),
            ('missing_state', 'state is null', false, place_unknown),
            ('state_not_of_brazil', state_is_unknown, false, 'kept; a state of its own', odd_state),
            ('city_with_odd_characters', city_is_odd, true, as_it_is, odd_city),
        ]),
        ('stg_olist__order_items', [
            ('missing_product_id', 'product_id is null', false, 'kept; category is unknown'),
            ('missing_seller_id', 'seller_id is null', false, 'kept; not counted among the sellers'),
            ('missing_shipping_limit', 'shipping_limit_at is null', false, as_it_is),
            ('shipping_limit_before_purchase', 'shipping_limit_at < purchased_at', false, as_it_is),
            (
                'shipping_limit_long_after_purchase',
                is_long_after('shipping_limit_at', 'purchased_at', max_days.delivery), true, as_it_is
            ),
            ('item_price_of_zero', 'price = 0', false, as_it_is),
            ('freight_of_zero', 'freight = 0', true, as_it_is),
        ]),
        ('stg_olist__order_payments', [
            ('missing_payment_type', 'payment_type is null', false, as_it_is),
            ('missing_installments', 'installments is null', false, 'kept; not counted among the instalments'),
            ('payment_of_zero', 'amount = 0', true, as_it_is),
            ('payment_type_not_defined', "payment_type = 'not_defined'", true, as_it_is),
            ('payment_in_zero_installments', 'installments = 0', true, as_it_is),
        ]),
        ('stg_olist__order_reviews', [
            ('missing_review_score', 'review_score is null', false, 'kept in staging; counted as no review'),
            ('missing_answer_time', 'answered_at is null', false, answer_unknown),
            ('missing_survey_date', 'survey_sent_at is null', false, as_it_is),
            ('review_answered_before_purchase', 'answered_at < purchased_at', true, answer_unknown),
            (
                'review_answered_long_after_purchase', is_long_after('answered_at', 'purchased_at', max_days.review),
                false, answer_unknown
            ),
            (
                'review_answered_after_newest_purchase', 'answered_at > newest_purchased_at', true,
                'kept; later than every as-of date, so used at none'
            ),
            ('review_answered_before_survey', 'answered_at < survey_sent_at', false, 'kept; the answer counts'),
            ('review_answered_before_delivery', 'answered_at < delivered_at', true, 'kept; known from its answer on'),
            ('survey_sent_before_purchase', 'survey_sent_at < cast(purchased_at as date)', true, time_unknown),
            (
                'survey_sent_long_after_purchase',
                is_long_after('survey_sent_at', 'cast(purchased_at as date)', max_days.review), false, time_unknown
            ),
        ]),
        ('stg_olist__products', [
            ('product_without_category', 'category_name is null', true, 'kept; category is unknown'),
            (
                'product_without_description',
                'name_length is null or description_length is null or photo_count is null', true, as_it_is
            ),
            (
                'product_without_measures',
                'weight_g is null or length_cm is null or height_cm is null or width_cm is null', true, as_it_is
            ),
            (
                'product_with_measure_of_zero',
                'weight_g = 0 or length_cm = 0 or height_cm = 0 or width_cm = 0', true, as_it_is
            ),
        ]),
        ('stg_olist__sellers', [
            ('missing_zip_code_prefix', 'zip_code_prefix is null', false, 'kept; has no coordinates'),
            ('missing_city', 'city is null', false, as_it_is),
            ('missing_state', 'state is null', false, as_it_is),
            ('state_not_of_brazil', state_is_unknown, false, as_it_is, odd_state),
            ('city_with_odd_characters', city_is_odd, true, as_it_is, odd_city),
        ]),
        ('stg_olist__geolocation', [
            ('missing_coordinates', 'latitude is null or longitude is null', false, as_it_is),
            ('missing_city', 'city is null', false, as_it_is),
            ('missing_state', 'state is null', false, as_it_is),
            ('state_not_of_brazil', state_is_unknown, false, as_it_is, odd_state),
            ('city_with_odd_characters', city_is_odd, true, as_it_is, odd_city),
            (
                'point_outside_brazil',
                'latitude not between -33.8 and 5.3 or longitude not between -74 and -28.8', true, as_it_is
            ),
        ]),
        ('stg_olist__product_categories', [
            (
                'missing_english_name', 'category_name_english is null', false, 'kept; the Portuguese name is used'
            ),
        ]),
    ]) %}
{% endmacro %}

{#- The columns, among those that a shop may not tell, that the conditions of some rules look at. -#}
{% macro data_quality_columns(rules) %}
    {% set may_be_untold = (
        "approved_at handed_to_carrier_at delivered_at estimated_delivery_at zip_code_prefix city state product_id "
        ~ "seller_id shipping_limit_at payment_type installments review_score answered_at survey_sent_at category_name "
        ~ "name_length description_length photo_count weight_g length_cm height_cm width_cm latitude longitude "
        ~ "category_name_english"
    ).split(" ") %}
    {% set found = [] %}
    {% for rule in rules %}
        {% for column in may_be_untold %}
            {% if column not in found and modules.re.search("\\b" ~ column ~ "\\b", rule[1]) %}
                {% do found.append(column) %}
            {% endif %}
        {% endfor %}
    {% endfor %}
    {% do return(found) %}
{% endmacro %}

{#- The rules that hold for a shop whose customers all live in Brazil. -#}
{% macro data_quality_rules_of_brazil() %}
    {% do return(["state_not_of_brazil", "point_outside_brazil"]) %}
{% endmacro %}
