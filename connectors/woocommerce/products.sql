select
    product_id,
    max(category) as product_category_name
from lines
where product_id is not null
group by product_id
