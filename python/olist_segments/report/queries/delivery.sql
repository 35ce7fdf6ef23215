select
    as_of_date, band_number, delivery_band, order_count, share_of_orders, review_count, avg_review_score,
    one_star_share, five_star_share
from delivery_satisfaction
order by band_number
