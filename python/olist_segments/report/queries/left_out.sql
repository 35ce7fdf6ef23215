select
    sum(order_count) as order_count,
    sum(order_count - valid_purchase_count) as invalid_order_count,
    coalesce(sum(valid_purchase_count) filter (not is_in_window), 0) as outside_purchase_count,
    count(*) filter (not is_in_window) as outside_month_count,
    (
        select array_agg(distinct orders.order_status order by orders.order_status)
        from orders
        where not orders.is_valid_purchase and orders.item_count > 0 and orders.purchased_at is not null
    ) as invalid_statuses,
    (select count(*) from orders where orders.item_count = 0) as empty_order_count,
    min(month_start) filter (is_in_window) as first_month,
    max(month_start) filter (is_in_window) as last_month,
    coalesce(
        sum(valid_purchase_count) filter (month_start > (select max(m.month_start) from order_months as m where m.is_in_window)), 0
    ) as later_purchase_count
from order_months
