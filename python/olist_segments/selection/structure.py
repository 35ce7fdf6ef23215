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

from collections.abc import Iterator, Sequence

import numpy as np

from olist_segments.arrays import FloatArray, IntArray
from olist_segments.selection.kmeans import Cells, Run, kmeans
from olist_segments.selection.sampling import atoms, generator

SHAPES = ("bell", "box")
"""The two clouds without segments that a segmentation has to beat."""

SHUFFLED = "shuffled"
"""The third reference: customers whose columns are shuffled one by one."""

_LARGEST_DRAW = 3_000
# Cells of the clouds' k-means: it settles on the few points of a cloud in no time.
_CELLS = 600
_TIGHTEST = 1e-6


def references(z: FloatArray, shape: str, size: int, rngs: Sequence[np.random.Generator]) -> Iterator[FloatArray]:
    """A cloud (size, d) by each of `rngs`, of one of SHAPES, with the means and covariance of z (n, d).

    Features of few values are snapped to those.
    """
    values, axes = np.linalg.eigh(np.atleast_2d(np.cov(z, rowvar=False)))
    lattices = [atoms(column) for column in z.T]
    means, scales = z.mean(axis=0), np.sqrt(np.maximum(values, 0))
    for rng in rngs:
        if shape == "bell":
            draws = rng.standard_normal((size, z.shape[1]))
        else:
            draws = rng.uniform(-np.sqrt(3), np.sqrt(3), (size, z.shape[1]))
        cloud: FloatArray = means + (draws * scales) @ axes.T
        for feature, lattice in enumerate(lattices):
            if lattice is not None:
                # The nearest atom of each value, by the midpoints between atoms.
                cloud[:, feature] = lattice[np.searchsorted((lattice[1:] + lattice[:-1]) / 2, cloud[:, feature])]
        yield cloud


def shuffled(z: FloatArray, size: int, rngs: Sequence[np.random.Generator]) -> Iterator[FloatArray]:
    """By each of `rngs` a draw (size, d) of customers z (n, d) whose columns are shuffled one by one."""
    for rng in rngs:
        yield np.column_stack([rng.permutation(column)[:size] for column in z.T])


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


def reference_spreads(
    z: FloatArray, ks: Sequence[int], shape: str, numbers: Sequence[int], seed: int
) -> dict[int, FloatArray]:
    """For each of `ks` the log of the share of spread that k-means leaves within so many segments of references.

    The references are clouds of one `shape` of z (n, d), or with the shape 'shuffled' customers whose columns are
    shuffled one by one, of 3,000 customers at most; those with these `numbers`, the same for all `ks`: (numbers,) each.
    """
    size = min(len(z), _LARGEST_DRAW)
    rngs = [generator(seed, "reference", shape, number) for number in numbers]
    clouds = list(shuffled(z, size, rngs) if shape == SHUFFLED else references(z, shape, size, rngs))
    cells = Cells.of(np.concatenate(clouds), _CELLS)
    places = [np.arange(size) + position * size for position in range(len(clouds))]
    runs = [
        Run(k, generator(seed, "reference", shape, number, k), place)
        for k in ks
        for number, place in zip(numbers, places, strict=True)
    ]
    left = np.array([cut.inertia for cut in kmeans(cells, runs)]).reshape(len(ks), len(clouds))
    total = np.array([((cloud - cloud.mean(axis=0)) ** 2).sum() for cloud in clouds])
    # A cloud that is one place is left whole.
    shares = np.where(total > 0, left / np.where(total > 0, total, 1), 1)
    return dict(zip(ks, np.log(np.maximum(shares, _TIGHTEST)), strict=True))


def joint_gap(spread: float, shuffled: FloatArray) -> tuple[float, float]:
    """How much tighter the segments are than those of shuffled columns, and its standard error; see `structure_gap`.

    `spread` is the log of `spread_left`, `shuffled` holds `reference_spreads` (m,) of shape 'shuffled' for the same k.
    Near 0, the features say nothing together that each does not say alone: the segments are bands, not types.
    """
    return _gap(spread, shuffled)


def structure_gap(spread: float, references: Sequence[FloatArray]) -> tuple[float, float]:
    """How much tighter the segments are than the best cut of the harder reference, and its standard error.

    `spread` is the log of `spread_left`; `references` holds `reference_spreads` (m,) for the same k and each of SHAPES.
    0.10 means that the segments leave about 10 % less spread within them than k-means leaves in a cloud without
    segments; 0 or less is no structure. The error is that of the gap statistic: the standard deviation of the
    references times the square root of 1 + 1 / m (Tibshirani, Walther & Hastie 2001, section 3).
    """
    return min(_gap(spread, reference) for reference in references)


def _gap(spread: float, reference: FloatArray) -> tuple[float, float]:
    """The mean of a `reference` (m,) above `spread`, with its standard error."""
    error = float(reference.std(ddof=1) * np.sqrt(1 + 1 / len(reference)))
    return float(reference.mean()) - spread, error
