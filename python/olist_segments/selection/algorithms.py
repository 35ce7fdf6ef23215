"""The four algorithms that can fit a segmentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.mixture import GaussianMixture

from olist_segments.arrays import FloatArray, IntArray
from olist_segments.errors import UserError
from olist_segments.model.agreement import adjusted_rand, contingency
from olist_segments.model.segmentation import Segmentation
from olist_segments.selection.sampling import atoms, distinct_rows, generator, strata, stratified_sample
from olist_segments.settings.model import ALGORITHMS

FIT_SIZES = {"kmeans": None, "gaussian_mixture": 10_000, "ward": 3_000, "hdbscan": 3_000}
"""Most customers an algorithm is fitted on: a mixture gains little beyond, Ward and HDBSCAN need pairwise distances."""

_KMEANS_STARTS = 5
_KMEANS_START_SIZE = 8_000
# Variance floors in squared z units. A mixture's keeps a component from collapsing onto one value of a feature.
_MIXTURE_FLOOR = 0.01
_POOLED_FLOOR = 1e-6
# A variance below so many times the floor is the floor and rounding.
_AT_FLOOR = 1.1
# How many neighbours make a place dense, as a share of the customers: so a smaller sample sees the same density.
_DENSITY_NEIGHBOURS = 0.004


def fit_segmentations(z: FloatArray, algorithm: str, settings: Sequence[str], *, seed: int) -> dict[str, Segmentation]:
    """Fit `algorithm` on z (n, d) once for each of `settings` and return the deployable forms, largest segment first.

    kmeans: Lloyd's algorithm from the best of five k-means++ starts (of 8,000 customers where there are more), then on
    everybody; spherical segments of the pooled within-segment variance and equal weight, so the lowest score is the
    nearest centre. gaussian_mixture: diagonal covariance, its variances at least 0.01 (a standard deviation of 0.1);
    labels are those of scikit-learn's `predict`. ward (Ward 1963) and hdbscan (Campello, Moulavi & Sander 2013) have
    no rule for new customers: what is deployed is the nearest centroid of the clusters they found, with pooled variance
    as for kmeans, and customers whom HDBSCAN calls noise go to the nearest centroid too; `Segmentation.fidelity` says
    how far that is from the clusters (noise counts as one). If z has fewer distinct rows than k, there are fewer
    segments; the density method finds its own k, which may be 1. Beyond `FIT_SIZES` a stratified sample is fitted.

    Raises UserError for an unknown algorithm. Run it with one BLAS and OpenMP thread: more of them change the last
    digits.
    """
    if algorithm not in ALGORITHMS:
        raise UserError(f"unknown clustering algorithm {algorithm!r}: use one of {', '.join(ALGORITHMS)}.")
    limit = FIT_SIZES[algorithm]
    if limit is not None and len(z) > limit:
        sample = z[stratified_sample(strata(z), limit, generator(seed, "fit sample"))]
    else:
        sample = z
    tree = linkage(sample, "ward") if algorithm == "ward" else None
    found = {}
    for setting in settings:
        rng = generator(seed, algorithm, setting)
        if algorithm == "kmeans":
            segmentation = _kmeans(sample, _number(setting), rng)
        elif algorithm == "gaussian_mixture":
            segmentation = _gaussian_mixture(sample, _number(setting), rng)
        elif algorithm == "ward":
            segmentation = _nearest_centroid(sample, fcluster(tree, _number(setting), "maxclust"))
        else:
            segmentation = _nearest_centroid(sample, _density_clusters(sample, _number(setting) / 100))
        found[setting] = segmentation.in_canonical_order(z)
    return found


def _number(setting: str) -> int:
    """The whole number of a setting's words."""
    return int(setting.partition("=")[2].rstrip("%"))


def _state(rng: np.random.Generator) -> int:
    """A seed that scikit-learn takes."""
    return int(rng.integers(2**31 - 1))


def spherical(centre: FloatArray, z: FloatArray) -> Segmentation:
    """Equal-weight spherical segments round `centre` (k, d) with the pooled within-segment variance of z (n, d)."""
    nearest = Segmentation(centre, np.ones_like(centre), np.zeros(len(centre)))
    variance = float(nearest.score(z).min(axis=1).mean()) / z.shape[1]
    return Segmentation(centre, np.full_like(centre, 1 / max(variance, _POOLED_FLOOR)), np.zeros(len(centre)))


def _kmeans(z: FloatArray, k: int, rng: np.random.Generator) -> Segmentation:
    k = distinct_rows(z, k)
    few = z
    if len(z) > _KMEANS_START_SIZE:
        few = z[stratified_sample(strata(z), _KMEANS_START_SIZE, rng)]
        k = distinct_rows(few, k)
    model = KMeans(k, n_init=_KMEANS_STARTS, random_state=_state(rng)).fit(few)
    if few is not z:
        model = KMeans(k, init=model.cluster_centers_, n_init=1).fit(z)
    return spherical(model.cluster_centers_, z)


def _gaussian_mixture(z: FloatArray, k: int, rng: np.random.Generator) -> Segmentation:
    model = GaussianMixture(
        distinct_rows(z, k), covariance_type="diag", reg_covar=_MIXTURE_FLOOR, random_state=_state(rng), max_iter=300
    ).fit(z)
    return mixture_segments(model)


def mixture_segments(model: GaussianMixture) -> Segmentation:
    """A diagonal mixture as segments: precision 1 / variance, bias sum of log variances - 2 log weight."""
    bias = np.log(model.covariances_).sum(axis=1) - 2 * np.log(model.weights_)
    return Segmentation(model.means_, 1 / model.covariances_, bias)


def collapsed_segments(segmentation: Segmentation, z: FloatArray) -> int:
    """How many segments of a mixture stand at its variance floor in a feature of z (n, d) that takes few values.

    Such a component describes one value and no customers: only the floor keeps its density finite.
    """
    discrete = [column for column in range(z.shape[1]) if atoms(z[:, column]) is not None]
    at_floor = segmentation.precision[:, discrete] > 1 / (_AT_FLOOR * _MIXTURE_FLOOR)
    return int(at_floor.any(axis=1).sum())


def _density_clusters(z: FloatArray, share: float) -> IntArray:
    """HDBSCAN's labels (n,), -1 for noise."""
    clusters = HDBSCAN(
        min_cluster_size=max(2, round(share * len(z))),
        min_samples=max(2, round(_DENSITY_NEIGHBOURS * len(z))),
        copy=True,
    ).fit_predict(z)
    return np.asarray(clusters, dtype=np.int64)


def _nearest_centroid(z: FloatArray, clusters: IntArray) -> Segmentation:
    """Segments round the means of `clusters` (n,); with no cluster but noise, one segment round the mean of all."""
    named = np.unique(clusters[clusters >= 0])
    if not len(named):
        return spherical(z.mean(axis=0, keepdims=True), z)
    nearest = spherical(np.array([z[clusters == cluster].mean(axis=0) for cluster in named]), z)
    own = np.unique(clusters, return_inverse=True)[1].astype(np.int64)
    table = contingency(own, nearest.labels(z), int(own.max()) + 1, nearest.k)
    return replace(nearest, fidelity=adjusted_rand(table))
