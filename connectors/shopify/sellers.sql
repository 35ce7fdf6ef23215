select distinct vendor as seller_id
from lines
where vendor is not null
