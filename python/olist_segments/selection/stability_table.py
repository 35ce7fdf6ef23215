"""The stability of every segment of a model version, measured once, when the version is new."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from olist_segments.arrays import FloatArray
from olist_segments.bounds import DISSOLVED, RECOVERED
from olist_segments.model.model import Model
from olist_segments.selection.metrics import jaccard_verdict
from olist_segments.selection.stability import bootstrap_jaccard
from olist_segments.selection.versions import made_up_model

NOT_MEASURED = "not measured"
"""The verdict on the only segment of a version that had too little to cluster."""


def append_stability(
    model: pd.DataFrame, labels: pd.DataFrame, existing: pd.DataFrame | None, resamples: int
) -> pd.DataFrame:
    """The stability rows (version × segment) of every version in `model` that has none yet, or no row.

    `model`: the rows of fit_segment_model; algorithm, setting, features and seed of a version are taken from there.
    `labels`: the rows of fit_segment_labels, the customers of each version's fit with their features as seen then, so a
    version is measured on its own customers however much later. `existing`: the rows written so far, or None before the
    first. `resamples`: refits behind every figure. Columns: see the model segment_stability.
    """
    written = set() if existing is None else set(existing["model_version"])
    new = [
        _stability_rows(
            model[model["model_version"] == number],
            labels[labels["model_version"] == number],
            resamples,
        )
        for number in sorted(set(model["model_version"]) - written)
    ]
    if new:
        return pd.concat(new, ignore_index=True)
    if existing is not None:
        return existing.head(0)
    return _stability_rows(made_up_model({"total_spend": "identity"}), labels, resamples=0).head(0)


def _stability_rows(version: pd.DataFrame, labels: pd.DataFrame, resamples: int) -> pd.DataFrame:
    model = Model.from_rows(version)
    first = version.iloc[0]
    if first["algorithm"] == "none":
        similarity: FloatArray = np.full((0, model.k), np.nan)
    else:
        customers = labels.sort_values("customer_unique_id")
        similarity = bootstrap_jaccard(
            model.z(customers),
            model.segmentation,
            str(first["algorithm"]),
            str(first["setting"]),
            resamples=resamples,
            seed=int(first["random_seed"]),
        )
    return pd.DataFrame(
        {
            "model_version": int(first["model_version"]),
            "segment_number": np.arange(1, model.k + 1),
            "segment_key": model.keys,
            "segment_name": [name.name for name in model.names],
            "resamples": len(similarity),
            **summarise(similarity),
        }
    )


def summarise(similarity: FloatArray) -> dict[str, Any]:
    """What `similarity` (resamples, k) says of each of the k segments: column name to k values.

    jaccard is the mean over resamples, jaccard_low and jaccard_high are the 2.5 % and 97.5 % quantiles of the
    resamples: between them lies what 95 of 100 refits would find. All are NaN without a resample.
    """
    if not len(similarity):
        measures = ("jaccard", "jaccard_low", "jaccard_high", "dissolved_share", "recovered_share")
        return {**dict.fromkeys(measures, np.full(similarity.shape[1], np.nan)), "verdict": NOT_MEASURED}
    mean = similarity.mean(axis=0)
    low, high = np.quantile(similarity, [0.025, 0.975], axis=0)
    return {
        "jaccard": mean,
        "jaccard_low": low,
        "jaccard_high": high,
        "dissolved_share": (similarity <= DISSOLVED).mean(axis=0),
        "recovered_share": (similarity >= RECOVERED).mean(axis=0),
        "verdict": [jaccard_verdict(value) for value in mean],
    }
