"""k-means by Lloyd's algorithm, many runs side by side: first on cells of alike customers, then on the customers.

Customers are gathered into the cells of a grid, each as heavy as the customers in it. Every run (a resample, a half, a
number of segments) starts there, from greedy k-means++ (Arthur & Vassilvitskii 2007, SODA, 1027-1035), and the best of
its starts goes on with the customers until it settles (Lloyd 1982, IEEE Trans. Inf. Theory 28, 129-137): the cells
decide where the search begins and not where it ends. Every number of a run is computed from that run alone, so the
result does not depend on what is fitted beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from olist_segments.arrays import FloatArray, IntArray

# Starts of a run; after so many steps the best few of them go on.
_STARTS, _TRIAL_STEPS, _FINALISTS = 6, 4, 4
# A cell is so wide, in standard deviations of its feature; finer or coarser by these factors until there are neither
# too few cells nor too many.
_WIDTH, _FINER, _COARSER = 0.1, 0.25, 1.4
_FEWEST_CELLS, _MOST_CELLS, _REFINEMENTS = 200, 2_000, 8
_MOST_STEPS = 300
# Lloyd's algorithm has settled when the centres' squared moves add up to this share of the mean variance.
_SETTLED = 1e-4
_SETTLED_CELLS = 1e-5
# Numbers per array of a batch: what fits the cache beside the other arrays.
_BATCH = 32_000

_Single = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Cells:
    """Customers z (n, d), the cell of each in `index` (n,), and the mean of every cell in `means` (m, d)."""

    z: FloatArray
    index: IntArray
    means: FloatArray

    @classmethod
    def of(cls, z: FloatArray, at_most: int = _MOST_CELLS) -> Cells:
        """The cells of z (n, d): its different rows, or, of more than `at_most` customers, those of a grid."""
        if len(z) <= at_most:
            rows, index = np.unique(z, axis=0, return_inverse=True)
            return cls(z, index.ravel().astype(np.int64), rows)
        scale = z.std(axis=0)
        columns = [(z[:, feature] - z[:, feature].min()) / scale[feature] for feature in np.flatnonzero(scale > 0)]
        width = _WIDTH
        index, count = _grid(columns, len(z), width)
        for _ in range(_REFINEMENTS):
            # So few cells are too few, unless they are all the different rows there are.
            if count >= _FEWEST_CELLS or _are_alike(z, index, count):
                break
            width *= _FINER
            index, count = _grid(columns, len(z), width)
        while count > at_most:
            width *= _COARSER
            index, count = _grid(columns, len(z), width)
        sizes = np.bincount(index, minlength=count)
        sums = np.column_stack([np.bincount(index, weights=column, minlength=count) for column in z.T])
        return cls(z, index, sums / sizes[:, None])


def _grid(columns: Sequence[FloatArray], customers: int, width: float) -> tuple[IntArray, int]:
    """The cell (n,) of every customer in a grid of `width` over `columns` (n,) from 0, and the number of cells."""
    index, count = np.zeros(customers, dtype=np.int64), 1
    for column in columns:
        place = (column / width).astype(np.int64)
        index = index * (int(place.max()) + 1) + place
        if int(index.max()) > 8 * customers:
            # Counting would take too much memory.
            index = np.unique(index, return_inverse=True)[1].astype(np.int64)
        occurs = np.bincount(index) > 0
        index, count = (np.cumsum(occurs) - 1)[index], int(occurs.sum())
    return index, count


def _are_alike(z: FloatArray, index: IntArray, count: int) -> bool:
    """Whether the customers of every cell are equal."""
    anybody = np.zeros(count, dtype=np.int64)
    anybody[index] = np.arange(len(z))
    return bool((z == z[anybody[index]]).all())


class Run(NamedTuple):
    """What one run cuts into `k` segments: positions of `customers` (m,), everybody if None; `rng` draws its starts."""

    k: int
    rng: np.random.Generator
    customers: IntArray | None = None


class Cut(NamedTuple):
    """Where a run settled: centres (k, d), the customers of each (k,), and the sum of squared distances to them."""

    centre: FloatArray
    sizes: IntArray
    inertia: float


class _Sample(NamedTuple):
    """Customers of a run as `columns` (d, n), and the `masses` (1 + d, m) of the cells: how many, and their sums."""

    columns: FloatArray
    masses: FloatArray


def kmeans(cells: Cells, runs: Sequence[Run]) -> list[Cut]:
    """The cut of every run: the best of six starts, settled on its customers.

    With fewer different cells than k there are as many segments as cells; a segment that loses all its customers starts
    again at the customer farthest from its centre.
    """
    # Runs that share an array of customers share the sums.
    drawn = {id(run.customers): run.customers for run in runs}
    samples = {key: _sample(cells, customers) for key, customers in drawn.items()}
    own = [samples[id(run.customers)] for run in runs]
    ks = [min(run.k, int(np.count_nonzero(sample.masses[0]))) for run, sample in zip(runs, own, strict=True)]
    found: dict[int, Cut] = {}
    size = max(1, _BATCH // (_STARTS * len(cells.means)))
    for k in set(ks):
        same = [number for number in range(len(runs)) if ks[number] == k]
        for first in range(0, len(same), size):
            batch = same[first : first + size]
            draws = np.array([runs[number].rng.random((_STARTS, k, _trials(k))) for number in batch])
            centres = _best_starts(cells.means, np.array([own[number].masses for number in batch]), draws)
            for number, centre in zip(batch, centres, strict=True):
                found[number] = _settled(own[number].columns, centre)
    return [found[number] for number in range(len(runs))]


def first_centres(cells: Cells, k: int, rng: np.random.Generator, starts: int) -> FloatArray:
    """What k-means++ draws for so many `starts` on everybody: centres (starts, k, d), k at most the number of cells."""
    columns = np.ascontiguousarray(cells.means.T, dtype=np.float32)
    weights = np.bincount(cells.index, minlength=len(cells.means)).astype(np.float32)
    chosen = _plus_plus(columns, np.tile(weights, (starts, 1)), rng.random((starts, k, _trials(k))))
    return cells.means[chosen]


def _sample(cells: Cells, customers: IntArray | None) -> _Sample:
    z, index = cells.z, cells.index
    if customers is not None:
        z, index = z[customers], index[customers]
    columns = np.ascontiguousarray(z.T)
    masses = [np.bincount(index, weights=weight, minlength=len(cells.means)) for weight in (None, *columns)]
    return _Sample(columns, np.array(masses, dtype=np.float64))


def _trials(k: int) -> int:
    """How many points compete to be the next centre, as in scikit-learn's k-means++."""
    return 2 + int(np.log(k))


