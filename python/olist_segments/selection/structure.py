"""Is there anything to segment? How much tighter the segments are than the best cut of a cloud that has none.

Stability can't answer that: with tens of thousands of customers, two halves of one long cloud are found again in
every sample. The gap statistic (Tibshirani, Walther & Hastie 2001, JRSS B 63, 411-423) can: it sets the tightness of
the segments against that of k-means on a reference without structure. The reference here has the means and
correlations of the customers in two shapes, a bell (as in SigClust: Liu, Hayes, Nobel & Marron 2008, JASA 103,
1281-1293) and a box along the principal axes (the gap statistic's own, the hardest case among even clouds), and snaps
features that take few values, such as review scores, to those values, so that rounding is not taken for segments. The
gap is the smaller of the two.

One cloud is not the only thing that has no types: features that have nothing to do with each other, but lumps of their
own, can be cut into tight segments too. The joint gap is measured against customers whose columns are shuffled one by
one, which keeps every feature's own values and destroys what ties them together (Hennig & Lin 2015, Statistics and
Computing 25, 821-833).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.cluster import KMeans

from olist_segments.arrays import FloatArray, IntArray

SHAPES = ("bell", "box")
"""The two clouds without segments that a segmentation has to beat."""

SHUFFLES = 20
"""Shuffled references of a joint gap."""

_REFERENCE_PEOPLE = 10_000
_LARGEST_DRAW = 5_000
_MOST_DRAWS = 10
_STARTS = 3
# A feature takes few values when at most this many, each with this share of the customers, hold nearly all of them.
_MOST_ATOMS, _ATOM_SHARE, _ATOMS_TOGETHER = 20, 0.01, 0.9
_TIGHTEST = 1e-6


def atoms(values: FloatArray) -> FloatArray | None:
    """The few values of a discrete feature in ascending order, or None for a continuous one.

    Few: at most 20 values, each held by at least 1 % of the n customers, that together hold at least 90 % of them.
    """
    distinct, counts = np.unique(values, return_counts=True)
    common = counts >= _ATOM_SHARE * len(values)
    if not 1 <= common.sum() <= _MOST_ATOMS or counts[common].sum() < _ATOMS_TOGETHER * len(values):
        return None
    return distinct[common]


def reference(z: FloatArray, shape: str, size: int, rng: np.random.Generator) -> FloatArray:
    """A cloud (size, d) of one of SHAPES with the means and covariance of z (n, d), discrete features snapped."""
    values, axes = np.linalg.eigh(np.atleast_2d(np.cov(z, rowvar=False)))
    if shape == "bell":
        draws = rng.standard_normal((size, z.shape[1]))
    else:
        draws = rng.uniform(-np.sqrt(3), np.sqrt(3), (size, z.shape[1]))
    cloud: FloatArray = z.mean(axis=0) + (draws * np.sqrt(np.maximum(values, 0))) @ axes.T
    for feature in range(z.shape[1]):
        lattice = atoms(z[:, feature])
        if lattice is not None:
            # The nearest atom of each value, by the midpoints between atoms.
            cloud[:, feature] = lattice[np.searchsorted((lattice[1:] + lattice[:-1]) / 2, cloud[:, feature])]
    return cloud


def spread_left(z: FloatArray, labels: IntArray) -> float:
    """Share of the sum of squares of z (n, d) that is within segments, 1e-6 to 1; 1 if nothing varies."""
    total = float(((z - z.mean(axis=0)) ** 2).sum())
    if total <= 0:
        return 1.0
    counts = np.bincount(labels)
    within = total
    for feature in range(z.shape[1]):
        sums = np.bincount(labels, weights=z[:, feature] - z[:, feature].mean())
        within -= float((sums[counts > 0] ** 2 / counts[counts > 0]).sum())
    return max(within / total, _TIGHTEST)


def reference_spread(z: FloatArray, k: int, shape: str, rng: np.random.Generator) -> float:
    """Mean log of the share of spread that k-means leaves within k segments of references to z (n, d) of one `shape`.

    References have as many customers as z, 5,000 at most, and are drawn 2 to 10 times, oftener where they are small.
    """
    size = min(len(z), _LARGEST_DRAW)
    logs = []
    for _ in range(int(np.clip(_REFERENCE_PEOPLE // size, 2, _MOST_DRAWS))):
        logs.append(_best_cut(reference(z, shape, size, rng), k, rng))
    return float(np.mean(logs))


def shuffled_spreads(z: FloatArray, k: int, rng: np.random.Generator) -> FloatArray:
    """Log of the share of spread that k-means leaves within k segments of shuffled columns of z (n, d): (SHUFFLES,).

    Each reference has as many customers as z, 5,000 at most, drawn with their features apart.
    """
    size = min(len(z), _LARGEST_DRAW)
    logs = []
    for _ in range(SHUFFLES):
        shuffled = np.column_stack([rng.permutation(column)[:size] for column in z.T])
        logs.append(_best_cut(shuffled, k, rng))
    return np.array(logs)


def _best_cut(cloud: FloatArray, k: int, rng: np.random.Generator) -> float:
    """Log of the share of spread that k-means leaves within k segments of a reference `cloud` (n, d)."""
    # No more segments than the cloud has places.
    segments = min(k, len(np.unique(cloud, axis=0)))
    labels = KMeans(segments, n_init=_STARTS, random_state=int(rng.integers(2**31 - 1))).fit(cloud).labels_
    return float(np.log(spread_left(cloud, labels.astype(np.int64))))


def joint_gap(z: FloatArray, labels: IntArray, shuffled: FloatArray) -> tuple[float, float]:
    """How much tighter the segments are than those of shuffled columns, as `structure_gap`, and its standard error.

    `shuffled` holds `shuffled_spreads` (m,) for the same k. The error is that of the gap statistic, the spread of the
    references times the square root of 1 + 1 / m. Near 0, the features say nothing together that each does not say
    alone: the segments are bands, not types.
    """
    error = float(shuffled.std(ddof=1) * np.sqrt(1 + 1 / len(shuffled)))
    return float(shuffled.mean() - np.log(spread_left(z, labels))), error


def structure_gap(z: FloatArray, labels: IntArray, reference_spreads: Sequence[float]) -> float:
    """Log of how much tighter the segments are than the best cut of the harder reference; 0 or less: no structure.

    `reference_spreads` holds `reference_spread` for the same k and each of SHAPES. 0.10 means that the segments leave
    about 10 % less spread within them than k-means leaves in a cloud without segments.
    """
    return min(reference_spreads) - float(np.log(spread_left(z, labels)))
