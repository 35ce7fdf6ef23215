with

numbered as (
    select
        *,
        file_name || ', row ' || cast(file_row as string) || ': ' as place,
        row_number() over (partition by file_name, name order by file_row) as row_of_order,
        count(*) over (partition by file_name, name) as row_count,
        min(file_row) over (partition by file_name, name) as first_row,
        max(file_row) over (partition by file_name, name) as last_row,
        min(file_name) over (partition by name) as first_file,
        max(file_name) over (partition by name) as last_file
    from orders_export
),

faults as (
    select
        file_name,
        file_row,
        place,
        case
            when name is null
                then 'the row has no Name, which is the number of its order: export the orders again.'
            when row_of_order = 1 and first_file <> last_file
                then 'order ' || name || ' is in ' || last_file || ' as well: keep the newer of the two files, or '
                    || 'export each day once.'
            when row_of_order = 1 and last_row - first_row + 1 <> row_count
                then 'the rows of order ' || name || ' do not stand together: export the orders again, and do not sort '
                    || 'the file.'
            when row_of_order = 1 and (financial_status is null or total is null or created_at is null)
                then 'order ' || name || ' has no ' || case
                    when financial_status is null then 'Financial Status'
                    when total is null then 'Total'
                    else 'Created at'
                end || ' in its first row: export the orders again, and do not sort the file.'
            when row_of_order = 1 and created_at not like '____-__-__ __:__:__%'
                then 'Created at ''' || created_at || ''' is not written like 2018-05-31 10:00:00 -0300: take the file '
                    || 'as Shopify sends it, not as a spreadsheet saves it.'
            when row_of_order = 1 and total is not null and try_cast(total as decimal(18, 2)) is null
                then 'Total ''' || total || ''' is not an amount like 1250.50: take the file as Shopify sends it.'
            when row_of_order = 1 and shipping is not null and try_cast(shipping as decimal(18, 2)) is null
                then 'Shipping ''' || shipping || ''' is not an amount like 12.50: take the file as Shopify sends it.'
            when
                row_of_order = 1 and refunded_amount is not null
                and try_cast(refunded_amount as decimal(18, 2)) is null
                then 'Refunded Amount ''' || refunded_amount || ''' is not an amount like 12.50: take the file as '
                    || 'Shopify sends it.'
            when lineitem_price is not null and try_cast(lineitem_price as decimal(18, 2)) is null
                then 'Lineitem price ''' || lineitem_price || ''' is not an amount like 12.50: take the file as '
                    || 'Shopify sends it.'
            when lineitem_quantity is not null and try_cast(lineitem_quantity as integer) is null
                then 'Lineitem quantity ''' || lineitem_quantity || ''' is not a whole number: take the file as '
                    || 'Shopify sends it.'
        end as fault
    from numbered
),

unknown_statuses as (
    select
        file_name,
        file_row,
        file_name || ', row ' || cast(file_row as string) || ': ' as place,
        'the Financial Status ''' || coalesce(financial_status, '') || ''' of order ' || order_id || ' is not known: '
        || 'say under conditions of connector.yml whether it is a purchase.' as fault
    from placed
    where fate = 'unknown' and order_id is not null
)

select place || fault as sentence
from (
    select file_name, file_row, 1 as kind, place, fault from faults where fault is not null
    union all
    select file_name, file_row, 2 as kind, place, fault from unknown_statuses
) as all_faults
order by kind, file_name, file_row
