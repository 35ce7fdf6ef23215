-- A warning, not an error: the tables are right as far as they go, and somebody should read the sentence.
{{ config(severity='warn', meta={'told': true}) }}

select
    warning_name,
    affected_count,
    sentence
from {{ ref('build_warnings') }}
where severity = 'warning'
