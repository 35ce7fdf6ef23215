"""What refits on other customers make of the segments of a model version, measured once, when the version is new.

One set of refits answers two questions: would the segment come back (the table segment_stability), and how often does
a refit put a customer into the same segment (the table segment_calibration)?
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import threadpool_limits

from olist_segments.arrays import FloatArray, IntArray
from olist_segments.model.agreement import best_jaccard, contingency, matched_segments
from olist_segments.model.model import Model
from olist_segments.model.segmentation import Segmentation
from olist_segments.selection.sampling import strata

MARGIN_BINS = 50
"""Equally wide bins of the margin from 0 to 1, as the macro margin_bins says: the counts of a version stay in them."""

COLUMNS = ("model_version", "resample", "segment_number", "margin_bin", "customer_count", "kept_count", "jaccard")
"""The columns of the table fit_segment_refits."""


def append_refits(
    model: pd.DataFrame,
    labels: Callable[[], pd.DataFrame],
    existing: pd.DataFrame | None,
    resamples: int,
) -> pd.DataFrame:
    """The rows (version × resample × segment × margin bin) of every version in `model` that has none yet, or no row.

    `model`: the rows of fit_segment_model; algorithm, setting, features and seed of a version are taken from there.
    `labels`: gives the rows of fit_segment_labels, the customers of each version's fit with their features as seen
    then, so a version is measured on its own customers however much later; called only where there is a version to
    measure. `existing`: a row of each version measured so far, or None before the first. `resamples`: refits of a
    version. Columns: see the model fit_segment_refits.
    """
    written = set() if existing is None else set(existing["model_version"])
    numbers = sorted(set(model["model_version"]) - written)
    if not numbers:
        return pd.DataFrame({name: pd.Series(dtype=np.float64 if name == "jaccard" else np.int64) for name in COLUMNS})
    known = labels()
    return pd.concat(
        [
            _version_rows(model[model["model_version"] == number], known[known["model_version"] == number], resamples)
            for number in numbers
        ],
        ignore_index=True,
    )


def bootstrap_refits(
    z: FloatArray, algorithm: str, setting: str, *, resamples: int, seed: int
) -> tuple[FloatArray, list[Segmentation]]:
    """Evaluation customers (m, d) of z (n, d), and refits on stratified bootstraps of z. The same for the same seed."""
    # What fits is loaded where something is fitted.
    from olist_segments.selection.stability import evaluation_customers, resample_refits

    with threadpool_limits(limits=1):
        stratum = strata(z)
        refits = resample_refits(z, stratum, algorithm, [setting], range(resamples), seed)
        return evaluation_customers(z, seed), [refit[setting] for refit in refits]


def kept_by(labels: IntArray, k: int, relabelled: IntArray, count: int) -> npt.NDArray[np.bool_]:
    """Whether each customer (n,) stays in the segment of `labels` (n,) under `relabelled` (n,): (n,).

    The `count` segments of the relabelling are those of the k as `matched_segments`; a segment without a match keeps
    nobody.
    """
    kept: npt.NDArray[np.bool_] = matched_segments(contingency(labels, relabelled, k, count))[labels] == relabelled
    return kept


def margins(segmentation: Segmentation, z: FloatArray) -> FloatArray:
    """How clear the label of every z (n, d) is: softmax of minus half the scores, that of its segment (n,), 0 to 1."""
    highest: FloatArray = segmentation.probabilities(z).max(axis=1)
    return highest


def refit_rows(segmentation: Segmentation, customers: FloatArray, refits: Sequence[Segmentation]) -> pd.DataFrame:
    """One row per refit, segment and margin bin with customers (m, d) in it; an empty segment keeps its first bin.

    customer_count: customers of the segment and bin; kept_count: how many of them the refit keeps (`kept_by`); jaccard:
    the similarity of the refit's segment most like the segment, on all customers, 0 to 1: Hennig (2007),
    Computational Statistics & Data Analysis 52, 258-271.
    """
    labels, k = segmentation.labels(customers), segmentation.k
    bins = np.minimum((margins(segmentation, customers) * MARGIN_BINS).astype(np.int64), MARGIN_BINS - 1)
    counts = contingency(labels, bins, k, MARGIN_BINS)
    shown = counts > 0
    shown[counts.sum(axis=1) == 0, 0] = True
    segment, margin_bin = np.nonzero(shown)
    parts = []
    for number, refit in enumerate(refits, start=1):
        relabelled = refit.labels(customers)
        kept = kept_by(labels, k, relabelled, refit.k)
        parts.append(
            pd.DataFrame(
                {
                    "resample": number,
                    "segment_number": segment + 1,
                    "margin_bin": margin_bin,
                    "customer_count": counts[segment, margin_bin],
                    "kept_count": contingency(labels[kept], bins[kept], k, MARGIN_BINS)[segment, margin_bin],
                    "jaccard": best_jaccard(contingency(labels, relabelled, k, refit.k))[segment],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _version_rows(version: pd.DataFrame, labels: pd.DataFrame, resamples: int) -> pd.DataFrame:
    model = Model.from_rows(version)
    first = version.iloc[0]
    if first["algorithm"] == "none" or labels.empty:
        # Too little to cluster, or none of its customers is left: one row per segment says that nothing was measured.
        rows = pd.DataFrame({"resample": 0, "segment_number": np.arange(1, model.k + 1), "margin_bin": 0})
        rows = rows.assign(customer_count=0, kept_count=0, jaccard=np.nan)
    else:
        customers, refits = bootstrap_refits(
            model.z(labels.sort_values("customer_unique_id")),
            str(first["algorithm"]),
            str(first["setting"]),
            resamples=resamples,
            seed=int(first["random_seed"]),
        )
        rows = refit_rows(model.segmentation, customers, refits)
    rows.insert(0, "model_version", int(first["model_version"]))
    return rows[list(COLUMNS)]
