select
    file_name || ', row ' || cast(file_row as string) || ': '
    || case
        when date is null then 'the date is missing: fill it in, or remove the row.'
        else '''' || coalesce(amount_text, '') || ''' is no amount: write it with a point, like 12.50.'
    end as sentence
from all_rows
where date is null or amount is null

union all

select
    'the transaction of customer ' || customer || ' on ' || date || ' over ' || cast(amount as string) || ' stands in '
    || min(file_name) || ' and in ' || max(file_name) || ': keep exports whose days do not overlap.' as sentence
from all_rows
group by customer, date, amount
having count(distinct file_name) > 1
order by sentence
