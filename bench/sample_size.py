"""What a model loses when it is fitted on a sample: its labels against those of a model fitted on everybody."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import yaml
from common import ORDERS, PROJECT, dbt, generate
from olist_segments.model.scaling import design_matrix, fit_scaling
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

TIMES = 10
SAMPLES = (1_000, 5_000, 20_000, 50_000, 200_000)
DRAWS = 5
SEGMENTS = 6
FEATURE_SET = "fm_review_delivery"


def section(home: Path) -> list[str]:
    """Build features of ten times Olist in `home`, fit on samples and on everybody; the lines of the table."""
    data = home / "data"
    generate(data, TIMES * ORDERS, "--format", "parquet")
    dbt(home, data, "run", "--select", "+customer_features")
    variables = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]
    features = {name: variables["features"][name]["transform"] for name in variables["feature_sets"][FEATURE_SET]}
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as warehouse:
        columns = ", ".join(features)
        customers = warehouse.sql(f"select {columns} from customer_features order by customer_unique_id").df()

    def labels(rows: np.ndarray) -> np.ndarray:
        """Everybody's labels by a model that saw `rows` only, its scaling included."""
        scalings = fit_scaling(customers.iloc[rows], features)
        model = KMeans(SEGMENTS, n_init=10, random_state=0).fit(design_matrix(customers.iloc[rows], scalings))
        return model.predict(design_matrix(customers, scalings))

    everybody = labels(np.arange(len(customers)))
    random = np.random.default_rng(0)
    table = []
    for size in SAMPLES:
        agreements = [
            adjusted_rand_score(everybody, labels(random.choice(len(customers), size, replace=False)))
            for _ in range(DRAWS)
        ]
        table.append(f"| {size:,} | {np.median(agreements):.3f} | {min(agreements):.3f} |")
    return [
        "## What a sample costs",
        "",
        f"k-means with {SEGMENTS} segments on {FEATURE_SET}, {len(customers):,} customers: fitted on a random sample,",
        "everybody labelled, held against the labels of the fit on everybody (adjusted Rand index).",
        "",
        f"| customers in the fit | median of {DRAWS} draws | worst |",
        "|---:|---:|---:|",
        *table,
    ]
