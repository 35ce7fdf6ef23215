"""Published counts and shares of the full Olist export (Kaggle, olistbr/brazilian-ecommerce), as plain constants.

Counts are rows of the full export. A share is a count over its own total, so a marketplace of any size scales them.
"""

from __future__ import annotations

ORDERS = 99_441
PERSONS = 96_096
PRODUCTS = 32_951
SELLERS = 3_095
GEOLOCATION_ROWS = 1_000_163
GEOLOCATION_DUPLICATES = 261_831
GEOLOCATION_PREFIXES = 19_015

MONTH_ORDERS = {
    (2016, 9): 4,
    (2016, 10): 324,
    (2016, 12): 1,
    (2017, 1): 800,
    (2017, 2): 1780,
    (2017, 3): 2682,
    (2017, 4): 2404,
    (2017, 5): 3700,
    (2017, 6): 3245,
    (2017, 7): 4026,
    (2017, 8): 4331,
    (2017, 9): 4285,
    (2017, 10): 4631,
    (2017, 11): 7544,
    (2017, 12): 5673,
    (2018, 1): 7269,
    (2018, 2): 6728,
    (2018, 3): 7211,
    (2018, 4): 6939,
    (2018, 5): 6873,
    (2018, 6): 6167,
    (2018, 7): 6292,
    (2018, 8): 6512,
    (2018, 9): 16,
    (2018, 10): 4,
}
BLACK_FRIDAY = (2017, 11, 24)
# Orders on Black Friday and on the four days after it; the other days share the rest of the month.
BLACK_FRIDAY_ORDERS = {24: 1176, 25: 499, 26: 391, 27: 403, 28: 380}

# Orders of a person -> persons.
PERSON_ORDERS = {1: 93_099, 2: 2745, 3: 203, 4: 30, 5: 8, 6: 6, 7: 3, 9: 1, 17: 1}
PERSONS_WITH_SEVERAL_PREFIXES = 250
PERSONS_WITH_SEVERAL_STATES = 39
CUSTOMERS_WITHOUT_GEOLOCATION = 278
PREFIXES_WITHOUT_GEOLOCATION = 157

STATUS_ORDERS = {
    "delivered": 96_478,
    "shipped": 1107,
    "canceled": 625,
    "unavailable": 609,
    "invoiced": 314,
    "processing": 301,
    "created": 5,
    "approved": 2,
}
# Orders without a single item, by status; 775 in all.
ITEMLESS_ORDERS = {"unavailable": 603, "canceled": 164, "created": 5, "invoiced": 2, "shipped": 1}
ORDERS_WITHOUT_REVIEW = 768
ORDERS_WITHOUT_PAYMENT = 1
CANCELED_WITH_APPROVAL = 484
CANCELED_WITH_CARRIER = 75
CANCELED_WITH_DELIVERY = 6
DELIVERED_WITHOUT_APPROVAL = 14
DELIVERED_WITHOUT_CARRIER = 2
DELIVERED_WITHOUT_DELIVERY = 8
CARRIER_BEFORE_APPROVAL = 1359
DELIVERY_BEFORE_CARRIER = 23

# Items of an order -> orders (98,666 orders have items).
ORDER_ITEMS = {
    1: 88_863,
    2: 7516,
    3: 1322,
    4: 505,
    5: 204,
    6: 198,
    7: 22,
    8: 8,
    9: 3,
    10: 8,
    11: 4,
    12: 5,
    13: 1,
    14: 2,
    15: 2,
    20: 2,
    21: 1,
}
ITEM_ROWS = 112_650
MAXIMUM_PRICE = 6735.0
# Quantiles of the item price in BRL; the mean that they give is the published 120.65.
PRICE_QUANTILES = (
    (0.0, 0.85),
    (0.01, 9.99),
    (0.05, 18.49),
    (0.10, 23.80),
    (0.25, 39.90),
    (0.50, 74.99),
    (0.65, 103.0),
    (0.75, 130.90),
    (0.90, 223.0),
    (0.95, 340.0),
    (0.97, 460.0),
    (0.99, 865.0),
    (0.999, 1850.0),
    (1.0, 6735.0),
)
FREIGHT_MEAN = 19.99
FREIGHT_MAXIMUM = 409.68
FREIGHT_FREE_ITEMS = 383