def _best_starts(points: FloatArray, masses: FloatArray, draws: FloatArray) -> list[FloatArray]:
    """The best centres (k, d) that each run finds on weighted `points` (m, d).

    `masses` (runs, 1 + d, m): the weight of every point and the sums of the features there; `draws` (runs, starts, k,
    t): uniform numbers for the t points that compete to be the next centre of a start.
    """
    runs, starts, k, _ = draws.shape
    columns = np.ascontiguousarray(points.T, dtype=np.float32)
    heavy = np.repeat(masses, starts, axis=0)
    first = _plus_plus(columns, heavy[:, 0].astype(np.float32), draws.reshape(runs * starts, k, -1))
    centres, inertia = _lloyd(points, heavy, first)
    chosen = inertia.reshape(runs, starts).argmin(axis=1)
    return list(centres.reshape(runs, starts, k, -1)[np.arange(runs), chosen])


def _plus_plus(columns: _Single, weights: _Single, draws: FloatArray) -> IntArray:
    """The points (starts, k) that greedy k-means++ starts from: `columns` (d, m), `weights` (starts, m)."""
    starts, k, _ = draws.shape
    chosen = np.empty((starts, k), dtype=np.int64)
    chosen[:, 0] = _drawn(weights, draws[:, 0, :1])[:, 0]
    closest = _distances(columns, chosen[:, :1])[:, 0]
    for segment in range(1, k):
        tried = _drawn(weights * closest, draws[:, segment])
        nearer = np.minimum(_distances(columns, tried), closest[:, None])
        winner = (nearer * weights[:, None]).sum(axis=2).argmin(axis=1)
        every = np.arange(starts)
        chosen[:, segment], closest = tried[every, winner], nearer[every, winner]
    return chosen


