-- A rule is unexpected exactly when the full export is known to have no such row; each known rule must exist.
with

known_rules as (
    {%- for table_name, rules in full_export_rule_counts().items() -%}
        {%- set is_first_table = loop.first -%}
        {%- for rule_name in rules %}
            {{ "union all" if not (is_first_table and loop.first) }}
            select
                {{ sql_text(table_name) }} as table_name,
                {{ sql_text(rule_name) }} as rule_name
        {%- endfor -%}
    {%- endfor %}
)

select
    known_rules.rule_name as known_rule,
    data_quality.rule_name,
    data_quality.is_unexpected,
    coalesce(data_quality.table_name, known_rules.table_name) as table_name
from (
    -- Another shop has counts of its own, and expects what it does not tell.
    select quality.*
    from {{ ref('data_quality') }} as quality
    cross join {{ ref('shop') }} as shop
    where shop.connector = 'olist'
) as data_quality
full outer join known_rules
    on data_quality.table_name = known_rules.table_name and data_quality.rule_name = known_rules.rule_name
where
    (data_quality.is_unexpected is null or data_quality.is_unexpected = (known_rules.rule_name is not null))
    and exists (
        select 1 from {{ ref('shop') }} as shop_read
        where shop_read.connector = 'olist'
    )
    -- dbt build --empty reads no row of a table.
    and {{ not flags.EMPTY }}
