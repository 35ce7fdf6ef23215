-- A warning, not an error: the rows are kept or left out as `treatment` says, and somebody should know.
{{ config(severity='warn', meta={'told': true}) }}

select
    quality.table_name,
    quality.rule_name,
    quality.affected_rows,
    quality.checked_rows,
    quality.treatment,
    concat(
        'data_quality: ', cast(quality.affected_rows as {{ dbt.type_string() }}), ' of ',
        cast(quality.checked_rows as {{ dbt.type_string() }}), ' rows of ', quality.table_name, ' break the rule ',
        quality.rule_name,
        case when shop.connector = 'olist' then ', which no row of the real export does: ' else ': ' end,
        quality.treatment, '.'
    ) as sentence
from {{ ref('data_quality') }} as quality
cross join {{ ref('shop') }} as shop
where quality.is_unexpected and quality.affected_rows > 0