# Payment rows of an order -> orders (99,440 orders have a payment).
ORDER_PAYMENTS = {
    1: 96_479,
    2: 2382,
    3: 301,
    4: 108,
    5: 52,
    6: 36,
    7: 28,
    8: 11,
    9: 9,
    10: 5,
    11: 8,
    12: 8,
    13: 3,
    14: 2,
    15: 2,
    19: 2,
    21: 1,
    22: 1,
    26: 1,
    29: 1,
}
PAYMENT_ROWS = 103_886
PAYMENT_TYPES = {"credit_card": 76_795, "boleto": 19_784, "voucher": 5775, "debit_card": 1529, "not_defined": 3}
ZERO_VOUCHERS = 6
# Share of orders whose payments differ from items plus freight by a cent or more.
PAYMENT_MISMATCH = 0.0058
CARD_INSTALLMENTS = {
    0: 2,
    1: 25_455,
    2: 12_413,
    3: 10_461,
    4: 7098,
    5: 5239,
    6: 3920,
    7: 1626,
    8: 4268,
    9: 644,
    10: 5328,
    11: 23,
    12: 133,
    13: 16,
    14: 15,
    15: 74,
    16: 5,
    17: 8,
    18: 27,
    20: 17,
    21: 3,
    22: 1,
    23: 1,
    24: 18,
}

REVIEW_ROWS = 99_224
ORDERS_WITH_TWO_REVIEWS = 543
ORDERS_WITH_THREE_REVIEWS = 4
REVIEW_IDS_ON_TWO_ORDERS = 764
REVIEW_IDS_ON_THREE_ORDERS = 25
REVIEW_SCORES = {1: 0.115, 2: 0.032, 3: 0.082, 4: 0.193, 5: 0.578}

PRODUCTS_WITHOUT_CATEGORY = 610
PRODUCTS_WITHOUT_MEASURES = 2
PRODUCTS_OF_ZERO_WEIGHT = 4
# Categories that the translation file lacks -> products.
UNTRANSLATED_CATEGORIES = {"pc_gamer": 3, "portateis_cozinha_e_preparadores_de_alimentos": 10}

STATE_ORDERS = {
    "SP": 41_746,
    "RJ": 12_852,
    "MG": 11_635,
    "RS": 5466,
    "PR": 5045,
    "SC": 3637,
    "BA": 3380,
    "DF": 2140,
    "ES": 2033,
    "GO": 2020,
    "PE": 1652,
    "CE": 1336,
    "PA": 975,
    "MT": 907,
    "MA": 747,
    "MS": 715,
    "PB": 536,
    "PI": 495,
    "RN": 485,
    "AL": 413,
    "SE": 350,
    "TO": 280,
    "RO": 253,
    "AM": 148,
    "AC": 81,
    "AP": 68,
    "RR": 46,
}
STATE_SELLERS = {
    "SP": 1849,
    "PR": 349,
    "MG": 244,
    "SC": 190,
    "RJ": 171,
    "RS": 129,
    "GO": 40,
    "DF": 30,
    "ES": 23,
    "BA": 19,
    "CE": 13,
    "PE": 9,
    "PB": 6,
    "RN": 5,
    "MS": 5,
    "MT": 4,
    "RO": 2,
    "SE": 2,
    "PI": 1,
    "AC": 1,
    "MA": 1,
    "AM": 1,
    "PA": 1,
}

HOUR_WEIGHTS = (23, 11, 6, 3, 2, 2, 5, 10, 30, 48, 62, 68, 60, 66, 67, 65, 66, 61, 58, 60, 62, 62, 58, 42)
DELIVERY_HOUR_WEIGHTS = (30, 14, 6, 2, 1, 1, 3, 3, 7, 12, 19, 28, 39, 50, 66, 68, 79, 83, 97, 95, 96, 83, 64, 45)
ANSWER_HOUR_WEIGHTS = (68, 56, 38, 21, 9, 6, 4, 5, 10, 27, 50, 75, 68, 54, 44, 42, 43, 44, 45, 52, 54, 55, 63, 68)
# Monday first.
WEEKDAY_WEIGHTS = (1.14, 1.12, 1.09, 1.04, 0.99, 0.76, 0.84)

