select
    connector, currency, time_zone, has_reviews, has_deliveries, has_promises, has_payments, has_products, has_categories,
    has_sellers, has_freight, has_regions, has_states_of_brazil
from shop
