"""Gaussian mixtures of diagonal covariance by the EM algorithm, first on cells of alike customers, then on customers.

The algorithm is that of scikit-learn's GaussianMixture (Dempster, Laird & Rubin 1977, JRSS B 39, 1-38): it adds a
floor to every variance, and has settled when a step changes the log likelihood a customer by less than 0.001. It starts
from k-means and, since the tightest cut need not lead to the likeliest mixture, from some draws of k-means++ as well;
the likeliest mixture of the cells goes on with the customers. A cell keeps the squares of its customers beside their
sums: nothing is rounded there but the place at which its density is taken.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist

from olist_segments.arrays import FloatArray
from olist_segments.selection.kmeans import Cells, Run, first_centres, kmeans

VARIANCE_FLOOR = 0.01
"""Added to every variance, in squared z units: keeps a component from collapsing onto one value of a feature."""

_OTHER_STARTS = 5
_MOST_STEPS = 300
_SETTLED = 1e-3
# Keeps a component without customers from dividing by nothing, as in scikit-learn.
_NOBODY = 10 * np.finfo(np.float64).eps


class Mixture(NamedTuple):
    """Components of a mixture: weights (k,), adding up to 1, means (k, d) and variances (k, d)."""

    weights: FloatArray
    means: FloatArray
    variances: FloatArray


class _Points(NamedTuple):
    """Places (d, m), and for each how many customers are there, the sums of their features, and of the squares."""

    places: FloatArray
    counts: FloatArray
    sums: FloatArray
    squares: FloatArray


def gaussian_mixture(z: FloatArray, k: int, rng: np.random.Generator) -> Mixture:
    """A mixture of k components for z (n, d), of as many as z has different rows where these are fewer."""
    cells = Cells.of(z)
    (cut,) = kmeans(cells, [Run(k, rng)])
    starts = [cut.centre, *first_centres(cells, len(cut.centre), rng, _OTHER_STARTS)]
    points = _gathered(cells)
    found = [_settled(points, _maximised(points, _nearest(points, centre))) for centre in starts]
    best = found[int(np.argmax([likelihood for _, likelihood in found]))][0]
    if len(cells.means) == len(z):
        return best
    people = np.ascontiguousarray(z.T)
    return _settled(_Points(people, np.ones(len(z)), people, people**2), best)[0]


def _nearest(points: _Points, centre: FloatArray) -> FloatArray:
    """Shares (k, m) of the points in components: all of each in that of the nearest of `centre` (k, d)."""
    nearest: FloatArray = np.eye(len(centre))[cdist(points.places.T, centre).argmin(axis=1)].T
    return nearest


def _gathered(cells: Cells) -> _Points:
    """The points that the cells are."""
    count = len(cells.means)

    def added(values: FloatArray) -> FloatArray:
        return np.array([np.bincount(cells.index, weights=column, minlength=count) for column in values.T])

    sizes = np.bincount(cells.index, minlength=count).astype(np.float64)
    return _Points(np.ascontiguousarray(cells.means.T), sizes, added(cells.z), added(cells.z**2))


def _settled(points: _Points, mixture: Mixture) -> tuple[Mixture, float]:
    """Where the EM algorithm settles from `mixture`, and the log likelihood a customer one step before."""
    customers = points.counts.sum()
    likelihood = -np.inf
    for _ in range(_MOST_STEPS):
        log_densities = _log_densities(points.places, mixture)
        highest = log_densities.max(axis=0)
        shares = np.exp(log_densities - highest)
        total = shares.sum(axis=0)
        before, likelihood = likelihood, float((points.counts * (highest + np.log(total))).sum() / customers)
        mixture = _maximised(points, shares / total)
        if abs(likelihood - before) < _SETTLED:
            break
    return mixture, likelihood


def _log_densities(places: FloatArray, mixture: Mixture) -> FloatArray:
    """Log of weight times density of every component at `places` (d, m): (k, m)."""
    weights, means, variances = mixture
    constant = np.log(weights) - 0.5 * (np.log(2 * np.pi * variances) + means**2 / variances).sum(axis=1)
    found: FloatArray = (means / variances) @ places - (0.5 / variances) @ places**2 + constant[:, None]
    return found


def _maximised(points: _Points, shares: FloatArray) -> Mixture:
    """The mixture of highest likelihood given the `shares` (k, m) of every point in the components."""
    counts = shares @ points.counts + _NOBODY
    means = shares @ points.sums.T / counts[:, None]
    variances = shares @ points.squares.T / counts[:, None] - means**2
    return Mixture(counts / counts.sum(), means, variances + VARIANCE_FLOOR)
