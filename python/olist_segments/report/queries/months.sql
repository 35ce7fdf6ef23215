select month_start, order_count, valid_purchase_count, share_of_typical_month, has_data, is_in_window
from order_months
order by month_start
