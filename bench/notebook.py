"""What people do today: the steps of the usual segmentation notebook, as one plain pandas and scikit-learn script.

Usage: python bench/notebook.py FOLDER

Reads the nine files as CSV, merges them, makes recency, frequency, monetary value and mean review score of every
customer, scans k with k-means and the silhouette, tries the other algorithms, then simulates maintenance: a model
frozen half a year ago against a refit in each of 26 weeks. Whole data wherever an algorithm can take it, but for the
silhouettes, which careful notebooks take of a sample. Prints one line of JSON: seconds by step.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pandas as pd
from sklearn.cluster import DBSCAN, AgglomerativeClustering, KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import StandardScaler

FEATURES = ["recency", "frequency", "monetary", "review_score"]
SEED = 0
WEEKS = 26
# Ward needs memory by the square of the rows.
WARD_ROWS = 10_000
SILHOUETTE_ROWS = 20_000


def load_and_merge(folder: Path) -> pd.DataFrame:
    """One row an item, with its order, customer, payment and review."""
    tables = {path.stem: pd.read_csv(path) for path in sorted(folder.glob("*.csv"))}
    orders = tables["olist_orders_dataset"]
    for column in orders.columns[orders.columns.str.contains("timestamp|date")]:
        orders[column] = pd.to_datetime(orders[column])
    payments = tables["olist_order_payments_dataset"].groupby("order_id", as_index=False)["payment_value"].sum()
    reviews = tables["olist_order_reviews_dataset"].groupby("order_id", as_index=False)["review_score"].mean()
    products = tables["olist_products_dataset"].merge(
        tables["product_category_name_translation"], on="product_category_name", how="left"
    )
    return (
        orders[orders["order_status"] == "delivered"]
        .merge(tables["olist_customers_dataset"], on="customer_id")
        .merge(tables["olist_order_items_dataset"], on="order_id")
        .merge(products, on="product_id", how="left")
        .merge(tables["olist_sellers_dataset"], on="seller_id", how="left")
        .merge(payments, on="order_id", how="left")
        .merge(reviews, on="order_id", how="left")
    )


def features_at(items: pd.DataFrame, date: pd.Timestamp) -> pd.DataFrame:
    """One row a customer who had bought by `date`."""
    known = items[items["order_purchase_timestamp"] <= date]
    orders = known.groupby(["customer_unique_id", "order_id"], as_index=False).agg(
        purchased=("order_purchase_timestamp", "first"),
        spend=("price", "sum"),
        freight=("freight_value", "sum"),
        review_score=("review_score", "first"),
    )
    customers = orders.groupby("customer_unique_id").agg(
        last=("purchased", "max"),
        frequency=("order_id", "count"),
        spend=("spend", "sum"),
        freight=("freight", "sum"),
        review_score=("review_score", "mean"),
    )
    customers["recency"] = (date - customers["last"]).dt.days
    customers["monetary"] = customers["spend"] + customers["freight"]
    customers["review_score"] = customers["review_score"].fillna(customers["review_score"].mean())
    return customers[FEATURES]


def main(folder: Path) -> None:
    """Every step, timed."""
    seconds: dict[str, float] = {}
    clock = time.perf_counter()

    def step(name: str) -> None:
        nonlocal clock
        now = time.perf_counter()
        seconds[name] = now - clock
        clock = now

    items = load_and_merge(folder)
    step("load and merge")
    today = items["order_purchase_timestamp"].max()
    X = StandardScaler().fit_transform(features_at(items, today))
    step("features")

    labels = {k: KMeans(k, n_init=10, random_state=SEED).fit_predict(X) for k in range(2, 11)}
    step("k-means, k from 2 to 10")
    scores = {
        k: silhouette_score(X, of_k, sample_size=SILHOUETTE_ROWS, random_state=SEED) for k, of_k in labels.items()
    }
    step("silhouettes of a sample, k from 2 to 10")

    sample = X[:: max(1, len(X) // WARD_ROWS)]
    for k in range(2, 11):
        silhouette_score(sample, AgglomerativeClustering(k).fit_predict(sample))
    for k in range(2, 11):
        GaussianMixture(k, random_state=SEED).fit_predict(X)
    for radius in (0.3, 0.5, 0.8):
        DBSCAN(eps=radius, min_samples=10).fit_predict(sample)
    step("other algorithms")

    best = max(range(4, 8), key=lambda k: scores[k])
    start = today - pd.Timedelta(weeks=WEEKS)
    first = features_at(items, start)
    scaler = StandardScaler().fit(first)
    frozen = KMeans(best, n_init=10, random_state=SEED).fit(scaler.transform(first))
    for week in range(1, WEEKS + 1):
        customers = features_at(items, start + pd.Timedelta(weeks=week))
        fresh_scaler = StandardScaler().fit(customers)
        fresh = KMeans(best, n_init=10, random_state=SEED).fit(fresh_scaler.transform(customers))
        adjusted_rand_score(frozen.predict(scaler.transform(customers)), fresh.labels_)
    step(f"{WEEKS} refits")
    print(json.dumps(seconds))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
