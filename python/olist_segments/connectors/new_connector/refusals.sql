-- What stops a build, in one sentence: the first row is told. A status that no condition names would be lost money.
with

unknown as (
    select
        'order ' || order_number || ' has the status ''' || coalesce(status, '') || ''', which no condition of '
        || 'connector.yml names: add it to purchase, cancelled or refunded.' as sentence
    from order_lines
    where
        not coalesce({{ purchase }}, false) and not coalesce({{ cancelled }}, false)
        and not coalesce({{ refunded }}, false) and not coalesce({{ test_account }}, false)
),

in_two_files as (
    select
        'order ' || order_number || ' stands in ' || min(file_name) || ' and in ' || max(file_name)
        || ': keep exports that do not overlap.' as sentence
    from order_lines
    group by order_number
    having count(distinct file_name) > 1
)

select sentence
from (
    select * from unknown
    union all
    select * from in_two_files
) as faults
order by sentence
