select
    max(as_of_date) as as_of_date,
    count(*) as customer_count,
    count(*) filter (purchase_day_count > 1) as came_back_count,
    count(*) filter (purchase_day_count > 1) / count(*) as came_back_share,
    count(*) filter (order_count > 1) as several_orders_count,
    count(*) filter (order_count > 1) / count(*) as several_orders_share
from customer_segments
