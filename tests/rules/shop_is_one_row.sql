select count(*) as shop_count
from {{ ref('shop') }}
having count(*) <> 1
