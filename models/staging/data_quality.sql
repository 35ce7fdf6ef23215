{#- What a rule may look at besides the columns of its table. -#}
{%- set orders_of_newest_purchase -%}
    (
        select
            orders.*,
            newest_purchase.newest_purchased_at
        from {{ ref('stg_olist__orders') }} as orders
        cross join newest_purchase
    ) as orders_of_newest_purchase
{%- endset -%}
{%- set items_of_orders -%}
    (
        select
            items.*,
            orders.purchased_at
        from {{ ref('stg_olist__order_items') }} as items
        left join {{ ref('stg_olist__orders') }} as orders on items.order_id = orders.order_id
    ) as items_of_orders
{%- endset -%}
{%- set reviews_of_orders -%}
    (
        select
            reviews.*,
            orders.purchased_at,
            orders.delivered_at,
            newest_purchase.newest_purchased_at
        from {{ ref('stg_olist__order_reviews') }} as reviews
        left join {{ ref('stg_olist__orders') }} as orders on reviews.order_id = orders.order_id
        cross join newest_purchase
    ) as reviews_of_orders
{%- endset -%}
{%- set relations = {
    'stg_olist__orders': orders_of_newest_purchase,
    'stg_olist__order_items': items_of_orders,
    'stg_olist__order_reviews': reviews_of_orders,
} -%}

with

shop as (
    select
        coalesce(max(case when connector = 'olist' then 1 end), 0) as is_olist,
        coalesce(max(case when country = 'BR' then 1 end), 0) as is_brazil
    from {{ source('input', 'shop') }}
),

-- The tables are read where they are checked: a CTE that is read several times is kept whole.
duplicate_rows as (
    {% for raw_table, staged_table in data_quality_tables() %}
        {{ "union all" if not loop.first }}
        select
            'duplicate_key' as rule_name,
            {{ sql_text(staged_table) }} as table_name,
            'a row whose key another row has'
            || {{ sql_text(' (exact copies only)' if staged_table == 'stg_olist__geolocation' else '') }} as breach,
            'one row per key is kept, the others are left out' as treatment,
            {{ staged_table != 'stg_olist__geolocation' }} as is_unexpected,
            checked.row_count - kept.row_count as affected_rows,
            checked.row_count as checked_rows
        from (select count(*) as row_count from {{ source('olist', raw_table) }}) as checked
        cross join (select count(*) as row_count from {{ ref(staged_table) }}) as kept
    {% endfor %}
),

unmatched_rows as (
    {% for child, child_column, parent, parent_column, is_known, treatment in data_quality_references() %}
        {{ "union all" if not loop.first }}
        select
            {{ sql_text('no_' ~ parent | replace('stg_olist__', '') ~ '_for_' ~ child_column) }} as rule_name,
            {{ sql_text(child) }} as table_name,
            {{ sql_text(
                ('an ' if child_column[0] in 'aeiou' else 'a ') ~ child_column ~ ' that is absent from ' ~ parent
            ) }}
                as breach,
            {{ sql_text(treatment) }} as treatment,
            {{ 'false' if is_known else 'coalesce(max(parent_table.row_count), 0) > 0' }} as is_unexpected,
            count(
                case
                    when
                        child_rows.{{ child_column }} is not null
                        and parent_keys.key_value is null
                        and parent_table.row_count > 0
                        then 1
                end
            ) as affected_rows,
            count(*) as checked_rows
        from {{ ref(child) }} as child_rows
        -- A table that the shop does not have lacks nothing.
        cross join (select count(*) as row_count from {{ ref(parent) }}) as parent_table
        left join (select distinct {{ parent_column }} as key_value from {{ ref(parent) }}) as parent_keys
            on child_rows.{{ child_column }} = parent_keys.key_value
    {% endfor %}
),

orders_of_stretches as (
    {{ stretches_of_orders(ref('stg_olist__orders')) | indent(4) }}
),

stretches_ranked as (
    select
        *,
        row_number() over (order by order_count desc, stretch_number desc) as size_rank
    from orders_of_stretches
),

-- The last of the stretch with most orders: one purchase dated years ahead is not the newest.
newest_purchase as (
    select max(case when size_rank = 1 then last_valid_purchased_at end) as newest_purchased_at from stretches_ranked
),

{% for table_name, rules in data_quality_checks() %}
-- One scan a table, whatever the number of its rules.
counts_of_{{ table_name }} as (
    select
        {% for rule in rules %}
            count(case when {{ rule[1] }} then 1 end) as {{ rule[0] }},
        {% endfor %}
        {% for column in data_quality_columns(rules) %}
            count({{ column }}) as known_{{ column }},
        {% endfor %}
        count(*) as checked_rows
    from {{ relations.get(table_name) or ref(table_name) }}
),
{% endfor %}
condition_rows as (
    {% for table_name, rules in data_quality_checks() %}
        {% set is_first_table = loop.first %}
        {% for rule in rules %}
            {% set rule_name, condition, is_known, treatment = rule[:4] %}
            {#- A column that holds nothing is one that the shop does not tell: no rule is broken. -#}
            {% set told = [] %}
            {% for column in data_quality_columns([rule]) %}
                {% do told.append("(shop.is_olist = 1 or counts.known_" ~ column ~ " > 0)") %}
            {% endfor %}
            {% if rule_name in data_quality_rules_of_brazil() %}
                {% do told.append("shop.is_brazil = 1") %}
            {% endif %}
            {% set is_told = told | join(" and ") or "true" %}
            {{ "union all" if not (is_first_table and loop.first) }}
            select
                {{ sql_text(rule_name) }} as rule_name,
                {{ sql_text(table_name) }} as table_name,
                {{ sql_text(rule[4] or condition) }} as breach,
                {{ sql_text(treatment) }} as treatment,
                {{ "false" if is_known else is_told }} as is_unexpected,
                case when {{ is_told }} then counts.{{ rule_name }} else 0 end as affected_rows,
                counts.checked_rows
            from counts_of_{{ table_name }} as counts
            {%- if "shop." in is_told %}
            cross join shop
            {%- endif %}
        {% endfor %}
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

purchases_apart as (
    select
        'purchase_apart_from_the_others' as rule_name,
        'stg_olist__orders' as table_name,
        'an order that half a year without orders parts from most' as breach,
        'kept in orders; history runs from the first to the newest month with data' as treatment,
        true as is_unexpected,
        coalesce(sum(order_count) - max(order_count), 0) as affected_rows,
        coalesce(sum(order_count), 0) as checked_rows
    from orders_of_stretches
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

numbers_with_gaps as (
    {% for table_name, number, rule_name, is_known, treatment in data_quality_numberings() %}
        {{ "union all" if not loop.first }}
        select
            {{ sql_text(rule_name) }} as rule_name,
            {{ sql_text(table_name) }} as table_name,
            {{ sql_text('an order whose ' ~ number ~ ' does not run from 1 without a gap') }} as breach,
            {{ sql_text(treatment) }} as treatment,
            {{ not is_known }} as is_unexpected,
            count(case when last_number <> row_count then 1 end) as affected_rows,
            count(*) as checked_rows
        from (
            select
                max({{ number }}) as last_number,
                count(*) as row_count
            from {{ ref(table_name) }}
            group by order_id
        ) as orders_of_{{ number }}
    {% endfor %}
),

prefixes_in_several_states as (
    select
        'zip_code_prefix_in_several_states' as rule_name,
        'stg_olist__geolocation' as table_name,
        'a zip_code_prefix with points in more than one state' as breach,
        'kept as it is' as treatment,
        false as is_unexpected,
        count(case when first_state <> last_state then 1 end) as affected_rows,
        count(*) as checked_rows
    from (
        select
            min(state) as first_state,
            max(state) as last_state
        from {{ ref('stg_olist__geolocation') }}
        group by zip_code_prefix
    ) as prefixes
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
    select * from purchases_apart
    union all
    select * from payment_differences
    union all
    select * from numbers_with_gaps
    union all
    select * from prefixes_in_several_states
    union all
    -- What the connector met on the way from the shop's files.
    select
        rule_name,
        table_name,
        breach,
        treatment,
        is_unexpected,
        affected_rows,
        checked_rows
    from {{ source('input', 'input_counts') }}
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
