-- What stops a build, in one sentence: the first row is told.
select
    'order ' || order_number || ' stands in ' || min(file_name) || ' and in ' || max(file_name)
    || ': keep exports that do not overlap.' as sentence
from order_lines
group by order_number
having count(distinct file_name) > 1
order by order_number
