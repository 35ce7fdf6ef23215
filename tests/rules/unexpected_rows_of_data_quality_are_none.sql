-- A warning, not an error: the rows are kept or left out as `treatment` says, and somebody should know.
{{ config(severity='warn') }}

select
    table_name,
    rule_name,
    affected_rows,
    checked_rows,
    treatment
from {{ ref('data_quality') }}
where is_unexpected and affected_rows > 0
