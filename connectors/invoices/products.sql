select distinct stock_code as product_id
from sold_lines
where stock_code is not null
