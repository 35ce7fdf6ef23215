-- A warning, not an error: the rows are kept or left out as `treatment` says, and somebody should know.
{{ config(severity='warn', meta={'told': true}) }}

select
    table_name,
    rule_name,
    affected_rows,
    checked_rows,
    treatment,
    concat(
        'data_quality: ', cast(affected_rows as {{ dbt.type_string() }}), ' of ',
        cast(checked_rows as {{ dbt.type_string() }}), ' rows of ', table_name, ' break the rule ', rule_name,
        case when shop.connector = 'olist' then ', which no row of the real export does: ' else ': ' end, treatment, '.'
    ) as sentence
from {{ ref('data_quality') }}
cross join {{ ref('shop') }} as shop
where is_unexpected and affected_rows > 0