def _drawn(masses: _Single, draws: FloatArray) -> IntArray:
    """Points (starts, t) drawn by their `masses` (starts, m) where `draws` (starts, t) are uniform."""
    cumulated = np.cumsum(masses, axis=1, dtype=np.float64)
    found = [np.searchsorted(one, draw * one[-1], side="right") for one, draw in zip(cumulated, draws, strict=True)]
    # Rounding, or no mass at all, must not lead beyond the last point that has any.
    points: IntArray = np.minimum(np.array(found, dtype=np.int64), masses.shape[1] - 1)
    return points


def _distances(columns: _Single, chosen: IntArray) -> _Single:
    """Squared distances (starts, t, m) of all points to those `chosen` (starts, t)."""
    total = np.zeros((*chosen.shape, columns.shape[1]), dtype=np.float32)
    for column in columns:
        apart = column - column[chosen][:, :, None]
        apart *= apart
        total += apart
    return total


def _lloyd(points: FloatArray, masses: FloatArray, first: IntArray) -> tuple[FloatArray, FloatArray]:
    """Where Lloyd's algorithm settles on weighted points (m, d) from the points `first` (starts, k).

    `masses` (starts, 1 + d, m) are the weights of the points and the sums of the features in each. Returns the centres
    (starts, k, d) and the sums of squares (starts,) up to a constant of the masses.
    """
    starts, k = first.shape
    centres = points[first]
    inertia = np.full(starts, np.inf)
    columns = np.vstack([points.T, np.ones(len(points))]).astype(np.float32)
    weight, *sums = np.ascontiguousarray(masses.transpose(1, 0, 2))
    mean = np.array([one.sum(axis=1) for one in sums]) / weight.sum(axis=1)
    spread = sum(
        (weight * (column - own[:, None]) ** 2).sum(axis=1) for column, own in zip(points.T, mean, strict=True)
    )
    tolerance = _SETTLED_CELLS * spread / weight.sum(axis=1) / points.shape[1]
    moving = np.arange(starts)
    for step in range(_MOST_STEPS):
        now = centres[moving]
        linear = np.concatenate([-2 * now, (now**2).sum(axis=2, keepdims=True)], axis=2).astype(np.float32)
        labels = _lowest(np.matmul(linear, columns))
        cell = (labels + (np.arange(len(moving)) * k)[:, None]).ravel()
        count, *totals = (np.bincount(cell, part.ravel(), len(moving) * k).reshape(-1, k) for part in (weight, *sums))
        new = np.stack(totals, axis=2) / np.maximum(count, 1)[:, :, None]
        for run in np.flatnonzero((count == 0).any(axis=1)):
            empty = np.flatnonzero(count[run] == 0)
            apart = ((points - now[run, labels[run]]) ** 2).sum(axis=1) * (weight[run] > 0)
            new[run, empty] = points[np.argsort(-apart, kind="stable")[: len(empty)]]
        centres[moving] = new
        inertia[moving] = -(count * (new**2).sum(axis=2)).sum(axis=1)
        goes_on = ((new - now) ** 2).sum(axis=(1, 2)) > tolerance[moving]
        if step == _TRIAL_STEPS:
            ranks = inertia.reshape(-1, _STARTS).argsort(axis=1, kind="stable").argsort(axis=1).ravel()
            goes_on &= ranks[moving] < _FINALISTS
        if not goes_on.any():
            break
        if not goes_on.all():
            moving = moving[goes_on]
            weight, *sums = (part[goes_on] for part in (weight, *sums))
    return centres, inertia


