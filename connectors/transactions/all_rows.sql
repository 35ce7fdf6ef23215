with

rows_of_all_files as (
    select
        customer,
        date,
        amount,
        file_name,
        file_row
    from transactions
    union all
    select
        customer,
        date,
        amount,
        file_name,
        file_row
    from spaced_transactions
)

select
    customer,
    case
        when length(date) = 8 and date not like '%-%'
            then substring(date, 1, 4) || '-' || substring(date, 5, 2) || '-' || substring(date, 7, 2)
        else substring(date, 1, 10)
    end as date,
    try_cast(amount as decimal(18, 2)) as amount,
    amount as amount_text,
    file_name,
    file_row
from rows_of_all_files
