with

faults as (
    select
        file_name || ', row ' || cast(file_row as string) || ': '
        || case
            when invoice is null then 'the number of the invoice is missing: fill it in, or remove the row.'
            when invoiced_at is null then 'the date is missing: fill it in, or remove the row.'
            when quantity is null
                then '''' || coalesce(quantity_text, '') || ''' is no quantity: write a whole number.'
            else '''' || coalesce(unit_price_text, '') || ''' is no price: write it with a point, like 12.50.'
        end as sentence,
        file_name,
        file_row
    from lines
    where invoice is null or invoiced_at is null or quantity is null or unit_price is null
),

twice as (
    select
        'invoice ' || invoice || ' stands in ' || min(file_name) || ' and in ' || max(file_name)
        || ': keep exports that do not overlap.' as sentence,
        min(file_name) as file_name,
        0 as file_row
    from lines
    group by invoice
    having count(distinct file_name) > 1
),

of_several_customers as (
    select
        'invoice ' || invoice || ' is of customer ' || min(customer) || ' and of ' || max(customer)
        || ': one invoice has one customer.' as sentence,
        min(file_name) as file_name,
        0 as file_row
    from lines
    group by invoice
    having count(distinct customer) > 1
)

select sentence
from (
    select * from faults
    union all
    select * from twice
    union all
    select * from of_several_customers
) as all_faults
order by file_name, file_row, sentence
