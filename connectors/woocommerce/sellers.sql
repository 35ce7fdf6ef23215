select distinct seller as seller_id
from lines
where seller is not null
