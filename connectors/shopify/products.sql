select distinct product_id
from lines
where product_id is not null
