select
    invoice,
    stock_code,
    try_cast(quantity as bigint) as quantity,
    quantity as quantity_text,
    invoiced_at,
    try_cast(unit_price as decimal(18, 4)) as unit_price,
    unit_price as unit_price_text,
    customer,
    country,
    file_name,
    file_row
from invoice_lines
