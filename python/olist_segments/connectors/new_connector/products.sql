-- One row per product.
select distinct product as product_id
from order_lines
where product is not null
