with

counted as (
    select
        (select count(*) from order_export) as exported_rows,
        (select count(*) from analytics_orders) as analytics_rows
),

numbered as (
    select
        *,
        file_name || ', row ' || cast(file_row as string) || ': ' as place,
        row_number() over (partition by file_name, order_id order by file_row) as row_of_order,
        count(*) over (partition by file_name, order_id) as row_count,
        min(file_row) over (partition by file_name, order_id) as first_row,
        max(file_row) over (partition by file_name, order_id) as last_row,
        -- Refunds may stand in a later file: an Analytics row is in two files if all of it is.
        min(file_name) over (
            partition by source_name, order_id, case when source_name = 'analytics_orders' then ordered_on || total end
        ) as first_file,
        max(file_name) over (
            partition by source_name, order_id, case when source_name = 'analytics_orders' then ordered_on || total end
        ) as last_file
    from entries
),

faults as (
    select
        file_name,
        file_row,
        place,
        case
            when order_id is null
                then 'the row has no order number: export the orders again.'
            when first_file <> last_file
                then 'order ' || order_id || ' is in ' || last_file || ' as well: keep the newer of the two files, or '
                    || 'export each day once.'
            when source_name = 'order_export' and row_of_order = 1 and last_row - first_row + 1 <> row_count
                then 'the rows of order ' || order_id || ' do not stand together: export the orders again, and do not '
                    || 'sort the file.'
            when
                (row_of_order = 1 or source_name = 'analytics_orders')
                and (status_text is null or ordered_on is null or total is null)
                then 'order ' || order_id || ' has no ' || case
                    when status_text is null then 'status'
                    when ordered_on is null then 'date'
                    else 'total'
                end || ': export the orders again, with this column filled.'
            when row_of_order = 1 and ordered_at is null
                then 'the date ''' || ordered_on || ''' is not written like 2018-05-31 10:00:00: choose Y-m-d H:i:s '
                    || 'in the settings of the export.'
            when total is not null and try_cast(total as decimal(18, 2)) is null
                then 'the total ''' || total || ''' is not an amount like 1250.50: export amounts as plain numbers '
                    || 'with a point.'
            when shipping is not null and try_cast(shipping as decimal(18, 2)) is null
                then 'the shipping ''' || shipping || ''' is not an amount like 12.50: export amounts as plain '
                    || 'numbers with a point.'
            when refund is not null and try_cast(refund as decimal(18, 2)) is null
                then 'the refund ''' || refund || ''' is not an amount like 12.50: export amounts as plain numbers '
                    || 'with a point.'
            when
                coalesce(line_total, unit_price) is not null
                and try_cast(coalesce(line_total, unit_price) as decimal(18, 2)) is null
                then 'the price ''' || coalesce(line_total, unit_price) || ''' is not an amount like 12.50: export '
                    || 'amounts as plain numbers with a point.'
            when quantity is not null and try_cast(quantity as decimal(18, 2)) is null
                then 'the quantity ''' || quantity || ''' is not a number: export it as plain digits.'
        end as fault
    from numbered
),

all_faults as (
    select
        1 as kind,
        cast(null as string) as file_name,
        cast(null as bigint) as file_row,
        'There is an order export and a file of WooCommerce Analytics, which hold the same orders: keep the order '
        || 'export and move the other away.' as sentence
    from counted
    where exported_rows > 0 and analytics_rows > 0
    union all
    select
        1 as kind,
        cast(null as string) as file_name,
        cast(null as bigint) as file_row,
        'There is neither an order export (orders-*.csv) nor a file of WooCommerce Analytics (orders_*.csv) with a '
        || 'row in it: put one of them into the folder that OLIST_DATA_DIR names.' as sentence
    from counted
    where exported_rows = 0 and analytics_rows = 0
    union all
    select
        2 as kind,
        file_name,
        file_row,
        place || fault as sentence
    from faults
    where fault is not null
    union all
    select
        3 as kind,
        file_name,
        file_row,
        file_name || ', row ' || cast(file_row as string) || ': the status ''' || coalesce(status_text, '')
        || ''' of order ' || order_id || ' is not known: say under conditions of connector.yml whether it is a '
        || 'purchase.' as sentence
    from placed
    where fate = 'unknown'
)

select sentence
from all_faults
order by kind, file_name, file_row
