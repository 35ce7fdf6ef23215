-- What was sold and kept. Carriage is no article: it is the freight of the invoice, on its first line.
with

sold as (
    select
        lines.*,
        lines.quantity - coalesce(returned_units.came_back, 0) as kept,
        case when {{ freight }} then 1 else 0 end as is_freight,
        min(case when {{ freight }} then 1 else 0 end) over (partition by lines.invoice) as is_freight_alone
    from lines
    left join (select file_name as file, file_row as row_in_file, came_back from returned_units) as returned_units
        on lines.file_name = returned_units.file and lines.file_row = returned_units.row_in_file
    where customer is not null and {{ purchase }} and not {{ cancelled }} and not {{ test_account }}
),

numbered as (
    select
        invoice,
        stock_code,
        kept,
        is_freight,
        is_freight_alone,
        cast(case when is_freight = 1 then 0 else kept * unit_price end as decimal(18, 2)) as amount,
        sum(case when is_freight = 1 then cast(quantity * unit_price as decimal(18, 2)) else 0 end) over (
            partition by invoice
        ) as freight_of_invoice,
        row_number() over (partition by invoice order by is_freight, file_name, file_row) as line_number
    from sold
    where kept > 0
)

select
    invoice,
    line_number,
    stock_code,
    kept as quantity,
    amount,
    case when line_number = 1 then freight_of_invoice else 0 end as freight
from numbered
-- Carriage whose articles all came back is no sale.
where is_freight = 0 or (line_number = 1 and is_freight_alone = 1)