# Median days from purchase to delivery of an order that is on time, and to the estimated date, by state.
STATE_DELIVERY_DAYS = {
    "SP": 7.0,
    "RJ": 10.6,
    "MG": 10.1,
    "RS": 12.5,
    "PR": 10.2,
    "SC": 12.3,
    "BA": 15.0,
    "DF": 10.9,
    "ES": 12.3,
    "GO": 12.6,
    "PE": 15.8,
    "CE": 17.4,
    "PA": 20.5,
    "MT": 16.2,
    "MA": 18.2,
    "MS": 13.0,
    "PB": 17.7,
    "PI": 16.8,
    "RN": 16.9,
    "AL": 20.5,
    "SE": 17.6,
    "TO": 15.3,
    "RO": 17.9,
    "AM": 24.0,
    "AC": 19.2,
    "AP": 24.5,
    "RR": 25.0,
}
STATE_ESTIMATED_DAYS = {
    "SP": 19.2,
    "RJ": 25.3,
    "MG": 24.9,
    "RS": 28.0,
    "PR": 24.8,
    "SC": 25.6,
    "BA": 29.0,
    "DF": 25.4,
    "ES": 25.6,
    "GO": 27.2,
    "PE": 31.5,
    "CE": 31.6,
    "PA": 37.0,
    "MT": 32.0,
    "MA": 30.6,
    "MS": 26.5,
    "PB": 32.5,
    "PI": 30.5,
    "RN": 32.4,
    "AL": 32.2,
    "SE": 30.4,
    "TO": 29.0,
    "RO": 38.0,
    "AM": 45.0,
    "AC": 40.5,
    "AP": 46.0,
    "RR": 46.0,
}
# Median days by month over those of the whole window: delivery, then the estimate.
MONTH_DELIVERY_FACTOR = {
    (2016, 10): 1.8,
    (2017, 1): 1.10,
    (2017, 2): 1.15,
    (2017, 3): 1.12,
    (2017, 4): 1.22,
    (2017, 5): 1.02,
    (2017, 6): 1.02,
    (2017, 11): 1.14,
    (2017, 12): 1.22,
    (2018, 1): 1.15,
    (2018, 2): 1.22,
    (2018, 3): 1.22,
    (2018, 4): 0.96,
    (2018, 5): 0.93,
    (2018, 6): 0.80,
    (2018, 7): 0.76,
    (2018, 8): 0.70,
}
MONTH_ESTIMATED_FACTOR = {
    (2016, 9): 2.0,
    (2016, 10): 2.2,
    (2017, 1): 1.60,
    (2017, 2): 1.28,
    (2017, 3): 1.03,
    (2017, 4): 1.08,
    (2017, 11): 0.94,
    (2017, 12): 1.14,
    (2018, 1): 1.10,
    (2018, 2): 1.04,
    (2018, 5): 0.96,
    (2018, 6): 1.13,
    (2018, 7): 0.82,
    (2018, 8): 0.66,
}
# Share of delivered orders that arrive after the estimated date, by month; months not named take LATE_OTHER.
MONTH_LATE = {
    (2016, 10): 0.01,
    (2017, 1): 0.031,
    (2017, 2): 0.032,
    (2017, 3): 0.055,
    (2017, 4): 0.078,
    (2017, 5): 0.036,
    (2017, 6): 0.039,
    (2017, 7): 0.034,
    (2017, 8): 0.032,
    (2017, 9): 0.052,
    (2017, 10): 0.053,
    (2017, 11): 0.143,
    (2017, 12): 0.084,
    (2018, 1): 0.067,
    (2018, 2): 0.160,
    (2018, 3): 0.190,
    (2018, 4): 0.056,
    (2018, 5): 0.086,
    (2018, 6): 0.015,
    (2018, 7): 0.046,
    (2018, 8): 0.104,
}
LATE_OTHER = 0.081
LATE = 0.081
# Mean freight of an item in BRL by the buyer's state.
STATE_FREIGHT = {
    "SP": 15.1,
    "RJ": 21.0,
    "MG": 20.6,
    "RS": 21.7,
    "PR": 20.5,
    "SC": 21.5,
    "BA": 26.4,
    "DF": 21.0,
    "ES": 22.1,
    "GO": 22.8,
    "PE": 32.9,
    "CE": 32.7,
    "PA": 35.8,
    "MT": 28.2,
    "MA": 38.3,
    "MS": 23.4,
    "PB": 42.7,
    "PI": 39.1,
    "RN": 35.7,
    "AL": 35.8,
    "SE": 36.7,
    "TO": 37.2,
    "RO": 41.1,
    "AM": 33.2,
    "AC": 40.1,
    "AP": 34.0,
    "RR": 43.0,
}
# Lateness of a state over that of the whole country.
STATE_LATE = {
    "SP": 0.73,
    "RJ": 1.66,
    "MG": 0.69,
    "RS": 0.88,
    "PR": 0.62,
    "SC": 1.20,
    "BA": 1.73,
    "DF": 0.87,
    "ES": 1.51,
    "GO": 1.01,
    "PE": 1.33,
    "CE": 1.89,
    "PA": 1.53,
    "MT": 0.84,
    "MA": 2.43,
    "MS": 1.43,
    "PB": 1.36,
    "PI": 1.97,
    "RN": 1.33,
    "AL": 2.96,
    "SE": 1.88,
    "TO": 1.57,
    "RO": 0.36,
    "AM": 0.51,
    "AC": 0.47,
    "AP": 0.55,
    "RR": 1.51,
}
# Whole days after the estimated date, cumulative shares of late orders.
LATE_DAYS = (
    (0.0, 0.0),
    (3.0, 0.304),
    (6.0, 0.499),
    (9.0, 0.681),
    (12.0, 0.782),
    (15.0, 0.847),
    (18.0, 0.902),
    (21.0, 0.925),
    (24.0, 0.938),
    (30.0, 0.955),
    (45.0, 0.983),
    (70.0, 0.995),
    (120.0, 0.999),
    (180.0, 1.0),
)
# Cumulative shares of scores 1 to 4 (5 has the rest), by what the buyer saw of the delivery.
SCORES_ON_TIME = (0.0672, 0.0946, 0.1716, 0.3743)
SCORES_LATE_UNDER_3_DAYS = (0.150, 0.165, 0.280, 0.545)
SCORES_LATE_UNDER_6_DAYS = (0.413, 0.466, 0.670, 0.770)
SCORES_LATE_LONGER = (0.655, 0.765, 0.860, 0.915)
SCORES_UNDELIVERED = (0.690, 0.755, 0.840, 0.895)
# March 2018: the published mean of the month asks for worse scores than its late orders explain.
WORST_MONTH = (2018, 3)
WORST_MONTH_SCORE_SHIFT = 0.20
# Orders with several items are rated lower: standard deviations of the latent score.
SEVERAL_ITEMS_SCORE_SHIFT = 0.6

# Share of reviews with a message, by score 1 to 5, and with a title from April 2018 on, when titles began.
MESSAGE_SHARE = (0.766, 0.680, 0.435, 0.310, 0.360)
TITLE_SHARE = 0.36
TITLES_FROM = (2018, 4, 20)
# Days from the review request to its answer: shares of 0, 1, 2 ... 12 days; the rest has a long tail.
ANSWER_DAYS = (0.244, 0.312, 0.156, 0.141, 0.050, 0.028, 0.018, 0.010, 0.006, 0.005, 0.004, 0.003, 0.003)
# Whole days from approval to the seller's shipping limit -> share of items.
SHIPPING_LIMIT_DAYS = {
    2: 65,
    3: 31,
    4: 167,
    5: 107,
    6: 383,
    7: 86,
    8: 43,
    9: 26,
    10: 20,
    11: 17,
    12: 14,
    14: 18,
    20: 13,
}