def _lowest(scores: _Single) -> IntArray:
    """The segment (r, m) of the lowest of `scores` (r, k, m), the first of equals."""
    lowest = scores[:, 0].copy()
    labels = np.zeros(lowest.shape, dtype=np.min_scalar_type(scores.shape[1]))
    for segment in range(1, scores.shape[1]):
        is_lower = scores[:, segment] < lowest
        np.minimum(lowest, scores[:, segment], out=lowest)
        np.maximum(labels, is_lower * labels.dtype.type(segment), out=labels)
    return labels.astype(np.int64)


def _settled(columns: FloatArray, centre: FloatArray) -> Cut:
    """Where Lloyd's algorithm settles from `centre` (k, d) on the customers whose features are `columns` (d, n).

    A customer is looked at again only when the centres have moved so far that another may be the nearest (Hamerly 2010,
    SIAM Data Mining, 130-140).
    """
    k = len(centre)
    tolerance = _SETTLED * float(columns.var(axis=1).mean())
    labels, margin, distance = _two_nearest(columns, centre)
    sizes, sums = _sizes_and_sums(columns, labels, k)
    reach = 0.0
    for _ in range(_MOST_STEPS):
        if not sizes.all():
            empty = np.flatnonzero(sizes == 0)
            centre = sums / np.maximum(sizes, 1)[:, None]
            centre[empty] = columns[:, np.argsort(-distance, kind="stable")[: len(empty)]].T
            labels, margin, distance = _two_nearest(columns, centre)
            sizes, sums = _sizes_and_sums(columns, labels, k)
            reach = 0.0
            continue
        new = sums / sizes[:, None]
        moved = ((new - centre) ** 2).sum(axis=1)
        centre = new
        reach += 2 * float(np.sqrt(moved.max()))
        near = np.flatnonzero(margin <= reach)
        found, apart, distance[near] = _two_nearest(columns[:, near], centre)
        margin[near] = apart + reach
        before = labels[near]
        labels[near] = found
        is_other = found != before
        changed = columns[:, near[is_other]]
        for part, sign in ((found[is_other], 1), (before[is_other], -1)):
            more, added = _sizes_and_sums(changed, part, k)
            sizes, sums = sizes + sign * more, sums + sign * added
        if float(moved.sum()) <= tolerance and sizes.all():
            break
    inertia = float((columns**2).sum()) - float((centre * (2 * sums - sizes[:, None] * centre)).sum())
    return Cut(centre, sizes, max(inertia, 0.0))


def _sizes_and_sums(columns: FloatArray, labels: IntArray, k: int) -> tuple[IntArray, FloatArray]:
    """How many customers (k,) each label has, and the sums (k, d) of their features."""
    sums = [np.bincount(labels, weights=column, minlength=k) for column in columns]
    return np.bincount(labels, minlength=k), np.column_stack(sums)


def _two_nearest(columns: FloatArray, centre: FloatArray) -> tuple[IntArray, FloatArray, FloatArray]:
    """The nearest centre (n,) of `columns` (d, n), the first of equals, how much farther the next, how far it is."""
    n = columns.shape[1]
    labels = np.zeros(n, dtype=np.min_scalar_type(len(centre)))
    apart, distance = np.empty((2, n))
    lowest, second = np.full((2, n), np.inf)
    for segment, place in enumerate(centre):
        np.subtract(columns[0], place[0], out=distance)
        distance *= distance
        for column, value in zip(columns[1:], place[1:], strict=True):
            np.subtract(column, value, out=apart)
            apart *= apart
            distance += apart
        np.maximum(labels, (distance < lowest) * labels.dtype.type(segment), out=labels)
        np.minimum(second, np.maximum(distance, lowest, out=apart), out=second)
        np.minimum(lowest, distance, out=lowest)
    np.sqrt(lowest, out=lowest)
    return labels.astype(np.int64), np.sqrt(second) - lowest, lowest
