"""Figures of a segmentation from its labels: prediction strength, tightness, money explained."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist

from olist_segments.arrays import FloatArray, IntArray
from olist_segments.intervals import UNDEFINED, Interval, normal_interval

_JACKKNIFE_BLOCKS = 20


def prediction_strength_of_split(table: IntArray) -> float:
    """Prediction strength of one split into halves, 0 to 1.

    `table` counts the customers of the second half: rows are the labels that the FIRST half's segmentation gives them,
    columns those of their own. For each own segment it takes the share of pairs that the other half's segmentation
    keeps together, and returns the lowest: Tibshirani & Walther (2005), "Cluster validation by prediction strength",
    JCGS 14, 511-528, formula 2.1. An own segment of a single customer has no pair and counts 0; an empty one is no
    segment of this half and is passed over.
    """
    sizes = table.sum(axis=0)
    kept = (table * (table - 1)).sum(axis=0)
    shares = kept[sizes > 0] / np.maximum(sizes * (sizes - 1), 1)[sizes > 0]
    return float(shares.min())


def silhouette_widths(z: FloatArray, labels: IntArray) -> FloatArray:
    """The silhouette width (n,) of every z (n, d) (Rousseeuw 1987), -1 to 1; 0 for the only one of its segment.

    `labels` (n,) count from 0 and leave no number out.
    """
    n = len(z)
    sizes = np.bincount(labels)
    # Distances of every customer to all of each segment, added up.
    sums = cdist(z, z) @ np.eye(len(sizes))[labels]
    rows = np.arange(n)
    own = sums[rows, labels] / np.maximum(sizes[labels] - 1, 1)
    others = sums / sizes
    others[rows, labels] = np.inf
    nearest = others.min(axis=1)
    larger = np.maximum(own, nearest)
    widths: FloatArray = np.where(
        (sizes[labels] > 1) & (larger > 0), (nearest - own) / np.where(larger > 0, larger, 1), 0
    )
    return widths


def davies_bouldin_and_calinski_harabasz(z: FloatArray, labels: IntArray) -> tuple[float, float]:
    """How tight and how far apart the segments of z (n, d) are; NaN with fewer than two of them, or one a customer.

    Davies & Bouldin (1979, IEEE Trans. PAMI 1, 224-227), low is good, and Calinski & Harabasz (1974, Communications in
    Statistics 3, 1-27), high is good, as in scikit-learn. `labels` (n,) count from 0; empty segments are passed over.
    """
    filled = np.bincount(labels) > 0
    labels = (np.cumsum(filled) - 1)[labels]
    sizes = np.bincount(labels)
    n, k = len(z), len(sizes)
    if not 2 <= k < n:
        return np.nan, np.nan
    columns = np.ascontiguousarray(z.T)
    means = np.array([np.bincount(labels, weights=column) for column in columns]) / sizes
    squares = np.zeros(n)
    for column, mean in zip(columns, means, strict=True):
        squares += (column - mean[labels]) ** 2
    within = float(squares.sum())
    between = float((sizes * (means - columns.mean(axis=1)[:, None]) ** 2).sum())
    calinski_harabasz = between * (n - k) / (within * (k - 1)) if within > 0 else 1.0
    radius = np.bincount(labels, weights=np.sqrt(squares)) / sizes
    apart = cdist(means.T, means.T)
    if not radius.any() or not apart.any():
        return 0.0, calinski_harabasz
    apart[apart == 0] = np.inf
    return float(((radius[:, None] + radius) / apart).max(axis=1).mean()), calinski_harabasz


def silhouette_interval(
    z: FloatArray, labels: IntArray, rng: np.random.Generator, *, size: int = 1200, at_least: int = 60
) -> Interval:
    """Mean silhouette (Rousseeuw 1987) of all n customers with a 95 % interval, from a sample stratified by segment.

    Each segment gives customers in proportion to its share but `at_least` so many (all if it has fewer); distances are
    Euclidean in z (n, d), to the other customers of the sample. The estimate is the mean of the segment means weighted
    by the segments' true shares, its variance the sum of share^2 s^2 / m over segments (Cochran 1977, ch. 5, without
    the finite population correction: the customers stand for those to come). Undefined with fewer than two segments.
    With everybody in the sample the value is that of `sklearn.metrics.silhouette_score`.
    """
    counts = np.bincount(labels)
    segments = np.flatnonzero(counts)
    sizes = counts[segments]
    if not 2 <= len(segments) < len(labels):
        return UNDEFINED
    everybody = len(labels) <= size
    chosen = []
    for segment, count in zip(segments, sizes, strict=True):
        members = np.flatnonzero(labels == segment)
        wanted = count if everybody else min(count, max(at_least, round(size * count / len(labels))))
        chosen.append(np.sort(rng.choice(members, wanted, replace=False)) if wanted < count else members)
    customers = np.concatenate(chosen)
    widths = silhouette_widths(z[customers], np.searchsorted(segments, labels[customers]))
    shares = sizes / len(labels)
    mean, variance, start = 0.0, 0.0, 0
    for share, members in zip(shares, chosen, strict=True):
        part = widths[start : start + len(members)]
        start += len(members)
        mean += share * float(part.mean())
        variance += share**2 * float(part.var(ddof=1)) / len(part) if len(part) > 1 else 0.0
    return normal_interval(mean, float(np.sqrt(variance)))


def _epsilon_squared(counts: FloatArray, sums: FloatArray, squares: FloatArray) -> float:
    """Epsilon squared from every segment's head count, sum and sum of squares; NaN where nothing varies."""
    filled = counts > 0
    customers, segments = counts.sum(), int(filled.sum())
    total = squares.sum() - sums.sum() ** 2 / customers
    if segments < 2 or customers <= segments or total <= 0:
        return float("nan")
    within = squares.sum() - (sums[filled] ** 2 / counts[filled]).sum()
    return float(1 - (within / (customers - segments)) / (total / (customers - 1)))


def variance_explained(values: FloatArray, labels: IntArray, rng: np.random.Generator) -> Interval:
    """Share of the variance of `values` (n,) that segments explain, adjusted for their number, with a 95 % interval.

    Eta squared grows with every segment added, so this is epsilon squared (Kelley 1935; the least biased of its kind
    in Okada 2013): 1 - (SS_within / (n - k)) / (SS_total / (n - 1)), about 0 for segments that say nothing and
    slightly negative by chance. The interval is a delete-a-group jackknife over 20 random groups of customers (Efron &
    Tibshirani 1993, ch. 11). Undefined with fewer than two segments or values that do not vary.
    """
    k = int(labels.max()) + 1
    centred = values - values.mean()
    blocks = rng.permutation(len(values)) % _JACKKNIFE_BLOCKS
    cells = blocks * k + labels
    counts, sums, squares = (
        np.bincount(cells, weights=weights, minlength=_JACKKNIFE_BLOCKS * k).reshape(_JACKKNIFE_BLOCKS, k)
        for weights in (np.ones(len(values)), centred, centred**2)
    )
    whole = _epsilon_squared(counts.sum(axis=0), sums.sum(axis=0), squares.sum(axis=0))
    if np.isnan(whole):
        return UNDEFINED
    without = np.array(
        [
            _epsilon_squared(*(part.sum(axis=0) - part[block] for part in (counts, sums, squares)))
            for block in range(_JACKKNIFE_BLOCKS)
        ]
    )
    if np.isnan(without).any():
        return UNDEFINED
    spread = ((without - without.mean()) ** 2).sum() * (_JACKKNIFE_BLOCKS - 1) / _JACKKNIFE_BLOCKS
    return normal_interval(whole, float(np.sqrt(spread)))
